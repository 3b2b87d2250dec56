locals {
  port = { postgres = 5432, mysql = 3306 }[var.engine]
}

resource "aws_db_subnet_group" "this" {
  name        = var.name
  description = "Database of ${var.name}"
  subnet_ids  = var.network.subnet_ids
  tags        = var.tags
}

# Opens nothing by itself: whoever may connect adds a rule.
resource "aws_security_group" "this" {
  name        = "${var.name}-database"
  description = "Database of ${var.name}"
  vpc_id      = var.network.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-database" })
}

resource "aws_db_instance" "this" {
  identifier             = var.name
  engine                 = var.engine
  engine_version         = var.engine_version == "" ? null : var.engine_version
  instance_class         = var.instance_class
  allocated_storage      = var.storage_gb
  max_allocated_storage  = var.max_storage_gb
  storage_type           = "gp3"
  storage_encrypted      = true
  multi_az               = var.multi_az
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.this.id]
  publicly_accessible    = false
  port                   = local.port

  # The first database cannot be named here: the argument has another name before version 4 of the provider than since.
  username = var.username
  password = var.password

  backup_retention_period    = var.backup_days
  copy_tags_to_snapshot      = true
  skip_final_snapshot        = var.final_snapshot_name == ""
  final_snapshot_identifier  = var.final_snapshot_name == "" ? null : var.final_snapshot_name
  auto_minor_version_upgrade = true
  apply_immediately          = true
  tags                       = var.tags
}
