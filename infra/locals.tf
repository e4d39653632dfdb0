data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

# Names and ARNs are put together here, so that a plan shows every policy in full before anything exists.
locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition

  datasets = jsondecode(file("${path.module}/datasets.json"))
  sources  = sort([for name, dataset in local.datasets : name if dataset.source])

  # Those that only the lake's config/datasets/ declares have keys and rights like the others.
  dataset_names = distinct(concat(keys(local.datasets), var.own_datasets))

  # Sources whose settings are given; only these are asked at night.
  configured = setsubtract(local.sources, concat(
    var.illuminate_url == null || var.illuminate_secret == null ? ["illuminate"] : [],
    var.codetrack_url == null ? ["codetrack"] : [],
  ))

  packages_dir = coalesce(var.packages_dir, "${path.module}/../target/lambda")

  # The ledger's bucket is also the lake's root: config/ and batch/ (manifests) stand beside the ledger's raw/ and consumption/.
  zones       = ["raw", "standard", "rejection", "consumption", "ledger"]
  bucket_name = { for name in concat(local.zones, ["athena", "logs"]) : name => "${var.name_prefix}-${local.account}-${name}" }
  bucket_arn  = { for name, bucket in local.bucket_name : name => "arn:${local.partition}:s3:::${bucket}" }

  queue_name = { for name in ["clean", "clean-dead", "aggregate", "aggregate-dead", "failed-runs"] : name => "${var.name_prefix}-${name}" }
  queue_arn  = { for name, queue in local.queue_name : name => "arn:${local.partition}:sqs:${var.region}:${local.account}:${queue}" }

  function_name = { for name in keys(var.functions) : name => "${var.name_prefix}-${name}" }
  function_arn = {
    for name, function in local.function_name : name => "arn:${local.partition}:lambda:${var.region}:${local.account}:function:${function}"
  }

  log_group = merge(
    { for name, function in local.function_name : name => "/aws/lambda/${function}" },
    { job = "/aws/batch/${var.name_prefix}-job" },
  )
  log_group_arn = {
    for name, group in local.log_group : name => "arn:${local.partition}:logs:${var.region}:${local.account}:log-group:${group}"
  }

  job_name       = "${var.name_prefix}-job" # queue, definition, compute environment and repository of the Batch job
  batch_arn      = "arn:${local.partition}:batch:${var.region}:${local.account}"
  repository_arn = "arn:${local.partition}:ecr:${var.region}:${local.account}:repository/${local.job_name}"
  topic_arn      = "arn:${local.partition}:sns:${var.region}:${local.account}:${var.name_prefix}-alarms"

  # What functions and job are told about the lake; the same names as on the command line.
  settings = merge(
    {
      LAKE_URL             = "s3://${local.bucket_name.ledger}"
      BATCH_JOB_QUEUE      = local.job_name
      BATCH_JOB_DEFINITION = local.job_name
      BATCH_ABOVE_BYTES    = tostring(var.batch_above_bytes)
      BATCH_ABOVE_DAYS     = tostring(var.batch_above_days)
    },
    { for zone in local.zones : "${upper(zone)}_URL" => "s3://${local.bucket_name[zone]}" },
    {
      for name, value in {
        IRCELINE_URL      = var.irceline_url
        ILLUMINATE_URL    = var.illuminate_url
        ILLUMINATE_SECRET = var.illuminate_secret
        CODETRACK_URL     = var.codetrack_url
      } : name => value if value != null
    },
  )

  # Only who makes models is told of the key of personal values' hashes.
  personal_settings = var.personal_key_secret == null ? {} : { PERSONAL_KEY_SECRET = var.personal_key_secret }
}
