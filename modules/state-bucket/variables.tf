variable "name" {
  description = "Name of the bucket, unique in the world."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "The name must have 3 to 63 lower-case letters, digits and hyphens, begin with a letter and not end with a hyphen."
  }
}

variable "keep_old_versions_days" {
  description = "Days that an older version of a state can be brought back."
  type        = number
  default     = 90
}

variable "tags" {
  description = "Tags of everything that can carry tags."
  type        = map(string)
  default     = {}
}
