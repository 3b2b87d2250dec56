resource "aws_secretsmanager_secret" "this" {
  name        = var.name
  description = var.description

  # Gone at once: an environment of the same name can be built again, and nothing is left behind.
  recovery_window_in_days = 0

  tags = var.tags
}

resource "aws_secretsmanager_secret_version" "this" {
  secret_id     = aws_secretsmanager_secret.this.id
  secret_string = jsonencode(var.value)
}
