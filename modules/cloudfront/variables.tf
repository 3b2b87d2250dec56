variable "name" {
  description = "What the distribution is shown as."
  type        = string
}

variable "hosts" {
  description = "Host names that it answers to."
  type        = list(string)
}

variable "origin" {
  description = "Host name of the load balancer, covered by its certificate, and a header by which it knows this distribution."
  type = object({
    host   = string
    header = object({ name = string, value = string })
  })
}

variable "certificate_arn" {
  description = "Certificate for the host names, in us-east-1."
  type        = string
}

variable "cached_paths" {
  description = "Paths that are kept at the edge, such as /static/*. Everything else goes to the application each time."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for path in var.cached_paths : startswith(path, "/")])
    error_message = "Cached paths begin with a slash, such as /static/*."
  }
}

variable "web_acl_arn" {
  description = "Firewall in front. Null: none."
  type        = string
  default     = null
}

variable "price_class" {
  description = "Where in the world it answers: `PriceClass_100`, `PriceClass_200` (with Asia) or `PriceClass_All`."
  type        = string
  default     = "PriceClass_200"

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.price_class)
    error_message = "The price class must be PriceClass_100, PriceClass_200 or PriceClass_All."
  }
}

variable "tags" {
  description = "Tags of everything that can carry tags."
  type        = map(string)
  default     = {}
}
