# Per source: ingest at night, local time. Clean and aggregate follow by themselves (queues.tf); the second schedule is a net
# under that: it brings up to date what an event that was lost, a failed run or a changed setting left stale, and else does nothing.

locals {
  # A source that var.schedules does not name has the variable's defaults.
  times = {
    for source in local.configured :
    source => lookup(var.schedules, source, { ingest = "04:30", aggregate = "06:00", enabled = true, quiet_days = null })
  }

  schedules = merge([
    for source, times in local.times : {
      "ingest-${source}"    = { function = "ingest", at = times.ingest, input = { source = source }, source = source, enabled = times.enabled }
      "aggregate-${source}" = { function = "aggregate", at = times.aggregate, input = { dataset = source }, source = source, enabled = times.enabled }
    }
  ]...)
}

resource "aws_scheduler_schedule_group" "lake" {
  name = var.name_prefix
}

resource "aws_scheduler_schedule" "lake" {
  #checkov:skip=CKV_AWS_297:The payload is the name of a source - nothing that a key of ours would protect
  for_each = local.schedules

  name                         = each.key
  group_name                   = aws_scheduler_schedule_group.lake.name
  state                        = each.value.enabled ? "ENABLED" : "DISABLED"
  schedule_expression          = format("cron(%d %d * * ? *)", split(":", each.value.at)[1], split(":", each.value.at)[0])
  schedule_expression_timezone = local.datasets[each.value.source].time_zone

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.lake[each.value.function].arn
    role_arn = aws_iam_role.lake["schedule"].arn
    input    = jsonencode(each.value.input)

    retry_policy {
      maximum_retry_attempts       = 10
      maximum_event_age_in_seconds = 7200
    }

    dead_letter_config {
      arn = aws_sqs_queue.dead["failed-runs"].arn
    }
  }

  depends_on = [aws_iam_role_policy.lake]
}
