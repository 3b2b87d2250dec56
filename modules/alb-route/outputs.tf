output "target_group_arn" {
  description = "ARN of the target group. Known only once the listener sends requests to it, which an ECS service demands."
  value       = aws_lb_target_group.this.arn
  depends_on  = [aws_lb_listener_rule.this]
}

output "target_group_arn_suffix" {
  description = "The target group as CloudWatch metrics name it."
  value       = aws_lb_target_group.this.arn_suffix
}

output "listener_rule_arn" {
  description = "ARN of the listener rule."
  value       = aws_lb_listener_rule.this.arn
}
