output "identifier" {
  description = "Identifier of the instance."
  value       = aws_db_instance.this.id
}

output "endpoint" {
  description = "Host name to connect to."
  value       = aws_db_instance.this.address
}

output "port" {
  description = "Port to connect to."
  value       = local.port
}

output "database_name" {
  description = "Database to connect to. PostgreSQL makes one; on MySQL there is none until somebody creates it."
  value       = var.engine == "postgres" ? "postgres" : ""
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
  value       = { DBInstanceIdentifier = aws_db_instance.this.id }
}
