# raw ─> clean, and ledger (a raw object is clean) ─> aggregate: both S3 ─> queue ─> function, with a dead-letter queue.
# A third dead-letter queue, failed-runs, has no queue before it: see schedules.tf, messages.tf and batch.tf.

locals {
  # What S3 tells to whom. Deleted raw objects are news as well: what was made of them goes too.
  work = {
    clean     = { bucket = "raw", prefix = "" }
    aggregate = { bucket = "ledger", prefix = "raw/" }
  }

  queue_policy = {
    for name, senders in {
      clean          = [{ service = "s3.amazonaws.com", source = local.bucket_arn.raw }]
      clean-dead     = []
      aggregate      = [{ service = "s3.amazonaws.com", source = local.bucket_arn.ledger }]
      aggregate-dead = []
      failed-runs    = [for source in concat(["${local.rule_arn}/${local.bus_name.runs}/${var.name_prefix}-run-failed"], var.batch ? [local.job_failed_rule_arn] : []) : { service = "events.amazonaws.com", source = source }]
      } : name => jsonencode({
        Version = "2012-10-17"
        Statement = concat(
          [{
            Sid       = "TlsOnly"
            Effect    = "Deny"
            Principal = "*"
            Action    = "sqs:*"
            Resource  = local.queue_arn[name]
            Condition = { Bool = { "aws:SecureTransport" = "false" } }
          }],
          [for sender in senders : {
            Sid       = "Sender"
            Effect    = "Allow"
            Principal = { Service = sender.service }
            Action    = "sqs:SendMessage"
            Resource  = local.queue_arn[name]
            Condition = {
              ArnEquals    = { "aws:SourceArn" = sender.source }
              StringEquals = { "aws:SourceAccount" = local.account }
            }
          }],
        )
    })
  }

  queue_url = merge(
    { for name, queue in aws_sqs_queue.work : name => queue.url },
    { for name, queue in aws_sqs_queue.dead : name => queue.url },
  )
}

resource "aws_sqs_queue" "dead" {
  for_each = toset(["clean-dead", "aggregate-dead", "failed-runs"])

  name                      = local.queue_name[each.key]
  message_retention_seconds = 1209600 # 14 days, the most there is
  sqs_managed_sse_enabled   = var.kms_key == null ? true : null
  kms_master_key_id         = var.kms_key
  tags                      = local.tags
}

resource "aws_sqs_queue" "work" {
  for_each = local.work

  name                      = local.queue_name[each.key]
  message_retention_seconds = 345600 # 4 days
  sqs_managed_sse_enabled   = var.kms_key == null ? true : null
  kms_master_key_id         = var.kms_key
  tags                      = local.tags

  visibility_timeout_seconds = coalesce(
    var.retry_after_seconds,
    6 * var.functions[each.key].timeout + (each.key == "aggregate" ? var.aggregate_delay_seconds : 0),
  )

  redrive_policy = jsonencode({
    deadLetterTargetArn = local.queue_arn["${each.key}-dead"]
    maxReceiveCount     = 5
  })

  depends_on = [aws_sqs_queue.dead]
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  for_each = aws_sqs_queue.dead

  queue_url = each.value.id
  redrive_allow_policy = jsonencode(merge(
    { redrivePermission = each.key == "failed-runs" ? "denyAll" : "byQueue" },
    each.key == "failed-runs" ? {} : { sourceQueueArns = [local.queue_arn[trimsuffix(each.key, "-dead")]] },
  ))
}

resource "aws_sqs_queue_policy" "lake" {
  for_each = local.queue_policy

  queue_url = local.queue_url[each.key]
  policy    = each.value
}

resource "aws_s3_bucket_notification" "news" {
  for_each = local.work

  bucket      = local.bucket_name[each.value.bucket]
  eventbridge = each.value.bucket == "raw" && var.raw_events_to_eventbridge

  queue {
    id            = each.key
    queue_arn     = aws_sqs_queue.work[each.key].arn
    events        = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
    filter_prefix = each.value.prefix
  }

  depends_on = [aws_s3_bucket.lake, aws_sqs_queue_policy.lake]
}
