output "fqdn" {
  description = "Host name of the application."
  value       = local.fqdn
}

output "url" {
  description = "Address of the application."
  value       = "https://${local.fqdn}/"
}

output "ecr_repository_url" {
  description = "Where the application's images are pushed to."
  value       = module.repository.url
}

output "cluster_name" {
  description = "ECS cluster of the service."
  value       = local.sandbox.cluster_name
}

output "service_name" {
  description = "ECS service to deploy to."
  value       = module.service.service_name
}

output "container_name" {
  description = "Container in the task definition; a deployment keeps this name."
  value       = module.service.container_name
}

output "log_group_name" {
  description = "Log group of the application."
  value       = module.service.log_group_name
}

output "target_group_arn" {
  description = "Target group that the tasks register in."
  value       = module.route.target_group_arn
}

output "listener_rule_arn" {
  description = "Listener rule that sends the host name to the target group."
  value       = module.route.listener_rule_arn
}

output "security_group_id" {
  description = "Security group of the tasks."
  value       = module.service.security_group_id
}

output "task_role_arn" {
  description = "Role that the application acts as."
  value       = module.service.task_role_arn
}

output "execution_role_arn" {
  description = "Role with which ECS pulls images and writes logs."
  value       = module.service.execution_role_arn
}

output "alb_arn" {
  description = "Load balancer in front of the service: the sandbox's, or the environment's own."
  value       = local.alb.arn
}

output "https_listener_arn" {
  description = "HTTPS listener of that load balancer."
  value       = local.alb.https_listener_arn
}

output "cloudfront_id" {
  description = "CloudFront distribution. Empty: none."
  value       = local.cdn.enabled ? module.cdn[0].id : ""
}

output "firewall_arn" {
  description = "Firewall. Empty: none."
  value       = !local.firewall.enabled ? "" : local.cdn.enabled ? module.edge_firewall[0].arn : module.firewall[0].arn
}

output "database_identifier" {
  description = "RDS instance or Aurora cluster."
  value       = local.db.identifier
}

output "database_endpoint" {
  description = "Host name of the database."
  value       = local.db.endpoint
}

output "database_port" {
  description = "Port of the database."
  value       = local.db.port
}

output "database_subnet_group_name" {
  description = "Subnet group of the database."
  value       = local.db.subnet_group_name
}

output "database_security_group_id" {
  description = "Security group of the database."
  value       = local.db.security_group_id
}

output "secret_arn" {
  description = "Secret with what it takes to connect to the database."
  value       = module.database_secret.arn
}

output "cache_identifier" {
  description = "Id of the cache. Empty: none."
  value       = local.cache.enabled ? module.cache[0].identifier : ""
}

output "cache_endpoint" {
  description = "Host name of the cache. Empty: none."
  value       = local.cache.enabled ? module.cache[0].endpoint : ""
}

output "bucket_name" {
  description = "Bucket of the application. Empty: none."
  value       = local.bucket.enabled ? module.bucket[0].name : ""
}

output "alarm_topic_arn" {
  description = "Topic that alarms are told to. Empty: none."
  value       = local.alarms.enabled ? module.alarms[0].topic_arn : ""
}

output "deploy_role_arn" {
  description = "Role with which a workflow of the application's repository deploys. Empty: none."
  value       = local.github.repository == "" ? "" : module.deploy_role[0].arn
}

output "deploy_branch" {
  description = "Branch of the repository whose workflow runs deploy. Empty: none."
  value       = local.github.repository == "" ? "" : local.github.branch
}
