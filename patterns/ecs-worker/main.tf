# A worker on ECS Fargate that takes messages from a queue. Nothing can connect to it.

module "repository" {
  source = "../../modules/ecr-repository"

  name           = local.name
  keep_images    = local.repository.keep_images
  immutable_tags = local.repository.immutable_tags
  tags           = local.tags
}

module "queue" {
  source = "../../modules/sqs-queue"

  name               = local.name
  visibility_seconds = local.queue.visibility_seconds
  max_attempts       = local.queue.max_attempts
  retention_days     = local.queue.retention_days
  tags               = local.tags
}

module "service" {
  source = "../../modules/ecs-service"

  name   = local.name
  exists = local.exists
  tags   = local.tags

  cluster = {
    arn  = local.sandbox.cluster_arn
    name = local.sandbox.cluster_name
  }

  network = {
    vpc_id     = local.sandbox.vpc_id
    subnet_ids = local.sandbox.subnet_ids
  }

  container = {
    first_image = local.container.first_image
    cpu         = local.container.cpu
    memory      = local.container.memory
    command     = local.container.command
    environment = merge({ QUEUE_URL = module.queue.url }, local.container.environment)
  }

  scaling = {
    min                = local.scaling.min
    max                = local.scaling.max
    cpu_target_percent = local.scaling.cpu_target_percent
  }

  task_policies      = { queue = module.queue.consume_policy }
  outbound_ports     = local.network.outbound_ports
  repository_arn     = module.repository.arn
  shell_access       = local.container.shell_access
  log_retention_days = local.logs.retention_days
}

module "deploy_role" {
  source = "../../modules/deploy-role"
  count  = local.github.repository == "" ? 0 : 1

  name           = local.name
  repository     = local.github.repository
  branch         = local.github.branch
  repository_arn = module.repository.arn
  service_arn    = module.service.service_arn
  family         = module.service.service_name
  task_role_arns = [module.service.task_role_arn, module.service.execution_role_arn]
  tags           = local.tags
}

# Beside the cpu: a task that waits for others uses none, while the queue grows.
resource "aws_appautoscaling_policy" "waiting_messages" {
  name               = "${local.name}-waiting-messages"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = module.service.scaling_resource_id

  target_tracking_scaling_policy_configuration {
    target_value = local.scaling.waiting_messages

    customized_metric_specification {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesVisible"
      statistic   = "Average"

      dimensions {
        name  = "QueueName"
        value = module.queue.name
      }
    }
  }
}

module "alarms" {
  source = "../../modules/alarms"
  count  = local.alarms.enabled ? 1 : 0

  name = local.name
  tags = local.tags

  alarms = {
    dead-letters = {
      description = "Messages of ${local.name} failed too often"
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = module.queue.dead_letters_name }
      statistic   = "Maximum"
      threshold   = 0
    }
    waiting-time = {
      description = "A message of ${local.name} has been waiting for more than an hour"
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = module.queue.name }
      statistic   = "Maximum"
      threshold   = 3600
    }
  }
}
