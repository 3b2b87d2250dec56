variable "name" {
  description = "Name of the queue."
  type        = string
}

variable "visibility_seconds" {
  description = "How long a message is hidden from others while somebody works on it."
  type        = number
  default     = 60

  validation {
    condition     = var.visibility_seconds >= 0 && var.visibility_seconds <= 43200
    error_message = "The time must be 0 to 43200 seconds (12 hours)."
  }
}

variable "retention_days" {
  description = "Days that a message waits before it is dropped."
  type        = number
  default     = 4

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 14
    error_message = "Messages wait for 1 to 14 days."
  }
}

variable "max_attempts" {
  description = "How often a message is handed out before it goes to the dead letters."
  type        = number
  default     = 5

  validation {
    condition     = var.max_attempts >= 1 && var.max_attempts <= 1000
    error_message = "A message is handed out 1 to 1000 times."
  }
}

variable "tags" {
  description = "Tags of everything that can carry tags."
  type        = map(string)
  default     = {}
}
