variable "names" {
  description = "Host names of the certificate, the first one as its subject. A wildcard covers one label."
  type        = list(string)

  validation {
    condition     = length(var.names) >= 1 && length(var.names) <= 10 && length(distinct(var.names)) == length(var.names)
    error_message = "Give one to ten host names, each once."
  }

  validation {
    condition     = length(var.names) == 0 || length(var.names[0]) <= 64
    error_message = "The first name of a certificate has at most 64 characters."
  }
}

variable "zone" {
  description = "Hosted zone for the validation records. Null: they are there already, by a certificate for the same names in another region."
  type        = object({ id = string })
}

variable "tags" {
  description = "Tags of everything that can carry tags."
  type        = map(string)
  default     = {}
}
