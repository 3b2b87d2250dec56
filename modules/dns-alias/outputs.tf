output "names" {
  description = "The host names. Known once their records are there."
  value       = [for record in aws_route53_record.this : record.name]
}
