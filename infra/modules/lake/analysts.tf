# A role for people who query: Athena in this lake's workgroup, the tables in Glue, and the objects of consumption (and of
# standard, if asked for), but for tables and models with personal columns. Rejection and raw hold what was not checked, and stay
# closed.

locals {
  analysts     = var.analysts == null ? {} : { analyst = var.analysts }
  athena_arn   = "arn:${local.partition}:athena:${local.region}:${local.account}:workgroup/${var.name_prefix}"
  glue_arn     = "arn:${local.partition}:glue:${local.region}:${local.account}"
  readable     = concat(["consumption"], try(var.analysts.standard, false) ? ["standard"] : [])
  readable_arn = [for zone in local.readable : local.bucket_arn[zone]]

  analyst_rights = concat([
    {
      Effect   = "Allow"
      Action   = ["athena:BatchGetQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults", "athena:GetQueryResultsStream", "athena:GetWorkGroup", "athena:ListQueryExecutions", "athena:StartQueryExecution", "athena:StopQueryExecution"]
      Resource = [local.athena_arn]
    },
    {
      Effect = "Allow"
      Action = ["glue:BatchGetPartition", "glue:GetDatabase", "glue:GetPartition", "glue:GetPartitions", "glue:GetTable", "glue:GetTables"]
      # What columns there are: rows are S3's to give.
      Resource = ["${local.glue_arn}:catalog", "${local.glue_arn}:database/${local.glue_database}", "${local.glue_arn}:table/${local.glue_database}/*"]
    },
    { Effect = "Allow", Action = ["s3:GetBucketLocation", "s3:ListBucket"], Resource = concat(local.readable_arn, [local.bucket_arn.athena]) },
    { Effect = "Allow", Action = ["s3:GetObject"], Resource = [for arn in local.readable_arn : "${arn}/*"] },
    { Effect = "Allow", Action = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], Resource = ["${local.bucket_arn.athena}/*"] },
    ],
    [for right in local.key : { Effect = "Allow", Action = right.actions, Resource = right.resources }],
    try(var.analysts.personal, false) ? [] : [
      { Effect = "Deny", Action = ["s3:GetObject"], Resource = flatten([for zone in local.readable : [for key in local.personal[zone] : "${local.bucket_arn[zone]}/${key}"]]) },
    ],
  )
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
}

resource "aws_iam_role_policy" "analyst" {
  for_each = local.analysts

  name   = "query"
  role   = aws_iam_role.analyst[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.analyst_rights })
}
