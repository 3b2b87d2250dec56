terraform {
  required_version = ">= 1.6"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 3.39"

      # The account of the parent zone is another than that of the sandbox.
      configuration_aliases = [aws.parent]
    }
  }
}
