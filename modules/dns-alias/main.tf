resource "aws_route53_record" "this" {
  for_each = toset(var.names)

  zone_id = var.zone_id
  name    = each.key
  type    = "A"

  alias {
    name                   = var.target.dns_name
    zone_id                = var.target.zone_id
    evaluate_target_health = var.evaluate_target_health
  }
}
