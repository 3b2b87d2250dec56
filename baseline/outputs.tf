output "vpc_id" {
  description = "VPC of the sandbox."
  value       = module.network.vpc_id
}

output "vpc_cidr" {
  description = "Address block of the VPC."
  value       = module.network.vpc_cidr
}

output "public_subnet_ids" {
  description = "Subnets with a route to the internet, one per zone."
  value       = module.network.public_subnet_ids
}

output "private_subnet_ids" {
  description = "Subnets that reach the internet through NAT, one per zone."
  value       = module.network.private_subnet_ids
}

output "database_subnet_ids" {
  description = "Subnets without a way out, one per zone."
  value       = module.network.database_subnet_ids
}

output "cluster_arn" {
  description = "ECS cluster."
  value       = module.cluster.arn
}

output "cluster_name" {
  description = "Name of the ECS cluster."
  value       = module.cluster.name
}

output "alb_arn" {
  description = "Shared load balancer."
  value       = local.delegated ? module.load_balancer[0].arn : ""
}

output "alb_dns_name" {
  description = "Name that alias records point to."
  value       = local.delegated ? module.load_balancer[0].dns_name : ""
}

output "alb_zone_id" {
  description = "Hosted zone of the load balancer's name."
  value       = local.delegated ? module.load_balancer[0].zone_id : ""
}

output "alb_security_group_id" {
  description = "Security group that requests to targets come from."
  value       = local.delegated ? module.load_balancer[0].security_group_id : ""
}

output "http_listener_arn" {
  description = "Listener that sends everything on to HTTPS."
  value       = local.delegated ? module.load_balancer[0].http_listener_arn : ""
}

output "https_listener_arn" {
  description = "Listener that takes the rules of environments."
  value       = local.delegated ? module.load_balancer[0].https_listener_arn : ""
}

output "zone_id" {
  description = "Hosted zone of the sandbox."
  value       = module.zone.zone_id
}

output "zone_name" {
  description = "Name of the zone."
  value       = module.zone.zone_name
}

output "zone_name_servers" {
  description = "What the NS record in the parent zone has to say."
  value       = module.zone.name_servers
}

output "certificate_arn" {
  description = "Certificate for all names one label under the zone."
  value       = local.delegated ? module.certificate[0].arn : ""
}

output "cloudfront_certificate_arn" {
  description = "The same in us-east-1 for CloudFront. Empty: not wanted."
  value       = local.delegated && local.certificate.for_cloudfront ? module.cloudfront_certificate[0].arn : ""
}

output "nat_public_ips" {
  description = "Addresses under which tasks appear on the internet."
  value       = module.network.nat_public_ips
}

output "state_bucket" {
  description = "Bucket for Terraform state. Empty: not wanted."
  value       = local.state.bucket ? module.state_bucket[0].name : ""
}

output "builds_packages" {
  description = "Bucket that packages of builds are put into. Empty: not wanted."
  value       = local.builds.codebuild ? module.builds[0].packages : ""
}

output "builds_results" {
  description = "Bucket of the results of builds, and of their Terraform state. Empty: not wanted."
  value       = local.builds.codebuild || local.builds.github_repository != "" ? module.builds[0].results : ""
}

output "builds_pipeline" {
  description = "Pipeline from a package to its build. Empty: not wanted."
  value       = local.builds.codebuild ? module.builds[0].pipeline : ""
}

output "region" {
  description = "Region of the sandbox."
  value       = data.aws_region.current.id
}

output "account_id" {
  description = "Account of the sandbox."
  value       = data.aws_caller_identity.current.account_id
}
