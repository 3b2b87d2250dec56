output "queue_url" {
  description = "Queue to send messages to."
  value       = module.queue.url
}

output "dead_letters_url" {
  description = "Queue of the messages that failed too often."
  value       = module.queue.dead_letters_url
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
