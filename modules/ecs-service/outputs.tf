output "service_name" {
  description = "Name of the ECS service."
  value       = aws_ecs_service.this.name
}

output "service_arn" {
  description = "ARN of the ECS service."
  value       = aws_ecs_service.this.id
}

output "task_definition" {
  description = "Family and revision of the task definition that the service runs."
  value       = aws_ecs_service.this.task_definition
}

output "container_name" {
  description = "Name of the container in the task definition; a deployment keeps it."
  value       = local.container_name
}

output "task_role_arn" {
  description = "Role that the application itself acts as."
  value       = aws_iam_role.task.arn
}

output "execution_role_arn" {
  description = "Role with which ECS pulls images, reads secrets and writes logs."
  value       = aws_iam_role.execution.arn
}

output "security_group_id" {
  description = "Security group of the tasks."
  value       = aws_security_group.this.id
}

output "log_group_name" {
  description = "Log group of the tasks."
  value       = aws_cloudwatch_log_group.this.name
}

output "scaling_resource_id" {
  description = "The service as further autoscaling policies name it."
  value       = aws_appautoscaling_target.this.resource_id
}
