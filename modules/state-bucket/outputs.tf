output "name" {
  description = "Name of the bucket. Known once the bucket is there."
  value       = var.name
  depends_on  = [aws_cloudformation_stack.this]
}
