output "executor_options" {
  description = "What the sandbox's executor has to know. It knows these by itself when the names are the usual ones."
  value = {
    packages = module.builds.packages
    results  = module.builds.results
    pipeline = module.builds.pipeline
  }
}

output "github_role_arn" {
  description = "Role of the workflows. Empty: there is none."
  value       = module.builds.github_role_arn
}
