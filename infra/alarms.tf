# Everything that wants a human's eye goes to one topic. What to do about each alarm is in its description.

resource "aws_sns_topic" "alarms" {
  #checkov:skip=CKV_AWS_26:CloudWatch cannot publish to a topic under AWS's own SNS key - a key of ours for alarm texts is not worth its price
  name = "${var.name_prefix}-alarms"
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
          ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:cloudwatch:${var.region}:${local.account}:alarm:${var.name_prefix}-*" }
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
}

resource "aws_cloudwatch_metric_alarm" "duration" {
  for_each = aws_lambda_function.lake

  alarm_name          = "${each.value.function_name}-duration"
  alarm_description   = "A run took over 80 % of its timeout. Give the function more memory, or lower batch_above_bytes"
  namespace           = "AWS/Lambda"
  metric_name         = "Duration"
  dimensions          = { FunctionName = each.value.function_name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0.8 * 1000 * each.value.timeout
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

locals {
  # Schools and courses rest at weekends and in holidays.
  quiet_days = {
    for source, times in local.times :
    source => coalesce(times.quiet_days, lookup({ illuminate = 7, codetrack = 7 }, source, 2)) if times.enabled
  }
}

resource "aws_cloudwatch_metric_alarm" "no_new_data" {
  for_each = local.quiet_days

  alarm_name          = "${var.name_prefix}-${each.key}-no-new-data"
  alarm_description   = "No new row was read for ${each.value} days running. Is the API up, did the schedule fire, is the clean queue moving?"
  namespace           = "Tributary"
  metric_name         = "RowsRead"
  dimensions          = { Function = "clean", Dataset = each.key }
  statistic           = "Sum"
  period              = 86400
  evaluation_periods  = each.value
  datapoints_to_alarm = each.value
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "rejects" {
  for_each = local.datasets

  alarm_name          = "${var.name_prefix}-${each.key}-rejects"
  alarm_description   = "Over ${var.reject_share_percent} % of an hour's rows were rejected. The rejection zone has each with its reason; mend the rule and `tributary replay`, or the source"
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.reject_share_percent
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]

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
