variable "name" {
  description = "Name of the cluster."
  type        = string
}

variable "insights" {
  description = "Whether CloudWatch Container Insights collects metrics of each task. It is paid by the metric."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "Days that the data of Container Insights is kept."
  type        = number
  default     = 14
}

variable "tags" {
  description = "Tags of everything that can carry tags."
  type        = map(string)
  default     = {}
}
