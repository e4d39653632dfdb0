# What people read when something fails, beside the alarms: a message of each run of a function and each Batch job that failed for
# good. An alarm rings once and stays red; these say what failed each time. All go to the topic of the alarms.

locals {
  console_of = { aws-cn = "console.amazonaws.cn", aws-us-gov = "console.amazonaws-us-gov.com" }
  console    = "https://${lookup(local.console_of, local.partition, "${local.region}.console.aws.amazon.com")}"

  # Where to look: the errors of a day in Logs Insights, which writes * for the % of an URL; and a zone's bucket, to be followed
  # by a prefix.
  errors_query = replace(replace(urlencode("filter level = 'ERROR' | sort @timestamp desc"), "+", "*20"), "%", "*")
  errors_link = {
    for name, group in local.log_group : name =>
    "${local.console}/cloudwatch/home?region=${local.region}#logsV2:logs-insights$3FqueryDetail$3D~(end~0~start~-86400~timeType~'RELATIVE~unit~'seconds~editorString~'${local.errors_query}~source~(~'${replace(group, "/", "*2F")}))"
  }
  zone_link = { for zone, bucket in local.bucket_name : zone => "${local.console}/s3/buckets/${bucket}?region=${local.region}&prefix=" }

  # What to do: the same commands as in output `try`
  command = {
    errors = { for name, group in local.log_group : name => "aws logs tail ${group} --region ${local.region} --since 1d --filter-pattern ERROR" }
    invoke = { for name, function in local.function_name : name => "aws lambda invoke --region ${local.region} --function-name ${function}:${local.alias} --cli-binary-format raw-in-base64-out --payload" }
    queue  = { for name, queue in local.queue_name : name => "--region ${local.region} --queue-url $(aws sqs get-queue-url --region ${local.region} --queue-name ${queue} --output text)" }
  }

  # By what each is known, what it says, and what of the event that needs. `text` is for mail: a string per line, in quotes, as
  # EventBridge wants it. `chat` is what Amazon Q shows. EventBridge puts values in as they are, so `chat` has only such as cannot
  # hold a quote, and `text` may have errors.
  messages = merge(
    {
      for name, function in local.function_name : name => {
        bus = "runs"
        pattern = { detail = {
          requestContext  = { functionArn = [{ prefix = local.function_arn[name] }] }
          responsePayload = { errorMessage = [{ exists = true }] } # a run that could not be tried for hours has none
        } }
        paths = {
          asked   = "$.detail.requestPayload"
          error   = "$.detail.responsePayload.errorMessage"
          request = "$.detail.requestContext.requestId"
        }
        text = [
          "What: a run of function ${function} failed for good: <error>",
          "Where: lake ${var.name_prefix}, log group ${local.log_group[name]}, request <request>. It was asked: <asked>",
          "Do: `${local.command.errors[name]}` shows the errors. Mend the cause. ${local.again[name]}",
          "Look: ${local.errors_link[name]}",
        ]
        chat = {
          title = ":warning: A run of ${function} failed for good"
          text  = "Request <request> of lake ${var.name_prefix}, log group `${local.log_group[name]}`. Errors of the last day: ${local.errors_link[name]}"
          next  = ["`${local.command.errors[name]}`", "Mend the cause. ${local.again[name]}"]
        }
      }
    },
    !var.batch ? {} : {
      job = {
        bus = "default"
        # Of an array only the whole: its children would be up to 10,000 messages.
        pattern = merge(local.job_failed_pattern, { detail = merge(local.job_failed_pattern.detail, { arrayProperties = { index = [{ exists = false }] } }) })
        paths   = { id = "$.detail.jobId", name = "$.detail.jobName", reason = "$.detail.statusReason" }
        text = [
          "What: Batch job <name> failed after all its attempts: <reason>",
          "Where: lake ${var.name_prefix}, job <id> of queue ${local.job_name}, log group ${local.log_group.job}",
          "Do: `${local.command.errors.job}` shows the errors; `aws batch list-jobs --region ${local.region} --array-job-id <id> --job-status FAILED` shows which children of an array failed. Mend the cause. ${local.again.job}",
          "Look: ${local.errors_link.job}",
        ]
        chat = {
          title = ":warning: Batch job <name> failed"
          text  = "Job <id> of queue `${local.job_name}`, lake ${var.name_prefix}, failed after all its attempts. Errors of the last day: ${local.errors_link.job}"
          next  = ["`${local.command.errors.job}`", "Mend the cause. ${local.again.job}"]
        }
      }
    },
    local.digest_message,
  )

  # How what failed is done again
  again = {
    ingest    = "The next night fetches what is missing of the last days; at once: `terraform -chdir=infra output -json try` has the command (ingest_SOURCE)."
    clean     = "The next sweep cleans what is left, twice a day; at once: `terraform -chdir=infra output -json try` has the command (sweep)."
    aggregate = "The next sweep brings up to date what is stale, twice a day; at once: `terraform -chdir=infra output -json try` has the command (aggregate)."
    job       = "A job clean-... or aggregate-... is handed over again by the next sweep, twice a day; ask again for ingest-... and backfill-...: `tributary backfill SOURCE --from DATE --to DATE`"
  }

  bus_name = { default = "default", runs = "${var.name_prefix}-runs" }
  rule_arn = "arn:${local.partition}:events:${local.region}:${local.account}:rule"
  bus_arn  = "arn:${local.partition}:events:${local.region}:${local.account}:event-bus/${local.bus_name.runs}"

  # Who gets a message, and as what
  message_targets = merge(
    { for name, message in local.messages : name => { message = name, topic = local.topic_arn, template = join("\n", [for line in message.text : "\"${line}\""]) } },
    var.slack == null ? {} : {
      for name, message in local.messages : "${name}-chat" => {
        message = name
        topic   = local.chat_topic_arn
        # jsonencode writes < and > as codes, and EventBridge looks for them.
        template = replace(replace(jsonencode({
          version = "1.0"
          source  = "custom"
          content = { textType = "client-markdown", title = message.chat.title, description = message.chat.text, nextSteps = message.chat.next }
        }), "\\u003c", "<"), "\\u003e", ">")
      }
    },
  )
}

