locals {
  is_aurora = startswith(local.database.engine, "aurora-")

  # Aurora has no micro instances, and the large ones are of another family.
  instance_class = {
    small  = local.is_aurora ? "db.t4g.medium" : "db.t4g.micro"
    medium = local.is_aurora ? "db.r6g.large" : "db.t4g.medium"
    large  = local.is_aurora ? "db.r6g.xlarge" : "db.m6g.large"
  }[local.database.size]

  db = local.is_aurora ? {
    identifier        = module.aurora[0].identifier
    endpoint          = module.aurora[0].endpoint
    port              = module.aurora[0].port
    name              = module.aurora[0].database_name
    username          = module.aurora[0].username
    security_group_id = module.aurora[0].security_group_id
    subnet_group_name = module.aurora[0].subnet_group_name
    metric_dimensions = module.aurora[0].metric_dimensions
    } : {
    identifier        = module.rds[0].identifier
    endpoint          = module.rds[0].endpoint
    port              = module.rds[0].port
    name              = module.rds[0].database_name
    username          = module.rds[0].username
    security_group_id = module.rds[0].security_group_id
    subnet_group_name = module.rds[0].subnet_group_name
    metric_dimensions = module.rds[0].metric_dimensions
  }

  # Unlike the environment's name this is never used a second time: a later environment may leave one, too. The proof
  # of deletion knows a snapshot of this name as one that was asked for.
  uid                 = lookup(local.tags, "stackyard:environment", "0")
  final_snapshot_name = local.database.final_snapshot ? "${local.name}-final-${local.uid}" : ""

  database_environment = {
    DATABASE_HOST       = local.db.endpoint
    DATABASE_PORT       = tostring(local.db.port)
    DATABASE_NAME       = local.db.name
    DATABASE_USER       = local.db.username
    DATABASE_SECRET_ARN = module.database_secret.arn
  }
}

# Of the next two one is built; the other is checked all the same, so it is given an engine of its own kind.
module "rds" {
  source = "../../modules/rds"
  count  = local.is_aurora ? 0 : 1

  name                = local.name
  network             = { vpc_id = local.sandbox.vpc_id, subnet_ids = local.sandbox.database_subnet_ids }
  engine              = local.is_aurora ? "postgres" : local.database.engine
  engine_version      = local.database.version
  instance_class      = local.instance_class
  password            = var.database_password
  storage_gb          = local.database.storage_gb
  max_storage_gb      = local.database.storage_gb * 5
  multi_az            = local.database.standby
  backup_days         = local.database.backup_days
  final_snapshot_name = local.final_snapshot_name
  tags                = local.tags
}

module "aurora" {
  source = "../../modules/aurora"
  count  = local.is_aurora ? 1 : 0

  name                = local.name
  network             = { vpc_id = local.sandbox.vpc_id, subnet_ids = local.sandbox.database_subnet_ids }
  engine              = local.is_aurora ? local.database.engine : "aurora-postgresql"
  engine_version      = local.database.version
  instance_class      = local.instance_class
  instances           = local.database.standby ? 2 : 1
  password            = var.database_password
  backup_days         = local.database.backup_days
  final_snapshot_name = local.final_snapshot_name
  tags                = local.tags
}

module "database_secret" {
  source = "../../modules/secret"

  name        = "${local.name}/database"
  description = "Database of ${local.name}"
  tags        = local.tags

  value = {
    engine   = local.database.engine
    host     = local.db.endpoint
    port     = tostring(local.db.port)
    dbname   = local.db.name
    username = local.db.username
    password = var.database_password
  }
}
