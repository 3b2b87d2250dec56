locals {
  # AWS's own rule groups; each counts against the limit of 1,500 units of a firewall: 700, 200 and 200.
  rule_groups = ["AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesSQLiRuleSet"]
}

resource "aws_wafv2_web_acl" "this" {
  name        = var.name
  description = "Firewall of ${var.name}"
  scope       = var.scope
  tags        = var.tags

  default_action {
    allow {}
  }

  dynamic "rule" {
    for_each = local.rule_groups

    content {
      name     = rule.value
      priority = rule.key

      override_action {
        dynamic "none" {
          for_each = var.count_only ? [] : [true]
          content {}
        }

        dynamic "count" {
          for_each = var.count_only ? [true] : []
          content {}
        }
      }

      statement {
        managed_rule_group_statement {
          name        = rule.value
          vendor_name = "AWS"
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = rule.value
        sampled_requests_enabled   = true
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.name
    sampled_requests_enabled   = true
  }
}