# Topics that rules publish to. By AWS's documentation EventBridge gives no source when it publishes to SNS: a statement with a
# condition on it would allow nothing.
locals {
  tls_only = {
    for topic in [local.topic_arn, local.chat_topic_arn] : topic => {
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sns:Publish"
      Resource  = topic
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }
  }
  events_publish = {
    for topic in [local.topic_arn, local.chat_topic_arn] : topic => {
      Sid       = "Messages"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = topic
    }
  }
}

# What Lambda tells of runs that failed for good: a bus of their own, as its senders may put anything on it. It keeps nothing.
resource "aws_cloudwatch_event_bus" "runs" {
  name = local.bus_name.runs
  tags = local.tags
}

# Each is kept whole.
resource "aws_cloudwatch_event_rule" "run_failed" {
  name           = "${var.name_prefix}-run-failed"
  description    = "A run of a function failed for good: kept in ${local.queue_name["failed-runs"]}"
  event_bus_name = aws_cloudwatch_event_bus.runs.name
  event_pattern  = jsonencode({ account = [local.account] })
  tags           = local.tags
}

resource "aws_cloudwatch_event_target" "run_failed" {
  rule           = aws_cloudwatch_event_rule.run_failed.name
  event_bus_name = aws_cloudwatch_event_bus.runs.name
  arn            = aws_sqs_queue.dead["failed-runs"].arn
}

resource "aws_cloudwatch_event_rule" "message" {
  for_each = local.messages

  name           = "${var.name_prefix}-${each.key}-message"
  description    = "Tells people that work failed: ${each.key}"
  event_bus_name = each.value.bus == "runs" ? aws_cloudwatch_event_bus.runs.name : "default"
  event_pattern  = jsonencode(each.value.pattern)
  tags           = local.tags
}

resource "aws_cloudwatch_event_target" "message" {
  for_each = local.message_targets

  rule           = aws_cloudwatch_event_rule.message[each.value.message].name
  event_bus_name = aws_cloudwatch_event_rule.message[each.value.message].event_bus_name
  target_id      = each.key
  arn            = each.value.topic

  input_transformer {
    input_paths    = local.messages[each.value.message].paths
    input_template = each.value.template
  }

  depends_on = [aws_sns_topic_policy.alarms, aws_sns_topic_policy.chat]
}
