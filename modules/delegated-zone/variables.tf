variable "name" {
  description = "Name of the zone, without a dot at the end."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.name)) && length(var.name) <= 253
    error_message = "The zone must be a DNS name in lower-case letters with at least two labels, such as dev.example.com."
  }
}

variable "parent_zone_id" {
  description = "Hosted zone of the parent name, in the account of the provider `aws.parent`. Empty: somebody else delegates."
  type        = string
  default     = ""
}

variable "comment" {
  description = "What the zone is for."
  type        = string
  default     = ""
}

variable "tags" {
  description = "Tags of everything that can carry tags."
  type        = map(string)
  default     = {}
}
