# One bucket per zone, one for Athena's results, one for access logs.
#
# Encryption is SSE-S3 by default: free, on for every object, nothing to rotate. A KMS key costs more per month than a small
# lake, and who may read is decided by the roles in iam.tf either way. A lake with personal data whose reads are to be logged,
# and revocable at one place, gives kms_key.

resource "aws_s3_bucket" "lake" {
  #checkov:skip=CKV_AWS_144:No copy in a second region - raw can be fetched again, the rest is made again from raw
  #checkov:skip=CKV_AWS_145:SSE-S3 unless kms_key is given - see the head of this file
  #checkov:skip=CKV_AWS_18:The log bucket cannot log into itself - all others do
  #checkov:skip=CKV2_AWS_62:Only raw and ledger have a listener
  for_each = local.own_buckets

  bucket        = each.value
  force_destroy = var.force_destroy
  tags          = local.tags
}

resource "aws_s3_bucket_server_side_encryption_configuration" "lake" {
  for_each = aws_s3_bucket.lake

  bucket = each.value.id

  rule {
    # S3 writes access logs with its own key only.
    bucket_key_enabled = var.kms_key != null && each.key != "logs" ? true : null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key == null || each.key == "logs" ? "AES256" : "aws:kms"
      kms_master_key_id = each.key == "logs" ? null : var.kms_key
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
  target_bucket = local.bucket_name.logs
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
      length(lookup(local.readers, each.key, [])) == 0 ? [] : [
        {
          Sid       = "List"
          Effect    = "Allow"
          Principal = { AWS = local.readers[each.key] }
          Action    = "s3:ListBucket"
          Resource  = [local.bucket_arn[each.key]]
        },
        {
          Sid       = "Read"
          Effect    = "Allow"
          Principal = { AWS = local.readers[each.key] }
          Action    = "s3:GetObject"
          Resource  = ["${local.bucket_arn[each.key]}/*"]
        },
      ],
      length(lookup(local.readers, each.key, [])) == 0 || var.readers.personal ? [] : [
        {
          Sid       = "Personal"
          Effect    = "Deny"
          Principal = { AWS = local.readers[each.key] }
          Action    = "s3:GetObject"
          Resource  = [for key in lookup(local.personal, each.key, []) : "${local.bucket_arn[each.key]}/${key}"]
          # This account may be among the readers; what works on these rows, or may read them by its role, goes on.
          Condition = { ArnNotEquals = { "aws:PrincipalArn" = local.personal_roles[each.key] } }
        },
      ],
    )
  })

  depends_on = [aws_s3_bucket_public_access_block.lake]
}

locals {
  principal = { for who in distinct(concat(var.readers.consumption, var.readers.standard, try(var.analysts.trusted, []))) : who => can(regex("^[0-9]{12}$", who)) ? "arn:${local.partition}:iam::${who}:root" : who }
  readers   = { for zone in ["standard", "consumption"] : zone => [for who in var.readers[zone] : local.principal[who]] }

  principal_readers = sort(distinct(flatten(values(local.readers))))

  # Cleaning looks at what it has written to standard.
  personal_roles = {
    for zone, working in { standard = ["clean", "aggregate"], consumption = ["aggregate"] } : zone => [
      for name in concat(working, var.batch ? ["job"] : [], try(var.analysts.personal, false) ? ["analyst"] : []) :
      "arn:${local.partition}:iam::${local.account}:role${var.role_path}${var.name_prefix}-${name}${local.suffix}"
    ]
  }

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
