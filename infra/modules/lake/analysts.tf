# A role for people who query: Athena in a workgroup of theirs, the tables in Glue, and the objects of consumption (and of
# standard, if asked for), but for tables and models with personal columns. Rejection and raw hold what was not checked, and stay
# closed; so do the results of others, who may have asked for what is personal.

locals {
  analysts     = var.analysts == null ? {} : { analyst = var.analysts }
  analysts_arn = "arn:${local.partition}:athena:${local.region}:${local.account}:workgroup/${local.analysts_workgroup}"
  glue_arn     = "arn:${local.partition}:glue:${local.region}:${local.account}"
  readable     = concat(["consumption"], try(var.analysts.standard, false) ? ["standard"] : [])
  readable_arn = [for zone in local.readable : local.bucket_arn[zone]]

  # Where results go: another place once what is personal was open, as results stay for a week.
  analysts_workgroup = "${var.name_prefix}-analysts"
  analysts_results   = try(var.analysts.personal, false) ? "analysts-personal" : "analysts"

  # What is closed, in policies of the 6,144 characters that IAM takes; the role's own may have 10,240, however many there are.
  closed       = try(var.analysts.personal, true) ? [] : flatten([for zone in local.readable : [for key in local.personal[zone] : "${local.bucket_arn[zone]}/${key}"]])
  closed_parts = { for i, part in chunklist(local.closed, max(1, floor(6000 / (3 + max(1, [for arn in local.closed : length(arn)]...))))) : "closed-${i}" => part }

  analyst_rights = concat([
    {
      Effect   = "Allow"
      Action   = ["athena:BatchGetQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults", "athena:GetQueryResultsStream", "athena:GetWorkGroup", "athena:ListQueryExecutions", "athena:StartQueryExecution", "athena:StopQueryExecution"]
      Resource = [local.analysts_arn]
    },
    {
      Effect = "Allow"
      Action = ["glue:BatchGetPartition", "glue:GetDatabase", "glue:GetPartition", "glue:GetPartitions", "glue:GetTable", "glue:GetTables"]
      # What columns there are: rows are S3's to give.
      Resource = ["${local.glue_arn}:catalog", "${local.glue_arn}:database/${local.glue_database}", "${local.glue_arn}:table/${local.glue_database}/*"]
    },
    { Effect = "Allow", Action = ["s3:GetBucketLocation", "s3:ListBucket"], Resource = concat(local.readable_arn, [local.bucket_arn.athena]) },
    { Effect = "Allow", Action = ["s3:GetObject"], Resource = [for arn in local.readable_arn : "${arn}/*"] },
    { Effect = "Allow", Action = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], Resource = ["${local.bucket_arn.athena}/${local.analysts_results}/*"] },
    ],
    [for right in local.key : { Effect = "Allow", Action = right.actions, Resource = right.resources }],
  )
}

resource "aws_athena_workgroup" "analyst" {
  for_each = local.analysts

  name          = local.analysts_workgroup
  description   = "Queries of the role ${var.name_prefix}-${each.key}${local.suffix}"
  force_destroy = var.force_destroy
  tags          = local.tags

  configuration {
    enforce_workgroup_configuration = true
    bytes_scanned_cutoff_per_query  = local.scanned_at_most

    result_configuration {
      output_location = "s3://${local.bucket_name.athena}/${local.analysts_results}/"

      encryption_configuration {
        encryption_option = var.kms_key == null ? "SSE_S3" : "SSE_KMS"
        kms_key_arn       = var.kms_key
      }
    }
  }
}

resource "aws_iam_role" "analyst" {
  for_each = local.analysts

  name                 = "${var.name_prefix}-${each.key}${local.suffix}"
  description          = "Queries the lake's tables"
  path                 = var.role_path
  permissions_boundary = var.permissions_boundary
  tags                 = local.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = [for who in each.value.trusted : local.principal[who]] }
      Action    = "sts:AssumeRole"
    }]
  })

  lifecycle {
    precondition {
      condition     = length(local.closed_parts) <= 10
      error_message = "Too much is personal (${length(local.closed)} prefixes) for the ten policies that IAM attaches to a role: put datasets that analysts may not read at all into own_datasets alone, or set analysts.personal."
    }
  }
}

# They only take away, and are there before the role may read anything.
resource "aws_iam_policy" "closed" {
  for_each = local.closed_parts

  name        = "${var.name_prefix}-analyst-${each.key}${local.suffix}"
  description = "What analysts may not read"
  path        = var.role_path
  tags        = local.tags
  policy      = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Deny", Action = ["s3:GetObject"], Resource = each.value }] })
}

resource "aws_iam_role_policy_attachment" "closed" {
  for_each = aws_iam_policy.closed

  role       = aws_iam_role.analyst["analyst"].name
  policy_arn = each.value.arn
}

resource "aws_iam_role_policy" "analyst" {
  for_each = local.analysts

  name   = "query"
  role   = aws_iam_role.analyst[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.analyst_rights })

  depends_on = [aws_iam_role_policy_attachment.closed]
}
