# The interface of this pattern. Every value is a plain literal: the first group is filled by Stackyard, the second is
# what a person may set, and the comment above a value is its help text in the form.

locals {
  # Filled by Stackyard: base name of all resources, <product>-<environment>.
  name = "product-environment"

  # Filled by Stackyard: host name of the environment.
  fqdn = "product-environment.example.com"

  # Filled by Stackyard: further host names in the sandbox's zone, given to and taken from the environment one by one.
  further_fqdns = []

  # Filled by Stackyard: tags by which everything that belongs to the environment is found again.
  tags = {}

  # Filled by Stackyard: whether an earlier run built the environment. What is deployed then is read, and kept.
  exists = false

  # Filled by Stackyard: priority of the listener rule, given to one environment only.
  rule_priority = 1

  # Filled by Stackyard: common components of the sandbox.
  sandbox = {
    vpc_id                = ""
    subnet_ids            = []
    cluster_arn           = ""
    cluster_name          = ""
    https_listener_arn    = ""
    alb_dns_name          = ""
    alb_zone_id           = ""
    alb_security_group_id = ""
    zone_id               = ""
    zone_name             = ""
  }

  # The application's container.
  container = {
    # Image that answers until the application's first own deployment. Later runs keep the image that is deployed.
    first_image = "ghcr.io/traefik/whoami:v1.11.0"

    # Port that the application listens on. It is also told to the application as the variable PORT.
    port = 8080

    # Processing power of one task in cpu units; 1024 units are one vCPU.
    cpu = 256

    # Memory of one task in MiB. Not every amount goes with every cpu: with 256 units 512 to 2048, with 512 units
    # 1024 to 4096, with 1024 units 2048 to 8192, with 2048 units 4096 to 16384, with 4096 units 8192 to 30720.
    memory = 512

    # Start command, one word per entry. Empty: the image's own.
    command = []

    # Environment variables of the application. Not for secrets: they are kept in git and shown to everyone.
    environment = {}

    # Allow `aws ecs execute-command` to open a shell in a running task.
    shell_access = false
  }

  # How the load balancer finds out whether a task can take requests.
  health_check = {
    # Path that is asked for; it has to answer without sign-in.
    path = "/"

    # Status codes that count as healthy, such as 200, 200-399 or 200,302.
    matcher = "200-399"

    # Seconds between two checks.
    interval_seconds = 15

    # Seconds that a new task may take to start before failed checks count.
    grace_seconds = 60
  }

  # How many tasks run.
  scaling = {
    # Tasks that always run. 0 with no load costs nothing for tasks, and answers nothing.
    min = 1

    # Tasks at the highest load.
    max = 2

    # Average cpu use that autoscaling holds by adding and removing tasks.
    cpu_target_percent = 60
  }

  # Where the application's images are kept.
  repository = {
    # How many of the newest images are kept.
    keep_images = 20

    # Refuse to push a tag a second time.
    immutable_tags = false
  }

  # Who deploys from GitHub Actions, without a stored key. The sandbox has to let GitHub sign in.
  github = {
    # Repository of the application, as <owner>/<name>, whose workflow may deploy. Empty: none may.
    repository = ""

    # Branch whose workflow runs may deploy.
    branch = "main"
  }

  # What the application can reach.
  network = {
    # TCP ports that tasks may reach outside, such as 443 for HTTPS. 443 is needed for images and logs.
    outbound_ports = [443]
  }

  # What the application writes to its output.
  logs = {
    # Days that log lines are kept.
    retention_days = 14
  }
}
