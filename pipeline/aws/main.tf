# Builds of Stackyard in a sandbox's account, for an account whose common components Stackyard did not build itself; else
# the settings `builds` of the baseline make the same. docs/executors.md tells what belongs together.

provider "aws" {
  region = var.region
}

module "github" {
  source = "../../modules/github-oidc-provider"
  count  = var.github_repository != "" && var.github_identity_provider ? 1 : 0

  tags = var.tags
}

module "builds" {
  source = "../../modules/builds"

  name              = var.name
  sandbox_role_arns = var.sandbox_role_arns
  pipeline          = var.pipeline
  stackyard_version = var.stackyard_version
  github_repository = var.github_repository
  tags              = var.tags

  depends_on = [module.github]
}
