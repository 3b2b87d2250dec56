variable "name" {
  description = "Name of the secret."
  type        = string
}

variable "description" {
  description = "What the secret is for."
  type        = string
}

variable "value" {
  description = "What the secret holds: kept as a JSON object."
  type        = map(string)
  sensitive   = true
}

variable "tags" {
  description = "Tags of everything that can carry tags."
  type        = map(string)
  default     = {}
}
