output "arn" {
  description = "ARN of the load balancer."
  value       = aws_lb.this.arn
}

output "dns_name" {
  description = "Name that alias records point to."
  value       = aws_lb.this.dns_name
}

output "zone_id" {
  description = "Hosted zone of `dns_name`, which an alias record needs."
  value       = aws_lb.this.zone_id
}

output "security_group_id" {
  description = "Security group that requests to targets come from."
  value       = aws_security_group.this.id
}

output "https_listener_arn" {
  description = "Listener that takes the rules of environments."
  value       = aws_lb_listener.https.arn
}

output "http_listener_arn" {
  description = "Listener that sends everything on to HTTPS."
  value       = aws_lb_listener.http.arn
}
