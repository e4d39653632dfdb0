# Everything that needs a person goes to one topic. An alarm's description is what a mail or a chat shows of it, so it says what
# happened, where, what to do, and where to look. CloudWatch takes 1,024 characters of it.

locals {
  alarm_names = [for name in keys(local.alarm_lines) : "${var.name_prefix}-${name}"]
  alarm_text  = { for name, lines in local.alarm_lines : name => join("\n", lines) }
  alarm_lines = merge(
    {
      clean-dead-not-empty = [
        "What: objects of the raw zone could not be cleaned, five times each.",
        "Where: function ${local.function_name.clean}, queue ${local.queue_name.clean-dead}, bucket ${local.bucket_name.raw}.",
        "Do: `${local.command.errors.clean}` names each object, and why. Mend the cause, then have all tried again: `aws sqs start-message-move-task --region ${local.region} --source-arn ${local.queue_arn.clean-dead}`",
        "Look: ${local.errors_link.clean}",
      ]
      aggregate-dead-not-empty = [
        "What: five runs of aggregate failed on the same news, so partitions of models are stale.",
        "Where: function ${local.function_name.aggregate}, queue ${local.queue_name.aggregate-dead}.",
        "Do: `${local.command.errors.aggregate}` names the models, and why. Mend the cause; the next sweep makes them, twice a day. Then forget the news: `aws sqs purge-queue ${local.command.queue.aggregate-dead}`",
        "Look: ${local.errors_link.aggregate}",
      ]
      failed-runs-not-empty = [
        "What: a run that a schedule asked for failed three times or could not begin, or a Batch job failed. What failed by itself has sent a message that says how to do it again.",
        "Where: queue ${local.queue_name.failed-runs}.",
        "Do: `aws sqs receive-message --visibility-timeout 1 --max-number-of-messages 10 ${local.command.queue.failed-runs}` shows what failed. Mend the cause, do it again, then forget it: `aws sqs purge-queue ${local.command.queue.failed-runs}`",
        "Look: ${local.console}/sqs/v3/home?region=${local.region}#/queues",
      ]
      broken-datasets = [
        "What: a folder of config/datasets/ is wrong, and its dataset is left out. The others go on.",
        "Where: bucket ${local.bucket_name.ledger}, config/datasets/.",
        "Do: `${local.command.errors.clean}` names the file and the line. `tributary dataset check FOLDER` says whether a mended one is right; upload it: `aws s3 cp FOLDER s3://${local.bucket_name.ledger}/config/datasets/NAME --recursive`",
        "Look: ${local.zone_link.ledger}config/datasets/",
      ]
    },
    {
      for name, function in local.function_name : "${name}-errors" => [
        "What: function ${name} failed as a whole. What it was asked is tried again.",
        "Where: ${function}, log group ${local.log_group[name]}.",
        "Do: `${local.command.errors[name]}` says why. What fails for good is told by another message.",
        "Look: ${local.errors_link[name]}",
      ]
    },
    {
      for name in keys(local.work) : "${name}-oldest-message" => [
        "What: a message waits for over ${var.oldest_message_minutes} minutes: function ${name} is not called, or fails at it again and again. It is lost after four days; the next sweep makes it good.",
        "Where: queue ${local.queue_name[name]}, function ${local.function_name[name]}.",
        "Do: `aws lambda list-event-source-mappings --region ${local.region} --function-name ${local.function_name[name]}:${local.alias}` says whether it is called (Enabled), `${local.command.errors[name]}` why it fails.",
        "Look: ${local.errors_link[name]}",
      ]
    },
    {
      for dataset, days in local.quiet_days : "${dataset}-no-new-data" => concat(
        [
          "What: the newest data of ${dataset}.${local.measures[dataset]} is more than ${days} days old, or no sweep has reported its age for a day.",
          "Where: dataset ${dataset}, bucket ${local.bucket_name.raw}.",
        ],
        contains(local.configured, dataset) ? [
          "Do: `${local.command.invoke.ingest} '{\"source\":\"${dataset}\"}' /dev/stdout` fetches it, or says what is wrong with the API. `${local.command.invoke.clean} '{\"stale\":true,\"dataset\":\"${dataset}\"}' /dev/stdout` cleans what waits, and reports the age.",
          "Look: ${local.errors_link.ingest}",
          ] : [
          "Do: has anybody uploaded? If not: `aws s3 cp FILE s3://${local.bucket_name.raw}/${dataset}/`. If so: `${local.command.invoke.clean} '{\"stale\":true,\"dataset\":\"${dataset}\"}' /dev/stdout` cleans what waits, and reports the age.",
          "Look: ${local.zone_link.raw}${dataset}/",
        ],
      )
    },
    {
      for dataset in local.dataset_names : "${dataset}-rejects" => [
        "What: over ${var.reject_share_percent} % of an hour's rows of ${dataset} were rejected.",
        "Where: dataset ${dataset}, bucket ${local.bucket_name.rejection}: each row with its reason.",
        "Do: with the environment of `terraform -chdir=infra output -json lake_settings`, `tributary status ${dataset}` counts them by reason, and `tributary explain REASON` says what to do. Mend the source and upload again, or the rule and `tributary replay --dataset ${dataset}`",
        "Look: ${local.zone_link.rejection}${dataset}/",
      ]
    },
  )
}

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
      local.tls_only[local.topic_arn],
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
      local.events_publish[local.topic_arn],
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
  alarm_description   = local.alarm_text["${each.key}-not-empty"]
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
  alarm_description   = local.alarm_text["${each.key}-errors"]
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
  alarm_description   = local.alarm_text["${each.key}-oldest-message"]
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
  alarm_description   = local.alarm_text["broken-datasets"]
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
  # in UTC; a day is written as a number, 20261221, and a day of any year as 1221.
  rests = {
    for dataset, days in local.quiet_days : dataset => concat(
      [
        for rest in [
          for month in try(var.holidays[dataset].months, []) : {
            from = month * 100 + 1
            # Of a year without a 29 February, which is the later day. Who rests for almost a year always rests.
            to     = tonumber(formatdate("MMDD", timeadd(timeadd("2001-${format("%02d", month % 12 + 1)}-01T00:00:00Z", "-24h"), "${24 * days}h")))
            always = days > 365 - 31
          }
        ] : rest.always ? "inyear > 0" : rest.from <= rest.to ? "(inyear >= ${rest.from} && inyear <= ${rest.to})" : "(inyear >= ${rest.from} || inyear <= ${rest.to})"
      ],
      [
        for rest in try(var.holidays[dataset].days, []) :
        "(today >= ${replace(rest.from, "-", "")} && today <= ${formatdate("YYYYMMDD", timeadd("${rest.to}T00:00:00Z", "${24 * days}h"))})"
      ],
    )
  }
  age_expression = {
    for dataset, rests in local.rests : dataset => length(rests) == 0 ? "FILL(age, 9999)" : "IF(${join(" || ", rests)}, 0, FILL(age, 9999))"
  }
}

