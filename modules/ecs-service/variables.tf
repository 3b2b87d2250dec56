variable "name" {
  description = "Name of the service and of everything that belongs to it alone."
  type        = string

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$", var.name))
    error_message = "The name must have 1 to 32 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "cluster" {
  description = "ECS cluster to run in."
  type = object({
    arn  = string
    name = string
  })
}

variable "network" {
  description = "VPC and subnets that the tasks get their addresses from."
  type = object({
    vpc_id     = string
    subnet_ids = list(string)
  })
}

variable "exists" {
  description = "Whether the service was built before. True: what is deployed now is read, and kept."
  type        = bool
  default     = false
}

variable "container" {
  description = "The one container of a task. `first_image` runs until the application's own first deployment; `port` null: it takes no connections; `command` empty: the image's own; `secrets` maps environment variables to what Secrets Manager or SSM calls `valueFrom`."
  type = object({
    first_image = string
    port        = optional(number)
    cpu         = optional(number, 256)
    memory      = optional(number, 512)
    command     = optional(list(string), [])
    environment = optional(map(string), {})
    secrets     = optional(map(string), {})
  })

  validation {
    condition     = var.container.port == null || (try(var.container.port >= 1 && var.container.port <= 65535, false))
    error_message = "The container port must be 1 to 65535."
  }

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096, 8192, 16384], var.container.cpu)
    error_message = "The cpu must be 256, 512, 1024, 2048, 4096, 8192 or 16384 units (1024 units are one vCPU)."
  }

  validation {
    condition     = alltrue([for name in keys(merge(var.container.environment, var.container.secrets)) : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", name))])
    error_message = "Names of environment variables have letters, digits and underscores, and do not begin with a digit."
  }

  validation {
    condition     = length(setintersection(keys(var.container.environment), keys(var.container.secrets))) == 0
    error_message = "An environment variable cannot be both a plain value and a secret."
  }
}

variable "load_balancer" {
  description = "Target group that the tasks register in, and the security group that its requests come from. Null: none."
  type = object({
    target_group_arn  = string
    security_group_id = string
    grace_seconds     = optional(number, 60)
  })
  default = null
}

variable "outbound_ports" {
  description = "TCP ports that tasks may reach anywhere. 443 is needed to pull images and to write logs, unless endpoints in the VPC take its place."
  type        = list(number)
  default     = [443]

  validation {
    condition     = alltrue([for port in var.outbound_ports : port >= 1 && port <= 65535]) && length(distinct(var.outbound_ports)) == length(var.outbound_ports)
    error_message = "Outbound ports must be 1 to 65535, each once."
  }
}

variable "next_hops" {
  description = "Security groups that tasks may reach, by a name of your choice. The way in is opened on both sides."
  type = map(object({
    security_group_id = string
    port              = number
  }))
  default = {}
}

variable "repository_arn" {
  description = "The one ECR repository that images may be pulled from. Public registries need no permission."
  type        = string
}

variable "secret_arns" {
  description = "Secrets that the values of `container.secrets` lie in. The execution role may read these and no others."
  type        = list(string)
  default     = []
}

variable "task_policies" {
  description = "What the application itself may do in AWS: policy documents (JSON) by a name of your choice."
  type        = map(string)
  default     = {}
}

variable "shell_access" {
  description = "Whether `aws ecs execute-command` may open a shell in a running task."
  type        = bool
  default     = false
}

variable "scaling" {
  description = "Bounds for the number of tasks, and the average cpu use in percent that autoscaling holds."
  type = object({
    min                = optional(number, 1)
    max                = optional(number, 2)
    cpu_target_percent = optional(number, 60)
  })
  default = {}

  validation {
    condition     = var.scaling.min >= 0 && var.scaling.min <= var.scaling.max && var.scaling.max >= 1
    error_message = "The smallest number of tasks (scaling.min) must not be above the largest (scaling.max)."
  }

  validation {
    condition     = var.scaling.cpu_target_percent >= 10 && var.scaling.cpu_target_percent <= 95
    error_message = "The cpu target must be 10 to 95 percent."
  }
}

variable "log_retention_days" {
  description = "Days that log lines are kept."
  type        = number
  default     = 14

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827 or 3653 days."
  }
}

variable "tags" {
  description = "Tags of everything that can carry tags."
  type        = map(string)
  default     = {}
}
