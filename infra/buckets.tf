# One bucket per zone, one for Athena's results, one for access logs.
#
# Encryption is SSE-S3: free, on for every object, nothing to rotate. A KMS key of our own would cost more per month than all
# else together and gives one more policy to get wrong; who may read is decided by the roles in iam.tf either way. A lake with
# personal data that wants reading logged and revocable per key sets aws:kms here and gives the roles that key.

resource "aws_s3_bucket" "lake" {
  #checkov:skip=CKV_AWS_144:No copy in a second region - raw can be fetched again, the rest is made again from raw
  #checkov:skip=CKV_AWS_145:SSE-S3 on purpose - see the head of this file
  #checkov:skip=CKV_AWS_18:The log bucket cannot log into itself - all others do
  #checkov:skip=CKV2_AWS_62:Only raw and ledger have somebody who listens
  for_each = local.bucket_name

  bucket        = each.value
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_server_side_encryption_configuration" "lake" {
  for_each = aws_s3_bucket.lake

  bucket = each.value.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "lake" {
  for_each = aws_s3_bucket.lake

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "lake" {
  for_each = aws_s3_bucket.lake

  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "lake" {
  for_each = aws_s3_bucket.lake

  bucket = each.value.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_logging" "lake" {
  for_each = { for name, bucket in aws_s3_bucket.lake : name => bucket if name != "logs" }

  bucket        = each.value.id
  target_bucket = aws_s3_bucket.lake["logs"].id
  target_prefix = "${each.key}/"

  depends_on = [aws_s3_bucket_policy.lake]
}

resource "aws_s3_bucket_policy" "lake" {
  for_each = aws_s3_bucket.lake

  bucket = each.value.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.bucket_arn[each.key], "${local.bucket_arn[each.key]}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
      each.key != "logs" ? [] : [{
        Sid       = "AccessLogs"
        Effect    = "Allow"
        Principal = { Service = "logging.s3.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = ["${local.bucket_arn.logs}/*"]
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      }],
    )
  })

  depends_on = [aws_s3_bucket_public_access_block.lake]
}

locals {
  # Days after which objects, or those under a prefix, go. Zones keep theirs for good.
  expiry = {
    athena = { prefix = "", days = 7 }
    logs   = { prefix = "", days = 90 }
    ledger = { prefix = "batch/", days = 90 }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "lake" {
  for_each = aws_s3_bucket.lake

  bucket                                 = each.value.id
  transition_default_minimum_object_size = "all_storage_classes_128K" # smaller ones cost more to move than they save

  rule {
    id     = "old-versions"
    status = "Enabled"
    filter {}

    noncurrent_version_expiration {
      noncurrent_days = each.key == "raw" ? var.raw_old_versions_days : 7
    }

    expiration {
      expired_object_delete_marker = true
    }
  }

  rule {
    id     = "aborted-uploads"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 3
    }
  }

  dynamic "rule" {
    for_each = each.key == "raw" ? [var.raw_cheaper_after_days] : []
    content {
      id     = "cheaper"
      status = "Enabled"
      filter {}

      transition {
        days          = rule.value.standard_ia
        storage_class = "STANDARD_IA"
      }

      transition {
        days          = rule.value.glacier_ir
        storage_class = "GLACIER_IR"
      }
    }
  }

  dynamic "rule" {
    for_each = contains(keys(local.expiry), each.key) ? [local.expiry[each.key]] : []
    content {
      id     = "expiry"
      status = "Enabled"

      filter {
        prefix = rule.value.prefix
      }

      expiration {
        days = rule.value.days
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.lake]
}
