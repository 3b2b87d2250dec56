variable "name" {
  description = "Host name that the certificate is for."
  type        = string

  validation {
    condition     = length(var.name) <= 64
    error_message = "The name of a certificate has at most 64 characters."
  }
}

variable "zone_id" {
  description = "Hosted zone for the validation record; the name lies in it."
  type        = string
}

variable "listener_arn" {
  description = "HTTPS listener that shows the certificate to those who ask for the name."
  type        = string
}

variable "tags" {
  description = "Tags of the certificate."
  type        = map(string)
  default     = {}
}
