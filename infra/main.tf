# One lake in one account and region, with its state in S3. All of it is in modules/lake, which other configurations call as
# well: providers and the backend are only here.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.19"
    }
  }

  # Bucket, key and region come from backend.hcl: see "Where the state lives" in README.md.
  backend "s3" {}
}

provider "aws" {
  region = var.region
}

module "lake" {
  source = "./modules/lake"

  name_prefix               = var.name_prefix
  region_in_names           = var.region_in_names
  tags                      = var.tags
  force_destroy             = var.force_destroy
  emulator                  = var.emulator
  role_path                 = var.role_path
  permissions_boundary      = var.permissions_boundary
  kms_key                   = var.kms_key
  buckets                   = var.buckets
  job_network               = var.job_network
  functions_network         = var.functions_network
  raw_events_to_eventbridge = var.raw_events_to_eventbridge
  readers                   = var.readers
  analysts                  = var.analysts
  packages_dir              = coalesce(var.packages_dir, "${path.module}/../target/lambda")
  architecture              = var.architecture
  functions                 = var.functions
  irceline_url              = var.irceline_url
  illuminate_url            = var.illuminate_url
  illuminate_secret         = var.illuminate_secret
  codetrack_url             = var.codetrack_url
  personal_key_secret       = var.personal_key_secret
  secrets_kms_key           = var.secrets_kms_key
  datasets                  = var.datasets
  own_datasets_file         = var.own_datasets_file
  own_datasets              = var.own_datasets
  daily_since               = var.daily_since
  function_versions         = var.function_versions
  log_level                 = var.log_level
  log_retention_days        = var.log_retention_days
  schedules                 = var.schedules
  sweep                     = var.sweep
  fresh                     = var.fresh
  holidays                  = var.holidays
  aggregate_delay_seconds   = var.aggregate_delay_seconds
  clean_concurrency         = var.clean_concurrency
  retry_after_seconds       = var.retry_after_seconds
  batch                     = var.batch
  image_tag                 = var.image_tag
  job                       = var.job
  batch_above_bytes         = var.batch_above_bytes
  batch_above_days          = var.batch_above_days
  raw_old_versions_days     = var.raw_old_versions_days
  raw_cheaper_after_days    = var.raw_cheaper_after_days
  alarm_email               = var.alarm_email
  slack                     = var.slack
  digest                    = var.digest
  reject_share_percent      = var.reject_share_percent
  dashboard                 = var.dashboard
  registered_partitions     = var.registered_partitions
  oldest_message_minutes    = var.oldest_message_minutes
}
