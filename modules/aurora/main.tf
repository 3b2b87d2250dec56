locals {
  port = { aurora-postgresql = 5432, aurora-mysql = 3306 }[var.engine]
}

# Named otherwise than those of the module rds, so that a database can become Aurora, or stop being it: the new ones
# stand before the old ones go.
resource "aws_db_subnet_group" "this" {
  name        = "${var.name}-aurora"
  description = "Database of ${var.name}"
  subnet_ids  = var.network.subnet_ids
  tags        = var.tags
}

# Opens nothing by itself: whoever may connect adds a rule.
resource "aws_security_group" "this" {
  name        = "${var.name}-aurora"
  description = "Database of ${var.name}"
  vpc_id      = var.network.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-aurora" })
}

resource "aws_rds_cluster" "this" {
  cluster_identifier     = var.name
  engine                 = var.engine
  engine_version         = var.engine_version == "" ? null : var.engine_version
  database_name          = var.database_name
  master_username        = var.username
  master_password        = var.password
  port                   = local.port
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.this.id]
  storage_encrypted      = true

  backup_retention_period   = var.backup_days
  copy_tags_to_snapshot     = true
  skip_final_snapshot       = var.final_snapshot_name == ""
  final_snapshot_identifier = var.final_snapshot_name == "" ? null : var.final_snapshot_name
  apply_immediately         = true
  tags                      = var.tags

  lifecycle {
    ignore_changes = [scaling_configuration] # told by the API for every cluster, meant for serverless ones only
  }
}

resource "aws_rds_cluster_instance" "this" {
  count = var.instances

  identifier                 = "${var.name}-${count.index + 1}"
  cluster_identifier         = aws_rds_cluster.this.id
  engine                     = aws_rds_cluster.this.engine
  instance_class             = var.instance_class
  db_subnet_group_name       = aws_db_subnet_group.this.name
  publicly_accessible        = false
  auto_minor_version_upgrade = true
  apply_immediately          = true
  tags                       = var.tags
}
