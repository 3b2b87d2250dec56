output "packages" {
  description = "Bucket that a job's package is put into, below jobs/. Known once it is there."
  value       = local.packages
  depends_on  = [aws_cloudformation_stack.this]
}

output "results" {
  description = "Bucket of results, below results/, of Terraform state, below stackyard/, and of the packages of GitHub Actions, below jobs/. Known once it is there."
  value       = local.results
  depends_on  = [aws_cloudformation_stack.this]
}

output "pipeline" {
  description = "Name of the pipeline. Empty: there is none."
  value       = var.pipeline ? var.name : ""
  depends_on  = [aws_cloudformation_stack.this]
}

output "build_role_arn" {
  description = "Role of the builds in CodeBuild. Empty: there is none."
  value       = var.pipeline ? aws_iam_role.build[0].arn : ""
}

output "github_role_arn" {
  description = "Role of the builds in GitHub Actions. Empty: there is none."
  value       = var.github_repository == "" ? "" : aws_iam_role.github[0].arn
}