# The sweep reports the age of each table's newest data twice a day, whether there is news or not. So any 24 hours have a value,
# and where there is none, no sweep has run: FILL makes that an alarm at once, as CloudWatch would else look for older values.
resource "aws_cloudwatch_metric_alarm" "no_new_data" {
  for_each = local.quiet_days

  alarm_name          = "${var.name_prefix}-${each.key}-no-new-data"
  alarm_description   = local.alarm_text["${each.key}-no-new-data"]
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
    expression  = local.age_expression[each.key]
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { for id, expression in { inyear = "MONTH(age) * 100 + DATE(age)", today = "YEAR(age) * 10000 + MONTH(age) * 100 + DATE(age)" } : id => expression if strcontains(local.age_expression[each.key], "${id} ") }
    content {
      id         = metric_query.key
      label      = metric_query.key
      expression = metric_query.value
    }
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

  lifecycle {
    precondition {
      condition     = length(local.age_expression[each.key]) <= 2048
      error_message = "The holidays of ${each.key} are too many for an expression of CloudWatch, which has 2,048 characters: ${length(local.rests[each.key])} of them. Leave out days that are over, or join those with few days between them."
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "rejects" {
  for_each = toset(local.dataset_names)

  alarm_name          = "${var.name_prefix}-${each.key}-rejects"
  alarm_description   = local.alarm_text["${each.key}-rejects"]
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
