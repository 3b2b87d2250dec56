variable "name" {
  description = "Beginning of the names of the alarms and of the topic that they are told to."
  type        = string
}

variable "alarms" {
  description = "Alarms by a name of your choice: a metric that is above (or `below`) a threshold for that many minutes."
  type = map(object({
    description = string
    namespace   = string
    metric      = string
    dimensions  = map(string)
    threshold   = number
    statistic   = optional(string, "Average")
    below       = optional(bool, false)
    minutes     = optional(number, 5)
  }))
}

variable "tags" {
  description = "Tags of everything that can carry tags."
  type        = map(string)
  default     = {}
}
