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

output "deploy_role_arn" {
  description = "Role with which a workflow of the application's repository deploys. Empty: none."
  value       = local.github.repository == "" ? "" : module.deploy_role[0].arn
}

output "deploy_branch" {
  description = "Branch of the repository whose workflow runs deploy. Empty: none."
  value       = local.github.repository == "" ? "" : local.github.branch
}
