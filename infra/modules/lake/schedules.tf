# Per source: ingest at night, local time. Clean and aggregate follow by themselves (queues.tf); the second schedule is a net
# under that: it brings up to date what an event that was lost, a failed run or a changed setting left stale, and else does nothing.
#
# For all datasets, own ones and uploads too, twice a day: clean looks for raw objects whose event was lost, and reports how old
# the newest data is; aggregate follows. Twice, so that any 24 hours have a report: alarms.tf.

locals {
  # A source that var.schedules does not name has the variable's defaults.
  times = {
    for source in local.configured :
    source => lookup(var.schedules, source, { ingest = "04:30", aggregate = "06:00", enabled = true, quiet_days = null })
  }

  nightly = merge([
    for source, times in local.times : {
      "ingest-${source}"    = { function = "ingest", at = times.ingest, input = { source = source }, zone = local.built_in[source].time_zone, enabled = times.enabled }
      "aggregate-${source}" = { function = "aggregate", at = times.aggregate, input = { dataset = source }, zone = local.built_in[source].time_zone, enabled = times.enabled }
    }
  ]...)

  sweeps = {
    clean-all     = { function = "clean", minute = 0, input = { stale = true } }
    aggregate-all = { function = "aggregate", minute = 30, input = {} }
  }

  schedules = merge(
    {
      for name, run in local.nightly : name => merge(run, { cron = format("cron(%d %d * * ? *)", split(":", run.at)[1], split(":", run.at)[0]) })
    },
    {
      for name, run in local.sweeps : name => merge(run, {
        cron    = format("cron(%d %d,%d * * ? *)", run.minute, var.sweep.hour, var.sweep.hour + 12)
        zone    = var.sweep.time_zone
        enabled = var.sweep.enabled
      })
    },
  )
}

resource "aws_scheduler_schedule_group" "lake" {
  name = var.name_prefix
  tags = local.tags
}

resource "aws_scheduler_schedule" "lake" {
  #checkov:skip=CKV_AWS_297:The payload is the name of a source - a key only where kms_key is given
  for_each = local.schedules

  name                         = each.key
  group_name                   = aws_scheduler_schedule_group.lake.name
  state                        = each.value.enabled ? "ENABLED" : "DISABLED"
  schedule_expression          = each.value.cron
  schedule_expression_timezone = each.value.zone
  kms_key_arn                  = var.kms_key

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_alias.live[each.value.function].arn
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
