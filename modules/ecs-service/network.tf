resource "aws_security_group" "this" {
  name        = var.name
  description = "Tasks of ${var.name}"
  vpc_id      = var.network.vpc_id
  tags        = merge(var.tags, { Name = var.name })
}

resource "aws_security_group_rule" "from_load_balancer" {
  count = var.load_balancer == null ? 0 : 1

  description              = "Requests from the load balancer"
  security_group_id        = aws_security_group.this.id
  type                     = "ingress"
  protocol                 = "tcp"
  from_port                = var.container.port
  to_port                  = var.container.port
  source_security_group_id = var.load_balancer.security_group_id
}

resource "aws_security_group_rule" "outbound" {
  for_each = toset([for port in var.outbound_ports : tostring(port)])

  description       = "Port ${each.key} anywhere"
  security_group_id = aws_security_group.this.id
  type              = "egress"
  protocol          = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
  cidr_blocks       = ["0.0.0.0/0"]
}

resource "aws_security_group_rule" "to_next_hop" {
  for_each = var.next_hops

  description              = "To ${each.key}"
  security_group_id        = aws_security_group.this.id
  type                     = "egress"
  protocol                 = "tcp"
  from_port                = each.value.port
  to_port                  = each.value.port
  source_security_group_id = each.value.security_group_id
}

resource "aws_security_group_rule" "next_hop_from_service" {
  for_each = var.next_hops

  description              = "From ${var.name}"
  security_group_id        = each.value.security_group_id
  type                     = "ingress"
  protocol                 = "tcp"
  from_port                = each.value.port
  to_port                  = each.value.port
  source_security_group_id = aws_security_group.this.id
}
