output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "vpc_cidr" {
  description = "Address block of the VPC."
  value       = aws_vpc.this.cidr_block
}

output "public_subnet_ids" {
  description = "Subnets with a route to the internet, one per zone: for load balancers. Known once the route is there."
  value       = aws_subnet.public[*].id
  depends_on  = [aws_route.public, aws_route_table_association.public]
}

output "private_subnet_ids" {
  description = "Subnets that reach the internet through NAT, one per zone: for tasks. Known once the route is there."
  value       = aws_subnet.private[*].id
  depends_on  = [aws_route.private, aws_route_table_association.private]
}

output "database_subnet_ids" {
  description = "Subnets without a way out, one per zone."
  value       = aws_subnet.database[*].id
}

output "nat_public_ips" {
  description = "Addresses under which tasks appear on the internet."
  value       = aws_eip.nat[*].public_ip
}
