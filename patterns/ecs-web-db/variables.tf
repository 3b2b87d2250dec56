# The only value that never lies in a file: Stackyard makes it up, keeps it apart, and hands it over as
# TF_VAR_database_password.
variable "database_password" {
  description = "Password of the database's master user."
  type        = string
  sensitive   = true
}
