output "arn" {
  description = "ARN of the certificate. Known once it is validated."
  value       = aws_acm_certificate_validation.this.certificate_arn
}
