output "identifier" {
  description = "Identifier of the cluster."
  value       = aws_rds_cluster.this.id
}

output "endpoint" {
  description = "Host name to connect to."
  value       = aws_rds_cluster.this.endpoint
  depends_on  = [aws_rds_cluster_instance.this] # before, the name answers nothing
}

output "port" {
  description = "Port to connect to."
  value       = local.port
}

output "database_name" {
  description = "Database to connect to."
  value       = aws_rds_cluster.this.database_name
}

output "username" {
  description = "Name of the master user."
  value       = var.username
}

output "security_group_id" {
  description = "Security group of the database."
  value       = aws_security_group.this.id
}

output "subnet_group_name" {
  description = "Subnet group of the database."
  value       = aws_db_subnet_group.this.name
}

output "metric_dimensions" {
  description = "The database as CloudWatch metrics name it."
  value       = { DBClusterIdentifier = aws_rds_cluster.this.id }
}
