variable "name" {
  description = "Name of the repository."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]+([._/-][a-z0-9]+)*$", var.name)) && length(var.name) >= 2 && length(var.name) <= 256
    error_message = "The name must have 2 to 256 lower-case letters, digits and single separators (. _ / -)."
  }
}

variable "keep_images" {
  description = "How many images are kept; older ones expire."
  type        = number
  default     = 20

  validation {
    condition     = var.keep_images >= 1 && var.keep_images <= 1000 && floor(var.keep_images) == var.keep_images
    error_message = "The number of kept images must be a whole number from 1 to 1000."
  }
}

variable "untagged_days" {
  description = "Days after which images without a tag expire."
  type        = number
  default     = 7

  validation {
    condition     = var.untagged_days >= 1 && floor(var.untagged_days) == var.untagged_days
    error_message = "The number of days must be a whole number of at least 1."
  }
}

variable "immutable_tags" {
  description = "Whether a tag, once pushed, may never point to another image."
  type        = bool
  default     = false
}

variable "scan_on_push" {
  description = "Whether images are scanned for known weaknesses when they are pushed."
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags of the repository."
  type        = map(string)
  default     = {}
}
