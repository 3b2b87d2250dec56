variable "name" {
  description = "Name of the VPC, and beginning of the names of its parts."
  type        = string
}

variable "cidr" {
  description = "Address block of the VPC, from /16 to /24."
  type        = string

  validation {
    condition     = can(cidrnetmask(var.cidr)) && try(cidrhost(var.cidr, 0) == split("/", var.cidr)[0], false)
    error_message = "The address block must be IPv4 and begin at its own first address, such as 10.20.0.0/20."
  }

  validation {
    condition     = try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 24, false)
    error_message = "The address block must be /16 to /24: AWS allows no larger VPC, and in a smaller one the load balancer has no room."
  }
}

variable "nat_per_zone" {
  description = "A NAT gateway in each zone, so that the failure of one zone does not cut off the other. False: one for both."
  type        = bool
  default     = false
}

variable "interface_endpoints" {
  description = "AWS services that are reached inside the VPC, as in the last part of the endpoint service's name."
  type        = list(string)
  default     = []
}

variable "tags" {
  description = "Tags of everything that can carry tags."
  type        = map(string)
  default     = {}
}
