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
    vpc_cidr              = ""
    public_subnet_ids     = []
    private_subnet_ids    = []
    database_subnet_ids   = []
    cluster_arn           = ""
    cluster_name          = ""
    https_listener_arn    = ""
    alb_arn               = ""
    alb_dns_name          = ""
    alb_zone_id           = ""
    alb_security_group_id = ""
    zone_id               = ""
    zone_name             = ""
    certificate_arn       = ""
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

  # The database. The application finds it by DATABASE_HOST, DATABASE_PORT, DATABASE_NAME, DATABASE_USER and
  # DATABASE_PASSWORD; all of it is also one JSON object in the secret DATABASE_SECRET_ARN.
  database = {
    # Kind of database. On MySQL the application creates its own database at the first start; the others have one.
    engine = "postgres"

    # Version, such as 16 or 8.0. Empty: what AWS offers by default. It can be raised later, never lowered.
    version = ""

    # Size of each instance.
    size = "small"

    # Storage at the beginning in GiB; it grows by itself up to five times that. Aurora grows without this.
    storage_gb = 20

    # A second instance in the other zone that takes over on failure. Costs twice as much.
    standby = false

    # Days that automatic backups are kept.
    backup_days = 1

    # Leave a snapshot when the environment is deleted. It stays, and is paid for, until somebody deletes it.
    final_snapshot = false
  }

  # A Redis cache. The application finds it by REDIS_HOST and REDIS_PORT.
  cache = {
    # Build a cache.
    enabled = false

    # Class of its one node.
    node_type = "cache.t4g.micro"
  }

  # An S3 bucket of the application's own. The application finds it by BUCKET_NAME.
  bucket = {
    # Build a bucket.
    enabled = false
  }

  # CloudFront in front of the load balancer.
  cdn = {
    # Build a distribution. It takes some minutes to spread, and to be taken down again.
    enabled = false

    # Paths that are kept at the edge, such as /static/*. Everything else goes to the application each time.
    cached_paths = ["/static/*"]
  }

  # AWS WAF with AWS's own rules for common attacks, known bad input and SQL injection.
  firewall = {
    # Build a firewall. It stands before CloudFront, or before a load balancer of your own; the shared one has none.
    enabled = false

    # Count what a rule would refuse, and let it through: to try the rules out.
    count_only = false
  }

  # The load balancer.
  load_balancer = {
    # Build one for this environment alone instead of using the shared one.
    own = false
  }

  # Alarms on the application, its answers and its database.
  alarms = {
    # Build alarms, and a topic to subscribe to.
    enabled = true
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
