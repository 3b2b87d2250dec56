# One line from a host name to a database:
# CloudFront -> firewall -> load balancer -> service on ECS Fargate -> database.

data "aws_caller_identity" "current" {}

locals {
  hosts = concat([local.fqdn], local.further_fqdns)

  # The sandbox's certificate covers one label before its zone; a name with more of them needs one of its own.
  depth = length(split(".", local.sandbox.zone_name)) + 1
  deep  = [for host in local.hosts : host if length(split(".", host)) != local.depth]

  # The load balancer that is used: the sandbox's, or one of this environment's own.
  alb = local.load_balancer.own ? {
    arn                = module.load_balancer[0].arn
    dns_name           = module.load_balancer[0].dns_name
    zone_id            = module.load_balancer[0].zone_id
    security_group_id  = module.load_balancer[0].security_group_id
    https_listener_arn = module.load_balancer[0].https_listener_arn
    } : {
    arn                = local.sandbox.alb_arn
    dns_name           = local.sandbox.alb_dns_name
    zone_id            = local.sandbox.alb_zone_id
    security_group_id  = local.sandbox.alb_security_group_id
    https_listener_arn = local.sandbox.https_listener_arn
  }
}

module "repository" {
  source = "../../modules/ecr-repository"

  name           = local.name
  keep_images    = local.repository.keep_images
  immutable_tags = local.repository.immutable_tags
  tags           = local.tags
}

module "load_balancer" {
  source = "../../modules/alb"
  count  = local.load_balancer.own ? 1 : 0

  name            = local.name
  vpc_id          = local.sandbox.vpc_id
  vpc_cidr        = local.sandbox.vpc_cidr
  subnet_ids      = local.sandbox.public_subnet_ids
  certificate_arn = local.sandbox.certificate_arn
  tags            = local.tags
}

module "route" {
  source = "../../modules/alb-route"

  name            = local.name
  vpc_id          = local.sandbox.vpc_id
  listener_arn    = local.alb.https_listener_arn
  priority        = local.rule_priority
  hosts           = local.hosts
  required_header = local.cdn.enabled ? local.origin_header : null
  tags            = local.tags

  health_check = {
    path             = local.health_check.path
    matcher          = local.health_check.matcher
    interval_seconds = local.health_check.interval_seconds
  }
}

# With CloudFront in front nobody asks the load balancer under these names: its certificate is in edge.tf.
module "own_certificate" {
  source   = "../../modules/listener-certificate"
  for_each = toset(local.cdn.enabled ? [] : local.deep)

  name         = each.key
  zone_id      = local.sandbox.zone_id
  listener_arn = local.alb.https_listener_arn
  tags         = local.tags
}

module "names" {
  source = "../../modules/dns-alias"

  names                  = local.hosts
  zone_id                = local.sandbox.zone_id
  evaluate_target_health = !local.cdn.enabled

  target = {
    dns_name = local.cdn.enabled ? module.cdn[0].domain_name : local.alb.dns_name
    zone_id  = local.cdn.enabled ? module.cdn[0].zone_id : local.alb.zone_id
  }
}

module "service" {
  source = "../../modules/ecs-service"

  name   = local.name
  exists = local.exists
  tags   = local.tags

  cluster = {
    arn  = local.sandbox.cluster_arn
    name = local.sandbox.cluster_name
  }

  network = {
    vpc_id     = local.sandbox.vpc_id
    subnet_ids = local.sandbox.private_subnet_ids
  }

  container = {
    first_image = local.container.first_image
    port        = local.container.port
    cpu         = local.container.cpu
    memory      = local.container.memory
    command     = local.container.command
    secrets     = { DATABASE_PASSWORD = "${module.database_secret.arn}:password::" }

    # The second name is how the first image is told its port.
    environment = merge(
      { PORT = tostring(local.container.port), WHOAMI_PORT_NUMBER = tostring(local.container.port) },
      local.database_environment,
      local.cache.enabled ? { REDIS_HOST = module.cache[0].endpoint, REDIS_PORT = tostring(module.cache[0].port) } : {},
      local.bucket.enabled ? { BUCKET_NAME = module.bucket[0].name } : {},
      local.container.environment,
    )
  }

  load_balancer = {
    target_group_arn  = module.route.target_group_arn
    security_group_id = local.alb.security_group_id
    grace_seconds     = local.health_check.grace_seconds
  }

  next_hops = merge(
    { database = { security_group_id = local.db.security_group_id, port = local.db.port } },
    local.cache.enabled ? { cache = { security_group_id = module.cache[0].security_group_id, port = 6379 } } : {},
  )

  task_policies = merge(
    { database-secret = module.database_secret.read_policy },
    local.bucket.enabled ? { bucket = module.bucket[0].read_write_policy } : {},
  )

  secret_arns        = [module.database_secret.arn]
  outbound_ports     = local.network.outbound_ports
  repository_arn     = module.repository.arn
  shell_access       = local.container.shell_access
  scaling            = local.scaling
  log_retention_days = local.logs.retention_days
}

module "deploy_role" {
  source = "../../modules/deploy-role"
  count  = local.github.repository == "" ? 0 : 1

  name           = local.name
  repository     = local.github.repository
  branch         = local.github.branch
  repository_arn = module.repository.arn
  service_arn    = module.service.service_arn
  family         = module.service.service_name
  task_role_arns = [module.service.task_role_arn, module.service.execution_role_arn]
  tags           = local.tags
}

module "cache" {
  source = "../../modules/elasticache"
  count  = local.cache.enabled ? 1 : 0

  name      = local.name
  node_type = local.cache.node_type
  network   = { vpc_id = local.sandbox.vpc_id, subnet_ids = local.sandbox.database_subnet_ids }
  tags      = local.tags
}

module "bucket" {
  source = "../../modules/s3-bucket"
  count  = local.bucket.enabled ? 1 : 0

  name = "${local.name}-${data.aws_caller_identity.current.account_id}"
  tags = local.tags
}
