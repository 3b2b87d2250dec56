# The interface of the baseline. Every value is a plain literal: the first group is filled by Stackyard, the second is
# what platform staff may set per sandbox, and the comment above a value is its help text.

locals {
  # Filled by Stackyard: name of the sandbox, and beginning of the names of its common components.
  name = "sandbox"

  # Filled by Stackyard: tags by which everything that belongs to the baseline is found again.
  tags = {}

  # Filled by Stackyard: address block of the VPC, from the sandbox's pool.
  vpc_cidr = "10.0.0.0/20"

  # Filled by Stackyard: DNS zone that the host names of environments lie in.
  zone_name = "sandbox.example.com"

  # Filled by Stackyard: hosted zone that delegates to it. Empty: somebody else makes the NS record.
  parent_zone_id = ""

  # Filled by Stackyard: whether the parent zone names the zone's servers, or will in this very run. Without that no
  # certificate can be validated, so certificate and load balancer are left for later.
  delegated = true

  # Filled by Stackyard: role that it works with in the account.
  role_arn = "arn:aws:iam::111111111111:role/stackyard"

  # Filled by Stackyard: its release.
  stackyard_version = ""

  # The VPC: two zones, each with a public, a private and a database subnet.
  network = {
    # A NAT gateway in each zone. Costs twice as much, and one zone's failure does not cut off the other.
    nat_per_zone = false

    # Reach image registry, logs and secrets inside the VPC instead of through NAT. Paid by the hour and zone.
    private_endpoints = false
  }

  # The load balancer that all environments share.
  load_balancer = {
    # Give it private addresses only. Users then come through a VPN or another network that is connected.
    internal = false

    # Address blocks that may send requests, such as those of your offices.
    allowed_cidrs = ["0.0.0.0/0"]
  }

  # The ECS cluster that all environments share.
  cluster = {
    # Metrics of each task by Container Insights. Paid by the metric.
    insights = false
  }

  # The certificate for all names one label under the zone.
  certificate = {
    # A second one in us-east-1, for patterns with CloudFront that do not make their own.
    for_cloudfront = false
  }

  # What GitHub Actions may do in the account.
  github = {
    # Let workflows sign in, so that applications are deployed without a stored key. Who may do what is up to roles.
    sign_in = false
  }

  # Where Terraform runs for the environments, when not beside Stackyard's workers. The sandbox's executor says which.
  builds = {
    # Make a pipeline that builds in AWS CodeBuild, for the executor codebuild.
    codebuild = false

    # Repository whose workflows build, such as acme/environments, for the executor github-actions. Empty: none. It
    # needs github.sign_in.
    github_repository = ""
  }

  # What the common components log.
  logs = {
    # Days that log lines are kept.
    retention_days = 14
  }

  # Where Terraform keeps state, when it is not in Stackyard's own database.
  state = {
    # Make a bucket for the state of this sandbox's environments.
    bucket = false
  }
}
