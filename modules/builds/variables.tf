variable "name" {
  description = "Name of the pipeline, and beginning of the names of everything else."
  type        = string
  default     = "stackyard-builds"

  validation {
    # With account, region and "-results" it is the name of a bucket, which has at most 63 letters.
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "The name must have 3 to 24 lower-case letters, digits and hyphens, begin with a letter and not end with a hyphen."
  }

  validation {
    # CodePipeline puts artifacts below the pipeline's name: there they would start it again, and again.
    condition     = var.name != "jobs"
    error_message = "The name must not be jobs, below which packages start the pipeline."
  }
}

variable "sandbox_role_arns" {
  description = "Roles that builds take to work in the account: those of its sandboxes."
  type        = list(string)

  validation {
    condition     = length(var.sandbox_role_arns) > 0 && alltrue([for arn in var.sandbox_role_arns : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[^*]+$", arn))])
    error_message = "Give the ARN of at least one IAM role, each by its own name."
  }
}

variable "pipeline" {
  description = "Make the pipeline that builds in CodeBuild. Without it builds are done elsewhere and leave their results here."
  type        = bool
  default     = true
}

variable "stackyard_version" {
  description = "Release of Stackyard that a build installs when its image has none."
  type        = string
  default     = ""
}

variable "image" {
  description = "Image of the builds, with Python 3.11 or newer. Stackyard brings Terraform when the image has none."
  type        = string
  default     = "aws/codebuild/amazonlinux2023-x86_64-standard:5.0"

  validation {
    condition     = length(var.image) > 0
    error_message = "The image must have a name."
  }
}

variable "compute_type" {
  description = "Size of a build's machine."
  type        = string
  default     = "BUILD_GENERAL1_SMALL"

  validation {
    condition     = can(regex("^BUILD_GENERAL1_(SMALL|MEDIUM|LARGE|XLARGE|2XLARGE)$", var.compute_type))
    error_message = "The size must be one of CodeBuild's for Linux, such as BUILD_GENERAL1_SMALL."
  }
}

variable "timeout_minutes" {
  description = "Minutes after which a build is ended."
  type        = number
  default     = 120

  validation {
    condition     = var.timeout_minutes >= 5 && var.timeout_minutes <= 480
    error_message = "The timeout must be 5 to 480 minutes."
  }
}

variable "log_retention_days" {
  description = "Days that the logs of builds are kept."
  type        = number
  default     = 14

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365], var.log_retention_days)
    error_message = "The days must be a number that CloudWatch Logs knows, such as 14."
  }
}

variable "github_repository" {
  description = "GitHub repository of environment code whose workflows may build, as <owner>/<name>. Empty: none. The account must know GitHub's identity provider."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100})?$", var.github_repository))
    error_message = "The repository must be <owner>/<name>, as in its address on GitHub."
  }
}

variable "github_role" {
  description = "Name of the role that those workflows take."
  type        = string
  default     = "stackyard-github"

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.github_role))
    error_message = "The name must be one that IAM takes: 1 to 64 letters, digits and + = , . @ _ -."
  }
}

variable "tags" {
  description = "Tags of everything that can carry tags."
  type        = map(string)
  default     = {}
}
