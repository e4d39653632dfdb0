# Once a week, if asked for, a message of how each dataset does: rows of the last seven days, age of the newest data, its page, and
# the alarms that ring. Step Functions asks CloudWatch and writes the text, in JSONata: no function of ours has a part in it.

locals {
  digest     = var.digest == null ? {} : { digest = var.digest }
  digest_arn = "arn:${local.partition}:states:${local.region}:${local.account}:stateMachine:${var.name_prefix}-digest"

  # Where a dataset's page opens. Of own datasets it is not known whether they have one: their folder shows it.
  digest_page = {
    for dataset in local.dataset_names : dataset => (
      try(var.digest.pages, null) != null ? "${trimsuffix(var.digest.pages, "/")}/${dataset}/report.html" :
      contains(keys(local.built_in), dataset) ? "${local.console}/s3/object/${local.bucket_name.consumption}?region=${local.region}&prefix=${dataset}/report.html" :
      "${local.zone_link.consumption}${dataset}/"
    )
  }
  digest_datasets = [
    for i, dataset in local.dataset_names : {
      name     = dataset
      page     = local.digest_page[dataset]
      read     = "read${i}"
      rejected = "rejected${i}"
      tables   = [for j, table in local.aged[dataset] : { name = table, age = "age${i}_${j}" }]
    }
  ]
  digest_metrics = concat(
    flatten([for i, dataset in local.dataset_names : [
      { id = "read${i}", name = "RowsRead", stat = "Sum", dimensions = { Function = "clean", Dataset = dataset } },
      { id = "rejected${i}", name = "RowsRejected", stat = "Sum", dimensions = { Function = "clean", Dataset = dataset } },
    ]]),
    flatten([for i, dataset in local.dataset_names : [
      for j, table in local.aged[dataset] : { id = "age${i}_${j}", name = "NewestDataAge", stat = "Maximum", dimensions = { Dataset = dataset, Table = table } }
    ]]),
  )

  # The sum of a metric's hours, and the newest of them. Values are numbers; an emulator has texts, and an empty one for none.
  digest_text = <<-EOT
    (
      $week := "the week to " & $substring($states.context.Execution.StartTime, 0, 10);
      $values := function($id) { $lookup($numbers, $id)[$ != ""].$number($) };
      $all := function($id) { $sum($append(0, $values($id))) };
      $newest := function($id) { ($times := $lookup($stamps, $id); $times[0] < $times[-1] ? $values($id)[-1] : $values($id)[0]) };
      $grouped := function($number) { $formatNumber($number, "#,##0") };
      $days := function($age) { $exists($age) ? "newest data " & $string($floor($age)) & ($floor($age) = 1 ? " day old" : " days old") : "age of the newest data not reported" };
      $is_known := function($dataset) { $all($dataset.read) > 0 or $count($dataset.tables.($newest(age))) > 0 };
      $join([
        "Lake ${var.name_prefix}: " & $week,
        "",
        $datasets[$is_known($)].(
          name & "\n" &
          ($all(read) = 0 ? "  no rows came" : "  " & $grouped($all(read)) & " rows came, " & $grouped($all(rejected)) & " of them rejected") & "\n" &
          $join(tables.("  " & name & ": " & $days($newest(age)) & "\n")) &
          "  " & page & "\n"
        ),
        $datasets[$not($is_known($))] ? "No rows and no data of: " & $join($datasets[$not($is_known($))].name, ", ") & "\n",
        "Alarms that ring: " & ($count($ringing) = 0 ? "none" : $join($ringing, ", ") & ". The mail of each says what to do."),
        "All pages and models: ${local.zone_link.consumption}",
        "A link to a page for those who cannot sign in: aws s3 presign s3://${local.bucket_name.consumption}/DATASET/report.html --region ${local.region} --expires-in 86400"
      ], "\n")
    )
  EOT

  digest_steps = merge(
    {
      Numbers = {
        Type     = "Task"
        Resource = "arn:${local.partition}:states:::aws-sdk:cloudwatch:getMetricData"
        Arguments = {
          StartTime = "{% $fromMillis($toMillis($states.context.Execution.StartTime) - 7 * 86400000) %}"
          EndTime   = "{% $states.context.Execution.StartTime %}"
          MetricDataQueries = [for metric in local.digest_metrics : {
            Id = metric.id
            MetricStat = {
              Metric = { Namespace = "Tributary", MetricName = metric.name, Dimensions = [for name, value in metric.dimensions : { Name = name, Value = value }] }
              Period = 3600
              Stat   = metric.stat
            }
          }]
        }
        Assign = {
          numbers  = "{% $merge($states.result.MetricDataResults.{ Id: Values }) %}"
          stamps   = "{% $merge($states.result.MetricDataResults.{ Id: Timestamps }) %}"
          datasets = local.digest_datasets
        }
        Retry = local.digest_retry
        Next  = "Alarms"
      }
      Alarms = {
        Type      = "Task"
        Resource  = "arn:${local.partition}:states:::aws-sdk:cloudwatch:describeAlarms"
        Arguments = { StateValue = "ALARM", AlarmNamePrefix = "${var.name_prefix}-", AlarmTypes = ["MetricAlarm"], MaxRecords = 100 }
        # Another lake's name may begin with this one's.
        Assign = { ringing = "{% [$states.result.MetricAlarms[AlarmName in ${jsonencode(local.alarm_names)}].AlarmName] %}" }
        Retry  = local.digest_retry
        Next   = "Text"
      }
      Text = {
        Type   = "Pass"
        Assign = { text = "{% ${local.digest_text} %}" }
        Next   = "Mail"
      }
      Mail = merge({
        Type      = "Task"
        Resource  = "arn:${local.partition}:states:::sns:publish"
        Arguments = { TopicArn = local.topic_arn, Subject = "The week of lake ${var.name_prefix}", Message = "{% $text %}" }
        Retry     = local.digest_retry
      }, var.slack == null ? { End = true } : { Next = "Chat" })
    },
    var.slack == null ? {} : {
      Chat = {
        Type     = "Task"
        Resource = "arn:${local.partition}:states:::sns:publish"
        Arguments = {
          TopicArn = local.chat_topic_arn
          Message  = "{% $string({ \"version\": \"1.0\", \"source\": \"custom\", \"content\": { \"textType\": \"client-markdown\", \"title\": \"The week of lake ${var.name_prefix}\", \"description\": $text } }) %}"
        }
        Retry = local.digest_retry
        End   = true
      }
    },
  )
  digest_retry = [{ ErrorEquals = ["States.TaskFailed"], IntervalSeconds = 30, MaxAttempts = 3, BackoffRate = 2 }]

  # By AWS's list of actions only metrics have nothing finer than *.
  digest_rights = concat([
    { actions = ["cloudwatch:GetMetricData"], resources = ["*"] },
    { actions = ["cloudwatch:DescribeAlarms"], resources = ["arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:*"] },
    { actions = ["sns:Publish"], resources = concat([local.topic_arn], var.slack == null ? [] : [local.chat_topic_arn]) },
  ], local.key)

  # One that fails says so: see messages.tf.
  digest_message = {
    for name in keys(local.digest) : name => {
      bus = "default"
      pattern = {
        source      = ["aws.states"]
        detail-type = ["Step Functions Execution Status Change"]
        detail      = { stateMachineArn = [local.digest_arn], status = ["ABORTED", "FAILED", "TIMED_OUT"] }
      }
      paths = { id = "$.detail.executionArn", status = "$.detail.status" }
      text = [
        "What: the weekly digest was not sent (<status>).",
        "Where: lake ${var.name_prefix}, <id>",
        "Do: `aws stepfunctions describe-execution --region ${local.region} --execution-arn <id>` says why. Mend the cause, then: `aws stepfunctions start-execution --region ${local.region} --state-machine-arn ${local.digest_arn}`",
        "Look: ${local.console}/states/home?region=${local.region}#/statemachines/view/${local.digest_arn}",
      ]
      chat = {
        title = ":warning: The weekly digest was not sent (<status>)"
        text  = "Lake ${var.name_prefix}, <id>. ${local.console}/states/home?region=${local.region}#/statemachines/view/${local.digest_arn}"
        next  = ["Mend the cause, then: `aws stepfunctions start-execution --region ${local.region} --state-machine-arn ${local.digest_arn}`"]
      }
    }
  }
}

