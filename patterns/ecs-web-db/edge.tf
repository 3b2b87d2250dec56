locals {
  # CloudFront reaches the load balancer under a name of its own, which the wildcard certificate covers too. The key
  # follows from the database's password, so it is known here and nowhere else.
  origin_name   = "${local.name}-origin.${local.sandbox.zone_name}"
  origin_header = { name = "X-Origin-Key", value = sha256("origin ${local.name} ${var.database_password}") }
}

module "origin_name" {
  source = "../../modules/dns-alias"
  count  = local.cdn.enabled ? 1 : 0

  names   = [local.origin_name]
  zone_id = local.sandbox.zone_id
  target  = { dns_name = local.alb.dns_name, zone_id = local.alb.zone_id }
}

# Not the load balancer's: CloudFront takes certificates, as firewalls, from us-east-1 only.
module "edge_certificate" {
  source = "../../modules/certificate"
  count  = local.cdn.enabled ? 1 : 0

  names = local.hosts
  zone  = { id = local.sandbox.zone_id }
  tags  = local.tags

  providers = {
    aws = aws.us_east_1
  }
}

module "cdn" {
  source = "../../modules/cloudfront"
  count  = local.cdn.enabled ? 1 : 0

  name            = local.name
  hosts           = local.hosts
  origin          = { host = local.origin_name, header = local.origin_header }
  certificate_arn = module.edge_certificate[0].arn
  cached_paths    = local.cdn.cached_paths
  web_acl_arn     = local.firewall.enabled ? module.edge_firewall[0].arn : null
  tags            = local.tags
}

module "edge_firewall" {
  source = "../../modules/waf"
  count  = local.firewall.enabled && local.cdn.enabled ? 1 : 0

  name       = local.name
  scope      = "CLOUDFRONT"
  count_only = local.firewall.count_only
  tags       = local.tags

  providers = {
    aws = aws.us_east_1
  }
}

module "firewall" {
  source = "../../modules/waf"
  count  = local.firewall.enabled && !local.cdn.enabled ? 1 : 0

  name       = local.name
  scope      = "REGIONAL"
  count_only = local.firewall.count_only
  tags       = local.tags
}

resource "aws_wafv2_web_acl_association" "load_balancer" {
  count = local.firewall.enabled && !local.cdn.enabled ? 1 : 0

  resource_arn = local.alb.arn
  web_acl_arn  = module.firewall[0].arn

  lifecycle {
    precondition {
      condition     = local.load_balancer.own
      error_message = "A firewall needs CloudFront (cdn.enabled) or a load balancer of the environment's own (load_balancer.own): on the shared one it would stand before everybody's applications."
    }
  }
}
