variable "name" {
  description = "Name of the service; the role is called <name>-deploy."
  type        = string
}

variable "repository" {
  description = "GitHub repository whose workflows may deploy, as <owner>/<name>, in the case in which GitHub writes it."
  type        = string

  validation {
    # Empty: as a module that is not used (`count = 0`) is validated, too. Nobody can take a role of no repository.
    condition     = can(regex("^([A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100})?$", var.repository))
    error_message = "The repository must be <owner>/<name>, as in its address on GitHub."
  }
}

variable "branch" {
  description = "Branch whose workflow runs may deploy."
  type        = string
  default     = "main"

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$", var.branch))
    error_message = "The branch must have 1 to 200 letters, digits and . _ / - and begin with a letter or digit."
  }
}

variable "repository_arn" {
  description = "The one ECR repository that images may be pushed to."
  type        = string
}

variable "service_arn" {
  description = "The one ECS service that may be deployed to."
  type        = string
}

variable "family" {
  description = "Family of the service's task definitions."
  type        = string
}

variable "task_role_arns" {
  description = "Roles that a task definition may name: those of the service's tasks."
  type        = list(string)
}

variable "tags" {
  description = "Tags of everything that can carry tags."
  type        = map(string)
  default     = {}
}
