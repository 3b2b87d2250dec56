# A service on ECS Fargate behind the sandbox's shared load balancer.

locals {
  hosts = concat([local.fqdn], local.further_fqdns)

  # The sandbox's certificate covers one label before its zone; a name with more of them needs one of its own.
  depth = length(split(".", local.sandbox.zone_name)) + 1
  deep  = [for host in local.hosts : host if length(split(".", host)) != local.depth]
}

module "repository" {
  source = "../../modules/ecr-repository"

  name           = local.name
  keep_images    = local.repository.keep_images
  immutable_tags = local.repository.immutable_tags
  tags           = local.tags
}

module "route" {
  source = "../../modules/alb-route"

  name         = local.name
  vpc_id       = local.sandbox.vpc_id
  listener_arn = local.sandbox.https_listener_arn
  priority     = local.rule_priority
  hosts        = local.hosts
  tags         = local.tags

  health_check = {
    path             = local.health_check.path
    matcher          = local.health_check.matcher
    interval_seconds = local.health_check.interval_seconds
  }
}

module "own_certificate" {
  source   = "../../modules/listener-certificate"
  for_each = toset(local.deep)

  name         = each.key
  zone_id      = local.sandbox.zone_id
  listener_arn = local.sandbox.https_listener_arn
  tags         = local.tags
}

module "names" {
  source = "../../modules/dns-alias"

  names   = local.hosts
  zone_id = local.sandbox.zone_id

  target = {
    dns_name = local.sandbox.alb_dns_name
    zone_id  = local.sandbox.alb_zone_id
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
    subnet_ids = local.sandbox.subnet_ids
  }

  container = {
    first_image = local.container.first_image
    port        = local.container.port
    cpu         = local.container.cpu
    memory      = local.container.memory
    command     = local.container.command

    # The second name is how the first image is told its port.
    environment = merge(
      { PORT = tostring(local.container.port), WHOAMI_PORT_NUMBER = tostring(local.container.port) },
      local.container.environment,
    )
  }

  load_balancer = {
    target_group_arn  = module.route.target_group_arn
    security_group_id = local.sandbox.alb_security_group_id
    grace_seconds     = local.health_check.grace_seconds
  }

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
