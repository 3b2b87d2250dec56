# What builds elsewhere need in an account: where their packages and results lie, and, if wanted, the pipeline that does
# them. A package that is put into the first bucket starts the pipeline with that very object.

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = split(":", data.aws_caller_identity.current.arn)[1]
  region    = data.aws_region.current.id

  packages     = "${var.name}-${local.account}-${local.region}-jobs"
  results      = "${var.name}-${local.account}-${local.region}-results"
  packages_arn = "arn:${local.partition}:s3:::${local.packages}"
  results_arn  = "arn:${local.partition}:s3:::${local.results}"
  pipeline_arn = "arn:${local.partition}:codepipeline:${local.region}:${local.account}:${var.name}"

  # CodePipeline puts artifacts below the first 20 letters of the pipeline's name.
  artifacts_arn = "${local.packages_arn}/${substr(var.name, 0, 20)}/*"

  private = {
    BucketEncryption = {
      ServerSideEncryptionConfiguration = [{ ServerSideEncryptionByDefault = { SSEAlgorithm = "AES256" } }]
    }
    PublicAccessBlockConfiguration = {
      BlockPublicAcls       = true
      BlockPublicPolicy     = true
      IgnorePublicAcls      = true
      RestrictPublicBuckets = true
    }
    VersioningConfiguration = { Status = "Enabled" }
  }

  tls_only = {
    for arn in [local.packages_arn, local.results_arn] : arn => {
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [arn, "${arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }]
    }
  }
}

# CloudFormation, because versions of the AWS provider do not agree on how buckets are set up: inside `aws_s3_bucket`
# before 4.0, and by resources of their own since. A stack says it once for all of them.
resource "aws_cloudformation_stack" "this" {
  name = var.name
  tags = var.tags

  template_body = jsonencode({
    Description = "Packages, results and state of Stackyard's builds. They can only be deleted when they are empty."

    Resources = merge({
      Packages = {
        Type = "AWS::S3::Bucket"
        Properties = merge(local.private, {
          BucketName                = local.packages
          NotificationConfiguration = { EventBridgeConfiguration = { EventBridgeEnabled = true } }

          # A package holds a saved plan, and that has values in clear. Whoever put it there deletes it after the job;
          # this is for what is forgotten, and for the copy that CodePipeline makes.
          LifecycleConfiguration = {
            Rules = [{
              Id                          = "old"
              Status                      = "Enabled"
              ExpirationInDays            = 1
              NoncurrentVersionExpiration = { NoncurrentDays = 1 }
            }]
          }
        })
      }

      Results = {
        Type = "AWS::S3::Bucket"
        Properties = merge(local.private, {
          BucketName = local.results

          LifecycleConfiguration = {
            Rules = [
              {
                # Where no pipeline is to be started, packages are put into this bucket.
                Id                          = "packages"
                Status                      = "Enabled"
                Prefix                      = "jobs/"
                ExpirationInDays            = 1
                NoncurrentVersionExpiration = { NoncurrentDays = 1 }
              },
              {
                Id                          = "results"
                Status                      = "Enabled"
                Prefix                      = "results/"
                ExpirationInDays            = 1
                NoncurrentVersionExpiration = { NoncurrentDays = 1 }
              },
              {
                Id                          = "old-states"
                Status                      = "Enabled"
                Prefix                      = "stackyard/"
                NoncurrentVersionExpiration = { NoncurrentDays = 90 }
              },
            ]
          }
        })
      }

      PackagesOverTlsOnly = {
        Type = "AWS::S3::BucketPolicy"
        Properties = {
          Bucket         = { Ref = "Packages" }
          PolicyDocument = local.tls_only[local.packages_arn]
        }
      }

      ResultsOverTlsOnly = {
        Type = "AWS::S3::BucketPolicy"
        Properties = {
          Bucket         = { Ref = "Results" }
          PolicyDocument = local.tls_only[local.results_arn]
        }
      }
    }, { for name, resource in { Pipeline = local.pipeline } : name => resource if var.pipeline })
  })

  depends_on = [aws_iam_role_policy.pipeline]
}
