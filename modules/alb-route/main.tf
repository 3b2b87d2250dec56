resource "aws_lb_target_group" "this" {
  name        = var.name
  vpc_id      = var.vpc_id
  target_type = "ip"
  protocol    = "HTTP"

  # ECS registers each task with its own port, so this one is never used. A constant keeps the group, and with it
  # the listener rule, in place when the container port changes.
  port = 80

  deregistration_delay = var.deregistration_seconds
  tags                 = var.tags

  health_check {
    path                = var.health_check.path
    matcher             = var.health_check.matcher
    interval            = var.health_check.interval_seconds
    timeout             = var.health_check.timeout_seconds
    healthy_threshold   = var.health_check.healthy_threshold
    unhealthy_threshold = var.health_check.unhealthy_threshold
  }

  lifecycle {
    precondition {
      condition     = var.health_check.timeout_seconds < var.health_check.interval_seconds
      error_message = "The health check's timeout (${var.health_check.timeout_seconds} s) must be shorter than its interval (${var.health_check.interval_seconds} s)."
    }
  }
}

resource "aws_lb_listener_rule" "this" {
  listener_arn = var.listener_arn
  priority     = var.priority

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }

  condition {
    host_header {
      values = var.hosts
    }
  }

  dynamic "condition" {
    for_each = var.required_header == null ? [] : [var.required_header]

    content {
      http_header {
        http_header_name = condition.value.name
        values           = [condition.value.value]
      }
    }
  }
}
