output "certificate_arn" {
  description = "ARN of the certificate. Known once it is validated and the listener has it."
  value       = aws_lb_listener_certificate.this.certificate_arn
}
