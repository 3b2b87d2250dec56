# CloudFormation, because versions of the AWS provider do not agree on how versions of objects are switched on: inside
# `aws_s3_bucket` before 4.0, and by a resource of its own since. A stack says it once for all of them.
resource "aws_cloudformation_stack" "this" {
  name = var.name
  tags = var.tags

  template_body = jsonencode({
    Description = "Bucket for Terraform state. It can only be deleted when it is empty."

    Resources = {
      Bucket = {
        Type = "AWS::S3::Bucket"
        Properties = {
          BucketName              = var.name
          VersioningConfiguration = { Status = "Enabled" }
          BucketEncryption = {
            ServerSideEncryptionConfiguration = [{ ServerSideEncryptionByDefault = { SSEAlgorithm = "AES256" } }]
          }
          PublicAccessBlockConfiguration = {
            BlockPublicAcls       = true
            BlockPublicPolicy     = true
            IgnorePublicAcls      = true
            RestrictPublicBuckets = true
          }
          LifecycleConfiguration = {
            Rules = [{
              Id                          = "old-versions"
              Status                      = "Enabled"
              NoncurrentVersionExpiration = { NoncurrentDays = var.keep_old_versions_days }
            }]
          }
        }
      }

      EncryptedTransportOnly = {
        Type = "AWS::S3::BucketPolicy"
        Properties = {
          Bucket = { Ref = "Bucket" }
          PolicyDocument = {
            Version = "2012-10-17"
            Statement = [{
              Effect    = "Deny"
              Principal = "*"
              Action    = "s3:*"
              Resource  = ["arn:aws:s3:::${var.name}", "arn:aws:s3:::${var.name}/*"]
              Condition = { Bool = { "aws:SecureTransport" = "false" } }
            }]
          }
        }
      }
    }
  })
}
