data "aws_caller_identity" "current" {}

locals {
  issuer    = "token.actions.githubusercontent.com"
  partition = split(":", data.aws_caller_identity.current.arn)[1]
  account   = data.aws_caller_identity.current.account_id

  # Region and account of the service are those of its task definitions.
  family_arn = "${join(":", slice(split(":", var.service_arn), 0, 5))}:task-definition/${var.family}:*"
}

resource "aws_iam_role" "this" {
  name        = "${var.name}-deploy"
  description = "Workflows of ${var.repository} deploy ${var.name}"
  tags        = var.tags

  # Workflow runs of this one branch. Those of pull requests, of tags and of other branches have another subject:
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
          "${local.issuer}:sub" = "repo:${var.repository}:ref:refs/heads/${var.branch}"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "deploy"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "SignInToRegistry"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = ["*"] # the action knows no narrower resource
      },
      {
        Sid    = "PushOwnImages"
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability",
          "ecr:BatchGetImage",
          "ecr:CompleteLayerUpload",
          "ecr:GetDownloadUrlForLayer",
          "ecr:InitiateLayerUpload",
          "ecr:PutImage",
          "ecr:UploadLayerPart",
        ]
        Resource = [var.repository_arn]
      },
      {
        Sid      = "MakeRevisions"
        Effect   = "Allow"
        Action   = ["ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"]
        Resource = ["*"] # what a revision may be used for is narrowed by the roles that can be passed to it
      },
      {
        Sid       = "TagOwnRevisions"
        Effect    = "Allow"
        Action    = ["ecs:TagResource"]
        Resource  = [local.family_arn]
        Condition = { StringEquals = { "ecs:CreateAction" = "RegisterTaskDefinition" } }
      },
      {
        Sid       = "PassRolesOfTasks"
        Effect    = "Allow"
        Action    = ["iam:PassRole"]
        Resource  = var.task_role_arns
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
      {
        Sid      = "DeployOwnService"
        Effect   = "Allow"
        Action   = ["ecs:DescribeServices", "ecs:UpdateService"]
        Resource = [var.service_arn]
      },
    ]
  })
}
