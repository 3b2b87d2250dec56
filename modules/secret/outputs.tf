output "arn" {
  description = "ARN of the secret. Known once it has a value."
  value       = aws_secretsmanager_secret.this.arn
  depends_on  = [aws_secretsmanager_secret_version.this]
}

output "read_policy" {
  description = "Policy document (JSON) of somebody who reads this secret and no other."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = [aws_secretsmanager_secret.this.arn]
    }]
  })
}
