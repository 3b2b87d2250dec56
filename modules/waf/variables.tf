variable "name" {
  description = "Name of the firewall."
  type        = string
}

variable "scope" {
  description = "`CLOUDFRONT`, with a provider for us-east-1, or `REGIONAL` for a load balancer."
  type        = string

  validation {
    condition     = contains(["CLOUDFRONT", "REGIONAL"], var.scope)
    error_message = "The scope must be CLOUDFRONT or REGIONAL."
  }
}

variable "count_only" {
  description = "Whether requests that a rule would refuse are counted and let through."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of everything that can carry tags."
  type        = map(string)
  default     = {}
}
