# The common components of a sandbox: built once, used by every environment in it.

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

module "network" {
  source = "../modules/network"

  name         = local.name
  cidr         = local.vpc_cidr
  nat_per_zone = local.network.nat_per_zone
  tags         = local.tags

  interface_endpoints = local.network.private_endpoints ? ["ecr.api", "ecr.dkr", "logs", "secretsmanager"] : []
}

module "cluster" {
  source = "../modules/ecs-cluster"

  name               = local.name
  insights           = local.cluster.insights
  log_retention_days = local.logs.retention_days
  tags               = local.tags
}

module "zone" {
  source = "../modules/delegated-zone"

  name           = local.zone_name
  parent_zone_id = local.parent_zone_id
  comment        = "Environments of the sandbox ${local.name}"
  tags           = local.tags

  providers = {
    aws        = aws
    aws.parent = aws.parent
  }
}

module "certificate" {
  source = "../modules/certificate"
  count  = local.delegated ? 1 : 0

  names = ["*.${local.zone_name}"]
  zone  = { id = module.zone.zone_id }
  tags  = local.tags
}

# CloudFront takes certificates from this one region only.
module "cloudfront_certificate" {
  source = "../modules/certificate"
  count  = local.delegated && local.certificate.for_cloudfront ? 1 : 0

  names = ["*.${local.zone_name}"]
  zone  = null
  tags  = local.tags

  providers = {
    aws = aws.us_east_1
  }

  depends_on = [module.certificate]
}

# Its HTTPS listener needs the certificate.
module "load_balancer" {
  source = "../modules/alb"
  count  = local.delegated ? 1 : 0

  name            = local.name
  vpc_id          = module.network.vpc_id
  vpc_cidr        = module.network.vpc_cidr
  subnet_ids      = local.load_balancer.internal ? module.network.private_subnet_ids : module.network.public_subnet_ids
  internal        = local.load_balancer.internal
  allowed_cidrs   = local.load_balancer.allowed_cidrs
  certificate_arn = module.certificate[0].arn
  tags            = local.tags
}

module "state_bucket" {
  source = "../modules/state-bucket"
  count  = local.state.bucket ? 1 : 0

  # Begins with the sandbox's name, by which the proof of deletion finds it; the account makes it unique in the world.
  name = "${local.name}-state-${data.aws_caller_identity.current.account_id}"
  tags = local.tags
}

# Buckets, pipeline and roles have the names by which an executor looks for them: an account has one sandbox.
module "builds" {
  source = "../modules/builds"
  count  = local.builds.codebuild || local.builds.github_repository != "" ? 1 : 0

  sandbox_role_arns  = [local.role_arn]
  pipeline           = local.builds.codebuild
  github_repository  = local.builds.github_repository
  stackyard_version  = local.stackyard_version
  log_retention_days = local.logs.retention_days
  tags               = local.tags

  depends_on = [module.github]
}

module "github" {
  source = "../modules/github-oidc-provider"
  count  = local.github.sign_in ? 1 : 0

  tags = local.tags
}
