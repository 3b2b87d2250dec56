output "identifier" {
  description = "Id of the cache."
  value       = aws_elasticache_cluster.this.id
}

output "endpoint" {
  description = "Host name to connect to."
  value       = try(aws_elasticache_cluster.this.cache_nodes[0].address, "") # a half-made cache has no node, and must go
}

output "port" {
  description = "Port to connect to."
  value       = aws_elasticache_cluster.this.port
}

output "security_group_id" {
  description = "Security group of the cache."
  value       = aws_security_group.this.id
}
