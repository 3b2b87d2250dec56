variable "name" {
  description = "Name of the bucket, unique in the world."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "The name must have 3 to 63 lower-case letters, digits and hyphens, and neither begin nor end with a hyphen."
  }
}

variable "delete_with_content" {
  description = "Whether deleting the bucket deletes what is in it. False: a bucket with objects cannot be deleted."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of everything that can carry tags."
  type        = map(string)
  default     = {}
}
