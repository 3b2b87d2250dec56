resource "aws_elasticache_subnet_group" "this" {
  name        = var.name
  description = "Cache of ${var.name}"
  subnet_ids  = var.network.subnet_ids
  tags        = var.tags
}

# Opens nothing by itself: whoever may connect adds a rule.
resource "aws_security_group" "this" {
  name        = "${var.name}-cache"
  description = "Cache of ${var.name}"
  vpc_id      = var.network.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-cache" })
}

resource "aws_elasticache_cluster" "this" {
  cluster_id         = var.name
  engine             = "redis"
  node_type          = var.node_type
  num_cache_nodes    = 1
  port               = 6379
  subnet_group_name  = aws_elasticache_subnet_group.this.name
  security_group_ids = [aws_security_group.this.id]
  apply_immediately  = true
  tags               = var.tags
}
