locals {
  service_dimensions = { ClusterName = local.sandbox.cluster_name, ServiceName = local.name }

  route_dimensions = {
    LoadBalancer = replace(local.alb.arn, "/^.*:loadbalancer[/]/", "")
    TargetGroup  = module.route.target_group_arn_suffix
  }
}

module "alarms" {
  source = "../../modules/alarms"
  count  = local.alarms.enabled ? 1 : 0

  name = local.name
  tags = local.tags

  alarms = merge(
    {
      service-cpu = {
        description = "Tasks of ${local.name} use nearly all of their cpu"
        namespace   = "AWS/ECS"
        metric      = "CPUUtilization"
        dimensions  = local.service_dimensions
        threshold   = 90
        minutes     = 10
      }
      service-memory = {
        description = "Tasks of ${local.name} use nearly all of their memory"
        namespace   = "AWS/ECS"
        metric      = "MemoryUtilization"
        dimensions  = local.service_dimensions
        threshold   = 90
      }
      server-errors = {
        description = "${local.name} answers with errors (5xx)"
        namespace   = "AWS/ApplicationELB"
        metric      = "HTTPCode_Target_5XX_Count"
        dimensions  = local.route_dimensions
        statistic   = "Sum"
        threshold   = 10
      }
      unhealthy-tasks = {
        description = "Tasks of ${local.name} fail their health check"
        namespace   = "AWS/ApplicationELB"
        metric      = "UnHealthyHostCount"
        dimensions  = local.route_dimensions
        statistic   = "Maximum"
        threshold   = 0
      }
      database-cpu = {
        description = "The database of ${local.name} uses nearly all of its cpu"
        namespace   = "AWS/RDS"
        metric      = "CPUUtilization"
        dimensions  = local.db.metric_dimensions
        threshold   = 90
        minutes     = 10
      }
    },
    local.is_aurora ? {} : {
      database-storage = {
        description = "The database of ${local.name} has less than 2 GiB of storage left"
        namespace   = "AWS/RDS"
        metric      = "FreeStorageSpace"
        dimensions  = local.db.metric_dimensions
        threshold   = 2 * 1024 * 1024 * 1024
        below       = true
      }
    },
  )
}
