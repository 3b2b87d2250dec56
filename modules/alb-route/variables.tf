variable "name" {
  description = "Name of the target group; AWS allows 32 characters."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?$", var.name))
    error_message = "The name must have 1 to 32 letters, digits and hyphens, and neither begin nor end with a hyphen."
  }
}

variable "vpc_id" {
  description = "VPC that the targets are in."
  type        = string
}

variable "listener_arn" {
  description = "HTTPS listener of the load balancer."
  type        = string
}

variable "priority" {
  description = "Priority of the rule, unique within the listener."
  type        = number

  validation {
    condition     = var.priority >= 1 && var.priority <= 50000 && floor(var.priority) == var.priority
    error_message = "The priority must be a whole number from 1 to 50000."
  }
}

variable "hosts" {
  description = "Host names that are sent to the targets. A rule holds at most five."
  type        = list(string)

  validation {
    condition     = length(var.hosts) >= 1 && length(var.hosts) <= 5 && length(distinct(var.hosts)) == length(var.hosts)
    error_message = "Give one to five host names, each once."
  }
}

variable "required_header" {
  description = "Header that a request must carry beside the host name, such as a key that only CloudFront knows. Null: none."
  type        = object({ name = string, value = string })
  default     = null
}

variable "health_check" {
  description = "How the load balancer finds out whether a target can take requests."
  type = object({
    path                = optional(string, "/")
    matcher             = optional(string, "200-399")
    interval_seconds    = optional(number, 15)
    timeout_seconds     = optional(number, 5)
    healthy_threshold   = optional(number, 2)
    unhealthy_threshold = optional(number, 3)
  })
  default = {}

  validation {
    condition     = startswith(var.health_check.path, "/")
    error_message = "The health check's path must begin with a slash."
  }

  validation {
    condition     = can(regex("^[0-9]{3}([,-][0-9]{3})*$", var.health_check.matcher))
    error_message = "The health check's matcher must be status codes such as 200, 200-399 or 200,302."
  }

  validation {
    condition     = var.health_check.interval_seconds >= 5 && var.health_check.interval_seconds <= 300
    error_message = "The health check's interval must be 5 to 300 seconds."
  }
}

variable "deregistration_seconds" {
  description = "How long a target that leaves may finish its open requests."
  type        = number
  default     = 30

  validation {
    condition     = var.deregistration_seconds >= 0 && var.deregistration_seconds <= 3600
    error_message = "The time to finish open requests must be 0 to 3600 seconds."
  }
}

variable "tags" {
  description = "Tags of the target group."
  type        = map(string)
  default     = {}
}
