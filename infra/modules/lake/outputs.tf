output "buckets" {
  description = "Bucket of each zone, of Athena's results and of access logs"
  value       = local.bucket_name
  depends_on  = [aws_s3_bucket.lake]
}

output "functions" {
  description = "Name of each function"
  value       = { for name, function in aws_lambda_function.lake : name => function.function_name }
}

output "queue_urls" {
  description = "URL of each queue; those that end in -dead, and failed-runs, should be empty"
  value       = local.queue_url
}

output "lake_settings" {
  description = "Environment with which the command line works on this lake"
  value       = local.settings
}

output "batch" {
  description = "Job queue, job definition and the repository that its image is pushed to; null without Batch"
  value = !var.batch ? null : {
    queue      = aws_batch_job_queue.job[0].name
    definition = aws_batch_job_definition.job[0].name
    image      = "${aws_ecr_repository.job[0].repository_url}:${var.image_tag}"
  }
}

output "alarm_topic" {
  description = "Topic of all alarms and messages, to subscribe to"
  value       = aws_sns_topic.alarms.arn
}

output "athena" {
  description = "Workgroup and database for queries, and the workgroup of analysts; null without them"
  value = {
    workgroup = aws_athena_workgroup.lake.name
    database  = aws_glue_catalog_database.lake.name
    analysts  = one([for workgroup in aws_athena_workgroup.analyst : workgroup.name])
  }
}

output "dashboard_url" {
  description = "The dashboard in the AWS console; null without one"
  value       = !var.dashboard ? null : "https://${local.region}.console.aws.amazon.com/cloudwatch/home?region=${local.region}#dashboards/dashboard/${aws_cloudwatch_dashboard.lake[0].dashboard_name}"
}

output "try" {
  description = "Commands to begin with (AWS CLI 2; version 1 knows no --cli-binary-format: leave it out)"
  value = merge(
    { for source in local.configured : "ingest_${source}" => "${local.command.invoke.ingest} '{\"source\":\"${source}\"}' /dev/stdout" },
    {
      aggregate = "${local.command.invoke.aggregate} '{}' /dev/stdout"
      upload    = "aws s3 cp FILE s3://${local.bucket_name.raw}/DATASET/"
      redrive   = "aws sqs start-message-move-task --region ${local.region} --source-arn ${local.queue_arn["clean-dead"]}"
      query     = "aws athena start-query-execution --region ${local.region} --work-group ${var.name_prefix} --query-execution-context Database=${local.glue_database} --query-string 'SELECT ...'"
      sweep     = "${local.command.invoke.clean} '{\"stale\":true}' /dev/stdout"
      versions  = "aws lambda list-versions-by-function --region ${local.region} --function-name ${local.function_name.clean} --query 'Versions[].[Version,LastModified]'"
    },
    var.alarm_email != null ? {} : {
      subscribe = "aws sns subscribe --region ${local.region} --topic-arn ${local.topic_arn} --protocol email --notification-endpoint YOU@EXAMPLE.ORG"
    },
    { for name in keys(local.digest) : name => "aws stepfunctions start-execution --region ${local.region} --state-machine-arn ${local.digest_arn}" },
    !var.batch ? {} : {
      for tool in ["buildah", "podman", "docker"] :
      (tool == "buildah" ? "push_image" : "push_image_with_${tool}") => join(" && ", compact([
        "aws ecr get-login-password --region ${local.region} | ${tool} login --username AWS --password-stdin ${split("/", aws_ecr_repository.job[0].repository_url)[0]}",
        tool == "buildah" ? "" : "${tool} tag tributary:${var.image_tag} ${aws_ecr_repository.job[0].repository_url}:${var.image_tag}",
        tool == "buildah" ? "buildah push tributary:${var.image_tag} docker://${aws_ecr_repository.job[0].repository_url}:${var.image_tag}" : "${tool} push ${aws_ecr_repository.job[0].repository_url}:${var.image_tag}",
      ]))
    },
  )
}

output "function_versions" {
  description = "The version that each function's alias points to, to note before a deployment"
  value       = { for name, alias in aws_lambda_alias.live : name => alias.function_version }
}

output "analyst_role" {
  description = "ARN of the role for analysts; null without one"
  value       = one([for role in aws_iam_role.analyst : role.arn])
}

output "kms_key_statement" {
  description = "Statement that the policy of kms_key needs beside the account's own, so that AWS's services, and readers, can use the key for this lake; null without one"
  value = var.kms_key == null ? null : jsonencode(concat([
    {
      Sid       = "LakeServices"
      Effect    = "Allow"
      Principal = { Service = ["s3.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com"] }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    },
    {
      Sid       = "LakeLogs"
      Effect    = "Allow"
      Principal = { Service = "logs.${local.region}.amazonaws.com" }
      Action    = ["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
      Resource  = "*"
      Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:*" } }
    },
    {
      # EventBridge gives SNS no source.
      Sid       = "LakeMessages"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
      Resource  = "*"
      Condition = { StringEquals = { "kms:EncryptionContext:aws:sns:topicArn" = [local.topic_arn, local.chat_topic_arn] } }
    },
    ], length(local.principal_readers) == 0 ? [] : [{
      Sid       = "LakeReaders" # of other accounts, which no role of this one speaks for
      Effect    = "Allow"
      Principal = { AWS = local.principal_readers }
      Action    = ["kms:Decrypt"]
      Resource  = "*"
      Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" } }
  }]))
}
