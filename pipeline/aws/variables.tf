variable "region" {
  description = "Region of the sandbox."
  type        = string
}

variable "sandbox_role_arns" {
  description = "Roles of the sandboxes in this account, that builds take."
  type        = list(string)
}

variable "stackyard_version" {
  description = "Release of Stackyard that a build installs when its image has none: that of your server."
  type        = string
}

variable "name" {
  description = "Name of the pipeline, and beginning of the names of everything else. Another one than the default has to be written into the sandbox's executor options, too."
  type        = string
  default     = "stackyard-builds"
}

variable "pipeline" {
  description = "Make the pipeline that builds in CodeBuild. false: builds are done by GitHub Actions only."
  type        = bool
  default     = true
}

variable "github_repository" {
  description = "GitHub repository of environment code whose workflows may build, as <owner>/<name>. Empty: none."
  type        = string
  default     = ""
}

variable "github_identity_provider" {
  description = "Let GitHub's workflows sign in to the account. false: the account knows GitHub already, as by the baseline's github.sign_in."
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags of everything that can carry tags."
  type        = map(string)
  default     = {}
}
