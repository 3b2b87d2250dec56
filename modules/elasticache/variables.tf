variable "name" {
  description = "Name of the cache."
  type        = string

  validation {
    condition     = can(regex("^[a-z](-?[a-z0-9])*$", var.name)) && length(var.name) <= 50
    error_message = "The name must have up to 50 lower-case letters, digits and single hyphens, begin with a letter and not end with a hyphen."
  }
}

variable "network" {
  description = "VPC and subnets of the cache."
  type        = object({ vpc_id = string, subnet_ids = list(string) })
}

variable "node_type" {
  description = "Class of the node."
  type        = string
  default     = "cache.t4g.micro"
}

variable "tags" {
  description = "Tags of everything that can carry tags."
  type        = map(string)
  default     = {}
}
