# From a package to its build: EventBridge, CodePipeline, CodeBuild, each with a role that can do its own step alone.

locals {
  count = var.pipeline ? 1 : 0

  # In the stack of the buckets, because provider 3 knows neither type V2 nor the mode PARALLEL; without that mode the
  # second of two packages would wait for the first, and a third take the second's place.
  # https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html
  pipeline = {
    Type = "AWS::CodePipeline::Pipeline"
    Properties = {
      Name          = var.name
      RoleArn       = one(aws_iam_role.pipeline[*].arn)
      PipelineType  = "V2"
      ExecutionMode = "PARALLEL"
      ArtifactStore = { Type = "S3", Location = { Ref = "Packages" } }

      Stages = [
        {
          Name = "Source"
          Actions = [{
            Name            = "Source"
            ActionTypeId    = { Category = "Source", Owner = "AWS", Provider = "S3", Version = "1" }
            OutputArtifacts = [{ Name = "job" }]
            Configuration = {
              S3Bucket                    = { Ref = "Packages" }
              S3ObjectKey                 = "jobs/none.zip" # the event says which
              AllowOverrideForS3ObjectKey = "true"
              PollForSourceChanges        = "false"
            }
          }]
        },
        {
          Name = "Build"
          Actions = [{
            Name           = "Build"
            ActionTypeId   = { Category = "Build", Owner = "AWS", Provider = "CodeBuild", Version = "1" }
            InputArtifacts = [{ Name = "job" }]
            Configuration  = { ProjectName = one(aws_codebuild_project.this[*].name) }
          }]
        },
      ]
    }
  }

  # Only for this account, so that nobody else can make the service use the role on their behalf:
  # https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
  trust = {
    for service in ["codebuild", "codepipeline", "events"] : service => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { Service = "${service}.amazonaws.com" }
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      }]
    })
  }
}

resource "aws_iam_role" "start" {
  count = local.count

  name               = "${var.name}-start"
  description        = "Packages start the pipeline ${var.name}"
  assume_role_policy = local.trust["events"]
  tags               = var.tags
}

resource "aws_iam_role_policy" "start" {
  count = local.count

  name = "start"
  role = aws_iam_role.start[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["codepipeline:StartPipelineExecution"]
      Resource = [local.pipeline_arn]
    }]
  })
}

resource "aws_cloudwatch_event_rule" "package" {
  count = local.count

  name        = "${var.name}-package"
  description = "A package of Stackyard was put into ${local.packages}"
  tags        = var.tags

  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail = {
      bucket = { name = [local.packages] }
      object = { key = [{ prefix = "jobs/" }] }
    }
  })
}

resource "aws_cloudwatch_event_target" "pipeline" {
  count = local.count

  rule      = aws_cloudwatch_event_rule.package[0].name
  target_id = "pipeline"
  arn       = local.pipeline_arn
  role_arn  = aws_iam_role.start[0].arn

  # The pipeline builds the object that the event tells of, in the version that the event tells of:
  # https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-trigger-source-overrides.html
  input_transformer {
    input_paths = {
      key     = "$.detail.object.key"
      version = "$.detail.object.version-id"
    }

    # Not by `jsonencode`, which would write the signs around the names as escapes.
    input_template = <<-JSON
      {
        "sourceRevisions": [
          {"actionName": "Source", "revisionType": "S3_OBJECT_KEY", "revisionValue": "<key>"},
          {"actionName": "Source", "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": "<version>"}
        ]
      }
    JSON
  }

  depends_on = [aws_cloudformation_stack.this]
}

resource "aws_iam_role" "pipeline" {
  count = local.count

  name               = "${var.name}-pipeline"
  description        = "The pipeline ${var.name} fetches packages and starts builds"
  assume_role_policy = local.trust["codepipeline"]
  tags               = var.tags
}

resource "aws_iam_role_policy" "pipeline" {
  count = local.count

  name = "pipeline"
  role = aws_iam_role.pipeline[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "SeeBucket"
        Effect   = "Allow"
        Action   = ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning", "s3:ListBucket"]
        Resource = [local.packages_arn]
      },
      {
        Sid      = "FetchPackages"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion"]
        Resource = ["${local.packages_arn}/jobs/*"]
      },
      {
        Sid      = "KeepArtifacts"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
        Resource = [local.artifacts_arn]
      },
      {
        Sid      = "Build"
        Effect   = "Allow"
        Action   = ["codebuild:BatchGetBuilds", "codebuild:StartBuild"]
        Resource = [aws_codebuild_project.this[0].arn]
      },
    ]
  })
}

resource "aws_cloudwatch_log_group" "builds" {
  count = local.count

  name              = "/aws/codebuild/${var.name}"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}

resource "aws_iam_role" "build" {
  count = local.count

  name               = "${var.name}-build"
  description        = "Builds of Stackyard"
  assume_role_policy = local.trust["codebuild"]
  tags               = var.tags
}

resource "aws_iam_role_policy" "build" {
  count = local.count

  name = "build"
  role = aws_iam_role.build[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.build_statements, [{
      Sid      = "WriteLog"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = ["${aws_cloudwatch_log_group.builds[0].arn}:*"]
    }])
  })
}

resource "aws_codebuild_project" "this" {
  count = local.count

  name          = var.name
  description   = "Terraform's part of Stackyard's runs"
  service_role  = aws_iam_role.build[0].arn
  build_timeout = var.timeout_minutes
  tags          = var.tags

  source {
    type      = "CODEPIPELINE"
    buildspec = file("${path.module}/buildspec.yml")
  }

  artifacts {
    type = "CODEPIPELINE"
  }

  environment {
    type         = "LINUX_CONTAINER"
    image        = var.image
    compute_type = var.compute_type

    environment_variable {
      name  = "STACKYARD_VERSION"
      value = var.stackyard_version
    }
  }

  logs_config {
    cloudwatch_logs {
      group_name = aws_cloudwatch_log_group.builds[0].name
    }
  }
}
