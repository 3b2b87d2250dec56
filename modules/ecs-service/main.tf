data "aws_region" "current" {}

locals {
  container_name = "app"
  has_port       = var.container.port != null

  # Everything about the container but its image: the part that a person sets, as opposed to a deployment.
  container = {
    name      = local.container_name
    essential = true
    command   = length(var.container.command) > 0 ? var.container.command : null

    portMappings = local.has_port ? [{ containerPort = var.container.port, hostPort = var.container.port, protocol = "tcp" }] : []
    environment  = [for name, value in var.container.environment : { name = name, value = value }]
    secrets      = [for name, source in var.container.secrets : { name = name, valueFrom = source }]

    linuxParameters = { initProcessEnabled = true }

    # AWS answers with these; saying them keeps the differences in a plan short.
    cpu            = 0
    mountPoints    = []
    systemControls = []
    volumesFrom    = []

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = data.aws_region.current.id
        awslogs-stream-prefix = local.container_name
      }
    }
  }

  # Fargate's pairs of cpu units and MiB:
  # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
  fargate_memory = {
    256   = [512, 1024, 2048]
    512   = range(1024, 4097, 1024)
    1024  = range(2048, 8193, 1024)
    2048  = range(4096, 16385, 1024)
    4096  = range(8192, 30721, 1024)
    8192  = range(16384, 61441, 4096)
    16384 = range(32768, 122881, 8192)
  }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/ecs/${var.name}"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}

# What runs now. The application's own pipeline registers revisions and deploys them; a run of Terraform must find
# these, or it would put the service back to the revision that it made itself.
data "aws_ecs_service" "live" {
  count = var.exists ? 1 : 0

  cluster_arn  = var.cluster.arn
  service_name = var.name
}

data "aws_ecs_container_definition" "live" {
  count = var.exists ? 1 : 0

  task_definition = data.aws_ecs_service.live[0].task_definition
  container_name  = local.container_name
}

locals {
  image         = var.exists ? data.aws_ecs_container_definition.live[0].image : var.container.first_image
  live_arn      = var.exists ? data.aws_ecs_service.live[0].task_definition : ""
  live_revision = var.exists ? tonumber(regex("[0-9]+$", local.live_arn)) : 0
  newest_arn    = max(aws_ecs_task_definition.this.revision, local.live_revision) == local.live_revision ? local.live_arn : aws_ecs_task_definition.this.arn
}

resource "terraform_data" "container" {
  input = local.container
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.container.cpu
  memory                   = var.container.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions    = jsonencode([merge({ for key, value in local.container : key => value if value != null }, { image = local.image })])
  tags                     = var.tags

  lifecycle {
    # A deployment changes the image and must not cause a new revision; a person's change must, with the image that is
    # deployed then. So differences are ignored here, and the settings alone trigger the replacement.
    ignore_changes       = [container_definitions]
    replace_triggered_by = [terraform_data.container]

    # The old revision stays until the service has left it.
    create_before_destroy = true

    precondition {
      condition     = contains(local.fargate_memory[var.container.cpu], var.container.memory)
      error_message = "Fargate does not offer ${var.container.memory} MiB of memory with ${var.container.cpu} cpu units. With this cpu it offers ${join(", ", local.fargate_memory[var.container.cpu])} MiB."
    }
  }
}

resource "aws_ecs_service" "this" {
  name                   = var.name
  cluster                = var.cluster.arn
  task_definition        = local.newest_arn
  desired_count          = var.scaling.min
  launch_type            = "FARGATE"
  propagate_tags         = "SERVICE"
  enable_execute_command = var.shell_access
  wait_for_steady_state  = true
  tags                   = var.tags

  health_check_grace_period_seconds = var.load_balancer == null ? null : var.load_balancer.grace_seconds

  network_configuration {
    subnets         = var.network.subnet_ids
    security_groups = [aws_security_group.this.id]
  }

  # A deployment whose tasks do not come up goes back to the last one by itself.
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  dynamic "load_balancer" {
    for_each = var.load_balancer == null ? [] : [var.load_balancer]

    content {
      target_group_arn = load_balancer.value.target_group_arn
      container_name   = local.container_name
      container_port   = var.container.port
    }
  }

  # Without these a first task could not pull its image, write its log or reach the next hop.
  depends_on = [
    aws_iam_role_policy.execution,
    aws_iam_role_policy.task,
    aws_security_group_rule.from_load_balancer,
    aws_security_group_rule.outbound,
    aws_security_group_rule.to_next_hop,
    aws_security_group_rule.next_hop_from_service,
  ]

  lifecycle {
    # Autoscaling and the application's team set it; `scaling.min` is the lever for a person.
    ignore_changes = [desired_count]
  }
}
