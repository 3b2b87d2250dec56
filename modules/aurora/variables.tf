variable "name" {
  description = "Identifier of the database, and of what belongs to it alone."
  type        = string

  validation {
    condition     = can(regex("^[a-z](-?[a-z0-9])*$", var.name)) && length(var.name) <= 50
    error_message = "The name must have up to 50 lower-case letters, digits and single hyphens, begin with a letter and not end with a hyphen."
  }
}

variable "network" {
  description = "VPC, and subnets in two zones or more."
  type        = object({ vpc_id = string, subnet_ids = list(string) })
}

variable "engine_version" {
  description = "Version of the engine, the major part being enough. Empty: what AWS offers by default."
  type        = string
  default     = ""
}

variable "instance_class" {
  description = "Class of the instances."
  type        = string
}

variable "username" {
  description = "Name of the master user."
  type        = string
  default     = "app"

  validation {
    condition     = can(regex("^[a-zA-Z][a-zA-Z0-9_]{0,15}$", var.username)) && !contains(["admin", "postgres", "rdsadmin", "root"], lower(var.username))
    error_message = "The user name must have 1 to 16 letters, digits and underscores, begin with a letter, and not be one that the engine keeps for itself."
  }
}

variable "password" {
  description = "Password of the master user."
  type        = string
  sensitive   = true

  validation {
    condition     = length(var.password) >= 16 && length(var.password) <= 41 && can(regex("^[!-~]+$", var.password)) && !can(regex("[/@\"]", var.password))
    error_message = "The password must have 16 to 41 printable ASCII characters, without slash, at sign and double quote."
  }
}

variable "backup_days" {
  description = "Days that automatic backups are kept."
  type        = number
  default     = 1

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35
    error_message = "Backups are kept for 1 to 35 days."
  }
}

variable "final_snapshot_name" {
  description = "Name of the snapshot that deletion leaves; it stays and is paid for until somebody deletes it. Empty: none."
  type        = string
  default     = ""

  validation {
    condition     = var.final_snapshot_name == "" || can(regex("^[a-z](-?[a-z0-9])*$", var.final_snapshot_name))
    error_message = "The snapshot's name must have lower-case letters, digits and single hyphens, begin with a letter and not end with a hyphen."
  }
}

variable "engine" {
  description = "`aurora-postgresql` or `aurora-mysql`."
  type        = string

  validation {
    condition     = contains(["aurora-postgresql", "aurora-mysql"], var.engine)
    error_message = "The engine must be aurora-postgresql or aurora-mysql."
  }
}

variable "database_name" {
  description = "Name of the first database."
  type        = string
  default     = "app"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{0,62}$", var.database_name))
    error_message = "The database name must have 1 to 63 lower-case letters and digits, and begin with a letter."
  }
}

variable "instances" {
  description = "How many instances: with two or more, another zone takes over on failure."
  type        = number
  default     = 1

  validation {
    condition     = var.instances >= 1 && var.instances <= 15
    error_message = "A cluster has 1 to 15 instances."
  }
}

variable "tags" {
  description = "Tags of everything that can carry tags."
  type        = map(string)
  default     = {}
}
