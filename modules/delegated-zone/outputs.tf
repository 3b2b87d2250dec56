output "zone_id" {
  description = "The hosted zone. Known once it is delegated."
  value       = aws_route53_zone.this.zone_id
  depends_on  = [aws_route53_record.delegation]
}

output "zone_name" {
  description = "Name of the zone."
  value       = var.name
}

output "name_servers" {
  description = "What the NS record in the parent zone has to say."
  value       = aws_route53_zone.this.name_servers
}
