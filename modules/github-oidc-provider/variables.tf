variable "tags" {
  description = "Tags of everything that can carry tags."
  type        = map(string)
  default     = {}
}
