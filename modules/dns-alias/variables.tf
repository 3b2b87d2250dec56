variable "names" {
  description = "Full host names, all in the zone."
  type        = list(string)
}

variable "zone_id" {
  description = "Hosted zone that the names are in."
  type        = string
}

variable "target" {
  description = "Load balancer or CloudFront distribution: its DNS name, and the hosted zone of that name."
  type        = object({ dns_name = string, zone_id = string })
}

variable "evaluate_target_health" {
  description = "Whether Route 53 leaves out a target that is not healthy. CloudFront does not offer it."
  type        = bool
  default     = true
}
