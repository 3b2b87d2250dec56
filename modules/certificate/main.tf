locals {
  # A wildcard and its own parent name are validated by one and the same record.
  validated = toset([for name in var.names : trimprefix(name, "*.")])

  records = {
    for option in aws_acm_certificate.this.domain_validation_options : trimprefix(option.domain_name, "*.") => option...
  }
}

resource "aws_acm_certificate" "this" {
  domain_name               = var.names[0]
  subject_alternative_names = slice(var.names, 1, length(var.names))
  validation_method         = "DNS"
  tags                      = var.tags

  lifecycle {
    create_before_destroy = true # a listener holds the old one until it has the new one
  }
}

resource "aws_route53_record" "validation" {
  for_each = var.zone == null ? toset([]) : local.validated

  zone_id = var.zone.id
  name    = local.records[each.key][0].resource_record_name
  type    = local.records[each.key][0].resource_record_type
  records = [local.records[each.key][0].resource_record_value]
  ttl     = 60

  # ACM asks for the same record again and again for one name in one account: by a new certificate, in another region.
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "this" {
  certificate_arn         = aws_acm_certificate.this.arn
  validation_record_fqdns = var.zone == null ? null : [for record in aws_route53_record.validation : record.fqdn]

  timeouts {
    create = "15m" # with a zone that is delegated it takes about two; waiting on helps nobody
  }
}
