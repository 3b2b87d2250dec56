# The interface of this pattern. Every value is a plain literal: the first group is filled by Stackyard, the second is
# what a person may set, and the comment above a value is its help text in the form.

locals {
  # Filled by Stackyard: base name of all resources, <product>-<environment>.
  name = "product-environment"

  # Filled by Stackyard: tags by which everything that belongs to the environment is found again.
  tags = {}

  # Filled by Stackyard: whether an earlier run built the environment. What is deployed then is read, and kept.
  exists = false

  # Filled by Stackyard: common components of the sandbox.
  sandbox = {
    vpc_id       = ""
    subnet_ids   = []
    cluster_arn  = ""
    cluster_name = ""
  }

  # The application's container.
  container = {
    # Image that runs, without touching the queue, until the application's first own deployment. Later runs keep the
    # image that is deployed.
    first_image = "ghcr.io/traefik/whoami:v1.11.0"

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

  # The queue of work. The application finds it by QUEUE_URL.
  queue = {
    # How long a message is hidden from others while a task works on it. Longer than the longest piece of work takes.
    visibility_seconds = 60

    # How often a message is handed out before it goes to the dead letters.
    max_attempts = 5

    # Days that a message waits before it is dropped.
    retention_days = 4
  }

  # How many tasks run.
  scaling = {
    # Tasks that always run. With 0 the first message of a quiet time waits some minutes for a task.
    min = 1

    # Tasks when there is most to do.
    max = 2

    # Messages waiting in the queue that autoscaling holds by adding and removing tasks.
    waiting_messages = 100

    # Average cpu use that autoscaling holds besides.
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
    # TCP ports that tasks may reach outside, such as 443 for HTTPS. 443 is needed for images, logs and the queue.
    outbound_ports = [443]
  }

  # Alarms on the queue and its dead letters.
  alarms = {
    # Build alarms, and a topic to subscribe to.
    enabled = true
  }

  # What the application writes to its output.
  logs = {
    # Days that log lines are kept.
    retention_days = 14
  }
}
