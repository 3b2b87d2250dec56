# What a build may do by itself, wherever it runs: fetch its package and secrets, bring its results, keep the state of
# code that signs in as the build does, and take the sandbox's role for all else.
locals {
  build_statements = [
    {
      Sid      = "FetchPackage"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:GetObjectVersion"]
      Resource = ["${local.packages_arn}/jobs/*", "${local.results_arn}/jobs/*", local.artifacts_arn]
    },
    {
      Sid      = "BringResultsAndKeepState"
      Effect   = "Allow"
      Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
      Resource = ["${local.results_arn}/results/*", "${local.results_arn}/stackyard/*"]
    },
    {
      # Without it a state that is not there yet looks like one that may not be read.
      Sid      = "FindState"
      Effect   = "Allow"
      Action   = ["s3:ListBucket"]
      Resource = [local.results_arn]
    },
    {
      Sid      = "ReadSecretsOfJobs"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = ["arn:${local.partition}:secretsmanager:${local.region}:${local.account}:secret:stackyard/*"]
    },
    {
      Sid      = "TakeSandboxRole"
      Effect   = "Allow"
      Action   = ["sts:AssumeRole"]
      Resource = var.sandbox_role_arns
    },
  ]

  issuer = "token.actions.githubusercontent.com"
}

resource "aws_iam_role" "github" {
  count = var.github_repository == "" ? 0 : 1

  name                 = var.github_role
  description          = "Builds of Stackyard in workflows of ${var.github_repository}"
  max_session_duration = 7200
  tags                 = var.tags

  # Jobs of this one deployment environment; its protection rules say who may start them.
  # https://docs.github.com/actions/reference/security/oidc
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = "arn:${local.partition}:iam::${local.account}:oidc-provider/${local.issuer}" }
      Condition = {
        StringEquals = {
          "${local.issuer}:aud" = "sts.amazonaws.com"
          "${local.issuer}:sub" = "repo:${var.github_repository}:environment:stackyard"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "github" {
  count = var.github_repository == "" ? 0 : 1

  name = "build"
  role = aws_iam_role.github[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.build_statements, [{
      # A workflow that hands its package to the pipeline instead.
      Sid      = "HandOver"
      Effect   = "Allow"
      Action   = ["s3:PutObject"]
      Resource = ["${local.packages_arn}/jobs/*"]
    }])
  })
}
