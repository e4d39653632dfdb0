resource "aws_cloudwatch_log_group" "lake" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts logs with its own key unless kms_key is given
  #checkov:skip=CKV_AWS_338:A year of logs is no use here - what went in and out is in the ledger for good
  for_each = local.log_group

  name              = each.value
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key
  tags              = local.tags
}

resource "aws_lambda_function" "lake" {
  #checkov:skip=CKV_AWS_50:No tracing - one function per step, and its metrics and logs say where the time went
  #checkov:skip=CKV_AWS_115:No reserved concurrency - new accounts have ten in all and may not reserve any; queues limit instead
  #checkov:skip=CKV_AWS_116:aws_lambda_function_event_invoke_config sends failed runs to a bus, and that to a queue
  #checkov:skip=CKV_AWS_117:Nothing private to reach unless functions_network is given - a NAT gateway costs more than all else
  #checkov:skip=CKV_AWS_173:No secret is in the environment - it holds bucket names and limits
  #checkov:skip=CKV_AWS_272:Packages are built from this repository, byte for byte the same for the same commit, and hashed here
  for_each = var.functions

  function_name = local.function_name[each.key]
  description = {
    ingest    = "API -> raw zone"
    clean     = "raw object -> standard and rejection zones"
    aggregate = "standard -> consumption zone"
  }[each.key]

  role          = aws_iam_role.lake[each.key].arn
  runtime       = "provided.al2023"
  handler       = "bootstrap"
  architectures = [var.architecture]
  memory_size   = each.value.memory
  timeout       = each.value.timeout

  filename         = "${var.packages_dir}/${each.key}.zip"
  source_code_hash = fileexists("${var.packages_dir}/${each.key}.zip") ? filebase64sha256("${var.packages_dir}/${each.key}.zip") : null

  kms_key_arn = var.kms_key
  tags        = local.tags

  # Each change is a version: what was deployed before is there to go back to (function_versions).
  publish = true

  ephemeral_storage {
    size = each.value.tmp
  }

  environment {
    variables = merge(local.settings, each.key == "aggregate" ? merge(local.personal_settings, local.catalog_settings) : {}, local.log_settings)
  }

  dynamic "vpc_config" {
    for_each = var.functions_network == null ? [] : [var.functions_network]
    content {
      subnet_ids         = vpc_config.value.subnets
      security_group_ids = vpc_config.value.security_groups
    }
  }

  # The functions write JSON lines themselves. Lambda's own JSON format would filter them by level, and lines of metrics have none.
  logging_config {
    log_group  = aws_cloudwatch_log_group.lake[each.key].name
    log_format = "Text"
  }

  lifecycle {
    precondition {
      condition     = fileexists("${var.packages_dir}/${each.key}.zip")
      error_message = "${var.packages_dir}/${each.key}.zip is not there: run `make package` first."
    }

    # What `make package` notes beside them
    precondition {
      condition     = !fileexists("${var.packages_dir}/architecture") || try(trimspace(file("${var.packages_dir}/architecture")), "") == var.architecture
      error_message = "The packages in ${var.packages_dir} are for ${try(trimspace(file("${var.packages_dir}/architecture")), "another architecture")}, and architecture is ${var.architecture}: run `make package ARCHITECTURE=${var.architecture}`, or set architecture."
    }
  }

  depends_on = [aws_iam_role_policy.lake]
}

# Queues and schedules call the alias: to go back to an earlier version is one variable, and no new package.
resource "aws_lambda_alias" "live" {
  for_each = aws_lambda_function.lake

  name             = local.alias
  function_name    = each.value.function_name
  function_version = lookup(var.function_versions, each.key, each.value.version)
}

# Schedules call asynchronously. Two more tries; what still fails is kept with its request, and people are told: messages.tf.
resource "aws_lambda_function_event_invoke_config" "lake" {
  for_each = aws_lambda_alias.live

  function_name                = each.value.function_name
  qualifier                    = each.value.name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600

  destination_config {
    on_failure {
      destination = aws_cloudwatch_event_bus.runs.arn
    }
  }
}

resource "aws_lambda_event_source_mapping" "clean" {
  event_source_arn        = aws_sqs_queue.work["clean"].arn
  function_name           = aws_lambda_alias.live["clean"].arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]
  tags                    = local.tags

  scaling_config {
    maximum_concurrency = var.clean_concurrency
  }
}

# Aggregate follows clean: each ledger entry of a raw object is a message, and one run takes what a minute gathers. It looks at
# the ledger, not at the message, so it does not matter how many there are; a run that fails leaves all of them for the next.
resource "aws_lambda_event_source_mapping" "aggregate" {
  event_source_arn                   = aws_sqs_queue.work["aggregate"].arn
  function_name                      = aws_lambda_alias.live["aggregate"].arn
  batch_size                         = 1000
  maximum_batching_window_in_seconds = var.aggregate_delay_seconds
  tags                               = local.tags

  scaling_config {
    maximum_concurrency = 2 # the least there is
  }
}