resource "aws_sfn_state_machine" "digest" {
  #checkov:skip=CKV_AWS_284:No tracing - four steps a week, and its console shows each of the last 90 days
  #checkov:skip=CKV_AWS_285:No log - as above, and a digest that fails sends a message
  for_each = local.digest

  name     = "${var.name_prefix}-${each.key}"
  role_arn = aws_iam_role.lake[each.key].arn
  tags     = local.tags
  definition = jsonencode({
    Comment        = "The weekly digest"
    QueryLanguage  = "JSONata"
    TimeoutSeconds = 900
    StartAt        = "Numbers"
    States         = local.digest_steps
  })

  dynamic "encryption_configuration" {
    for_each = var.kms_key == null ? [] : [var.kms_key]
    content {
      type       = "CUSTOMER_MANAGED_KMS_KEY"
      kms_key_id = encryption_configuration.value
    }
  }

  depends_on = [aws_iam_role_policy.lake]
}

resource "aws_scheduler_schedule" "digest" {
  #checkov:skip=CKV_AWS_297:There is no payload - a key only where kms_key is given
  for_each = local.digest

  name                         = each.key
  group_name                   = aws_scheduler_schedule_group.lake.name
  schedule_expression          = "cron(0 ${each.value.hour} ? * ${each.value.day} *)"
  schedule_expression_timezone = each.value.time_zone
  kms_key_arn                  = var.kms_key

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.digest[each.key].arn
    role_arn = aws_iam_role.lake["schedule"].arn
    input    = "{}"

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
