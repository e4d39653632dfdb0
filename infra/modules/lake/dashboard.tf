locals {
  rows = ["RowsRead", "RowsClean", "RowsRejected", "RowsDuplicate", "RowsOutside"]

  # The tables whose age is shown: those that measure, or all
  aged = {
    for dataset in local.dataset_names : dataset => (
      contains(keys(local.measures), dataset) ? [local.measures[dataset]] : keys(try(local.datasets[dataset].tables, {}))
    )
  }

  # Two columns of graphs, in this order
  widgets = concat(
    flatten([for dataset in local.dataset_names : [
      { title = "${dataset}: rows", stat = "Sum", metrics = [for metric in local.rows : ["Tributary", metric, "Function", "clean", "Dataset", dataset]] },
      { title = "${dataset}: age of the newest data, days", stat = "Maximum", metrics = [for table in local.aged[dataset] : ["Tributary", "NewestDataAge", "Dataset", dataset, "Table", table]] },
    ]]),
    [
      { title = "Functions: calls", stat = "Sum", metrics = [for function in values(local.function_name) : ["AWS/Lambda", "Invocations", "FunctionName", function]] },
      { title = "Functions: errors", stat = "Sum", metrics = [for function in values(local.function_name) : ["AWS/Lambda", "Errors", "FunctionName", function]] },
      { title = "Functions: longest run, ms", stat = "Maximum", metrics = [for function in values(local.function_name) : ["AWS/Lambda", "Duration", "FunctionName", function]] },
      { title = "Messages that wait or failed", stat = "Maximum", metrics = [for queue in values(local.queue_name) : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue]] },
    ],
  )
}

resource "aws_cloudwatch_dashboard" "lake" {
  count = var.dashboard ? 1 : 0

  dashboard_name = "${var.name_prefix}${local.suffix}"
  dashboard_body = jsonencode({
    widgets = concat(
      [for i, widget in local.widgets : {
        type   = "metric"
        x      = 12 * (i % 2)
        y      = 6 * floor(i / 2)
        width  = 12
        height = 6
        properties = {
          region  = local.region
          view    = "timeSeries"
          period  = 3600
          title   = widget.title
          stat    = widget.stat
          metrics = widget.metrics
        }
      }],
      [{
        type   = "log"
        x      = 0
        y      = 6 * ceil(length(local.widgets) / 2)
        width  = 24
        height = 6
        properties = {
          region = local.region
          title  = "Newest errors"
          query  = "${join(" | ", [for group in values(local.log_group) : "SOURCE '${group}'"])} | fields @timestamp, @log, @message | filter level = 'ERROR' | sort @timestamp desc | limit 50"
        }
      }],
    )
  })
}
