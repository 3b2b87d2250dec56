resource "aws_route53_zone" "this" {
  name    = var.name
  comment = var.comment
  tags    = var.tags
}

resource "aws_route53_record" "delegation" {
  count    = var.parent_zone_id == "" ? 0 : 1
  provider = aws.parent

  zone_id = var.parent_zone_id
  name    = var.name
  type    = "NS"
  ttl     = 300
  records = aws_route53_zone.this.name_servers
}
