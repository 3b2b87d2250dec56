output "id" {
  description = "Id of the distribution."
  value       = aws_cloudfront_distribution.this.id
}

output "domain_name" {
  description = "Name that alias records point to."
  value       = aws_cloudfront_distribution.this.domain_name
}

output "zone_id" {
  description = "Hosted zone of `domain_name`, which an alias record needs."
  value       = aws_cloudfront_distribution.this.hosted_zone_id
}
