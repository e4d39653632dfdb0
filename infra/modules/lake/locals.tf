data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

# Names and ARNs are put together here, so that a plan shows every policy in full before anything exists.
locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region
  tags      = merge({ project = "tributary", deployment = var.name_prefix }, var.tags)

  # Of what an account has once for all regions
  suffix = var.region_in_names ? "-${local.region}" : ""

  built_in = jsondecode(file("${path.module}/datasets.json"))
  sources  = sort([for name, dataset in local.built_in : name if dataset.source])

  # The lake's own declaration of a dataset goes before the built-in one.
  exported = try(fileexists(var.own_datasets_file), false) ? jsondecode(file(var.own_datasets_file)) : {}
  datasets = merge(
    { for name, dataset in local.built_in : name => dataset if var.datasets == null || contains(coalesce(var.datasets, []), name) },
    local.exported,
  )

  # What has personal values: prefixes of keys below each dataset, by zone. Of a dataset of which they are not known, all of it.
  known = merge(local.built_in, local.exported)
  personal = {
    for zone in ["standard", "consumption"] : zone => concat(
      zone == "consumption" ? ["*/_personal/*"] : [],
      flatten([for name, dataset in local.known : [for prefix in try(dataset.personal[zone], [""]) : "${name}/${prefix}*"]]),
      [for name in sort(setsubtract(var.own_datasets, keys(local.known))) : "${name}/*"],
    )
  }

  dataset_names = sort(distinct(concat(keys(local.datasets), var.own_datasets)))

  # Sources whose settings are given; only these are asked at night.
  configured = setsubtract(setintersection(local.sources, local.dataset_names), concat(
    var.illuminate_url == null || var.illuminate_secret == null ? ["illuminate"] : [],
    var.codetrack_url == null ? ["codetrack"] : [],
  ))

  # The ledger's bucket is also the lake's root: config/ and batch/ (manifests) stand beside the ledger's raw/ and consumption/.
  zones       = ["raw", "standard", "rejection", "consumption", "ledger"]
  own_buckets = { for name in concat(local.zones, ["athena", "logs"]) : name => "${var.name_prefix}-${local.account}${local.suffix}-${name}" if !contains(keys(var.buckets), name) }
  bucket_name = merge(local.own_buckets, var.buckets)
  bucket_arn  = { for name, bucket in local.bucket_name : name => "arn:${local.partition}:s3:::${bucket}" }

  queue_name = { for name in ["clean", "clean-dead", "aggregate", "aggregate-dead", "failed-runs"] : name => "${var.name_prefix}-${name}" }
  queue_arn  = { for name, queue in local.queue_name : name => "arn:${local.partition}:sqs:${local.region}:${local.account}:${queue}" }

  function_name = { for name in keys(var.functions) : name => "${var.name_prefix}-${name}" }
  function_arn = {
    for name, function in local.function_name : name => "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${function}"
  }
  alias = "live" # what schedules and queues call

  log_group = merge(
    { for name, function in local.function_name : name => "/aws/lambda/${function}" },
    var.batch ? { job = "/aws/batch/${var.name_prefix}-job" } : {},
  )
  log_group_arn = {
    for name, group in local.log_group : name => "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${group}"
  }

  job_name       = "${var.name_prefix}-job" # queue, definition, compute environment and repository of the Batch job
  batch_arn      = "arn:${local.partition}:batch:${local.region}:${local.account}"
  repository_arn = "arn:${local.partition}:ecr:${local.region}:${local.account}:repository/${local.job_name}"
  topic_arn      = "arn:${local.partition}:sns:${local.region}:${local.account}:${var.name_prefix}-alarms"
  chat_topic_arn = "arn:${local.partition}:sns:${local.region}:${local.account}:${var.name_prefix}-chat"

  # A secret's ARN may lack the six letters that AWS adds to its name; of one that ends in six letters after a hyphen, such as
  # lake/illuminate-secret, nobody can tell.
  secret_arns = {
    for step, secret in { ingest = var.illuminate_secret, aggregate = var.personal_key_secret } : step => (
      secret == null ? [] : can(regex("-[A-Za-z0-9]{6}$", secret)) ? [secret, "${secret}-??????"] : ["${secret}-??????"]
    )
  }

  # What functions and job are told about the lake; the same names as on the command line.
  settings = merge(
    { LAKE_URL = "s3://${local.bucket_name.ledger}" },
    var.batch ? {
      BATCH_JOB_QUEUE      = local.job_name
      BATCH_JOB_DEFINITION = local.job_name
      BATCH_ABOVE_BYTES    = tostring(var.batch_above_bytes)
      BATCH_ABOVE_DAYS     = tostring(var.batch_above_days)
    } : {},
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

  # Only what makes models gets the key of personal values' hashes.
  personal_settings = var.personal_key_secret == null ? {} : { PERSONAL_KEY_SECRET = var.personal_key_secret }

  # Only it registers partitions, too: by then, those of both zones are committed.
  catalog_settings = var.registered_partitions ? { GLUE_DATABASE = local.glue_database } : {}

  # Functions and jobs log in the same way.
  log_settings = var.log_level == "INFO" ? {} : { RUST_LOG = lower(var.log_level) }
}

# Without force_destroy a destroy of the whole lake is refused, before anything is deleted: README.md, "Take it down".
#
# Nor is it made anew under other names: the plan of another prefix, region or bucket would destroy what it has, empty buckets and
# policies first. Each name has a guard that would be replaced with it.
resource "terraform_data" "keep" {
  count = var.force_destroy ? 0 : 1

  lifecycle {
    prevent_destroy = true
  }
}

resource "terraform_data" "names" {
  for_each = var.force_destroy ? {} : merge(local.own_buckets, { lake = "${var.name_prefix}${local.suffix} in ${local.region}" })

  triggers_replace = each.value

  lifecycle {
    prevent_destroy = true
  }
}
