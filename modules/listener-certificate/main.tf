module "certificate" {
  source = "../../modules/certificate"

  names = [var.name]
  zone  = { id = var.zone_id }
  tags  = var.tags
}

# Beside the listener's own certificate; browsers say by SNI which one they want.
resource "aws_lb_listener_certificate" "this" {
  listener_arn    = var.listener_arn
  certificate_arn = module.certificate.arn

  lifecycle {
    create_before_destroy = true
  }
}
