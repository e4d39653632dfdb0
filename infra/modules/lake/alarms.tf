# Everything that needs a person goes to one topic. What to do about each alarm is in its description.

resource "aws_sns_topic" "alarms" {
  #checkov:skip=CKV_AWS_26:CloudWatch cannot publish to a topic under AWS's own SNS key - only kms_key encrypts it
  name              = "${var.name_prefix}-alarms"
  kms_master_key_id = var.kms_key
  tags              = local.tags
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = local.topic_arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "Alarms"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = local.topic_arn
        Condition = {
          ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:${var.name_prefix}-*" }
          StringEquals = { "aws:SourceAccount" = local.account }
        }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "email" {
  count = var.alarm_email == null ? 0 : 1

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  for_each = aws_sqs_queue.dead

  alarm_name          = "${each.value.name}-not-empty"
  alarm_description   = "Work failed for good. Read a message of the queue and the function's log, mend the cause, then redrive (or run again by hand, for failed-runs)"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = each.value.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  for_each = aws_lambda_function.lake

  alarm_name          = "${each.value.function_name}-errors"
  alarm_description   = "The function failed as a whole. Its log says why; what it was called with is tried again"
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = each.value.function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  tags                = local.tags
}

# Messages die after four days; one that fails is in the dead-letter queue long before. What grows old is not taken at all.
resource "aws_cloudwatch_metric_alarm" "oldest_message" {
  for_each = aws_sqs_queue.work

  alarm_name          = "${each.value.name}-oldest-message"
  alarm_description   = "A message waits for over ${var.oldest_message_minutes} minutes: the function is not called, or fails at it again and again. See its log, and whether its event source mapping is enabled; the message is lost after four days, and the next sweep makes it good"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = each.value.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 60 * var.oldest_message_minutes
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "broken_datasets" {
  alarm_name          = "${var.name_prefix}-broken-datasets"
  alarm_description   = "A folder of the lake's config/datasets/ is wrong, and its dataset is left out; the others go on. The log of clean or aggregate names the file and the line"
  namespace           = "Tributary"
  metric_name         = "BrokenDatasets"
  dimensions          = { Function = "clean" }
  statistic           = "Maximum"
  period              = 86400
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  tags                = local.tags
}

locals {
  # The table of each source that measures: others, such as lists of stations, arrive each night whatever happens.
  measures = merge(
    { irceline = "measurement", illuminate = "result_overall", codetrack = "weekly_score" },
    { for dataset, fresh in var.fresh : dataset => fresh.table },
  )

  # Schools and courses rest at weekends and in holidays.
  source_quiet_days = {
    for source, times in local.times :
    source => coalesce(times.quiet_days, lookup({ illuminate = 7, codetrack = 7 }, source, 2)) if times.enabled
  }
  quiet_days = {
    for dataset, days in merge({ for dataset, fresh in var.fresh : dataset => fresh.quiet_days if !contains(local.sources, dataset) }, local.source_quiet_days) :
    dataset => days if days > 0 && var.sweep.enabled
  }

  # When the age does not count: in the months and days of rest, and for quiet_days after. CloudWatch has the time of each value
  # in UTC; a day is written as a number, 20261221.
  today = "(YEAR(age) * 10000 + MONTH(age) * 100 + DATE(age))"
  rests = {
    for dataset, days in local.quiet_days : dataset => concat(
      [for month in try(var.holidays[dataset].months, []) : "MONTH(age) == ${month}"],
      [
        for month in try(var.holidays[dataset].months, []) :
        "(MONTH(age) == ${month % 12 + 1} && DATE(age) <= ${min(days, 31)})"
        if !contains(try(var.holidays[dataset].months, []), month % 12 + 1)
      ],
      [
        for rest in try(var.holidays[dataset].days, []) :
        "(${local.today} >= ${replace(rest.from, "-", "")} && ${local.today} <= ${formatdate("YYYYMMDD", timeadd("${rest.to}T00:00:00Z", "${24 * days}h"))})"
      ],
    )
  }
}

# The sweep reports the age of each table's newest data twice a day, whether there is news or not. So any 24 hours have a value,
# and where there is none, no sweep has run: FILL makes that an alarm at once, as CloudWatch would else look for older values.
resource "aws_cloudwatch_metric_alarm" "no_new_data" {
  for_each = local.quiet_days

  alarm_name          = "${var.name_prefix}-${each.key}-no-new-data"
  alarm_description   = "The newest data of ${each.key}.${local.measures[each.key]} is more than ${each.value} days old, or no sweep has reported its age. Is the API up, did the schedules fire, is the clean queue moving?"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags

  metric_query {
    id          = "days"
    label       = "Age of the newest data in days"
    expression  = length(local.rests[each.key]) == 0 ? "FILL(age, 9999)" : "IF(${join(" || ", local.rests[each.key])}, 0, FILL(age, 9999))"
    return_data = true
  }

  metric_query {
    id = "age"

    metric {
      namespace   = "Tributary"
      metric_name = "NewestDataAge"
      dimensions  = { Dataset = each.key, Table = local.measures[each.key] }
      stat        = "Maximum"
      period      = 86400
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "rejects" {
  for_each = toset(local.dataset_names)

  alarm_name          = "${var.name_prefix}-${each.key}-rejects"
  alarm_description   = "Over ${var.reject_share_percent} % of an hour's rows were rejected. The rejection zone has each with its reason; mend the rule and `tributary replay`, or the source"
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.reject_share_percent
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  tags                = local.tags

  metric_query {
    id          = "share"
    label       = "Rejected rows in percent"
    expression  = "IF(read > 0, 100 * FILL(rejected, 0) / read, 0)"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { read = "RowsRead", rejected = "RowsRejected" }
    content {
      id = metric_query.key

      metric {
        namespace   = "Tributary"
        metric_name = metric_query.value
        dimensions  = { Function = "clean", Dataset = each.key }
        stat        = "Sum"
        period      = 3600
      }
    }
  }
}
