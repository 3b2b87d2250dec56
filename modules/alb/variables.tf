variable "name" {
  description = "Name of the load balancer; AWS allows 32 characters."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?$", var.name)) && !startswith(var.name, "internal-")
    error_message = "The name must have 1 to 32 letters, digits and hyphens, neither begin nor end with a hyphen, and not begin with internal-."
  }
}

variable "vpc_id" {
  description = "VPC of the load balancer."
  type        = string
}

variable "vpc_cidr" {
  description = "Address block that targets are in."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the load balancer, in two zones or more."
  type        = list(string)
}

variable "internal" {
  description = "Whether the load balancer has private addresses only."
  type        = bool
  default     = false
}

variable "allowed_cidrs" {
  description = "Address blocks that may send requests."
  type        = list(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = length(var.allowed_cidrs) >= 1 && alltrue([for cidr in var.allowed_cidrs : can(cidrnetmask(cidr))])
    error_message = "Give at least one IPv4 address block, such as 203.0.113.0/24."
  }
}

variable "certificate_arn" {
  description = "Certificate of the HTTPS listener."
  type        = string
}

variable "tls_policy" {
  description = "Which versions and ciphers of TLS are offered."
  type        = string
  default     = "ELBSecurityPolicy-TLS13-1-2-2021-06"
}

variable "tags" {
  description = "Tags of everything that can carry tags."
  type        = map(string)
  default     = {}
}
