output "buckets" {
  description = "Bucket of each zone, of Athena's results and of access logs"
  value       = { for name, bucket in aws_s3_bucket.lake : name => bucket.bucket }
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
  description = "Job queue, job definition and the repository that its image is pushed to"
  value = {
    queue      = aws_batch_job_queue.job.name
    definition = aws_batch_job_definition.job.name
    image      = "${aws_ecr_repository.job.repository_url}:${var.image_tag}"
  }
}

output "alarm_topic" {
  description = "Topic of all alarms, to subscribe to"
  value       = aws_sns_topic.alarms.arn
}

output "athena" {
  description = "Workgroup and database for queries"
  value       = { workgroup = aws_athena_workgroup.lake.name, database = aws_glue_catalog_database.lake.name }
}

output "dashboard_url" {
  description = "The dashboard in the AWS console"
  value       = "https://${var.region}.console.aws.amazon.com/cloudwatch/home?region=${var.region}#dashboards/dashboard/${aws_cloudwatch_dashboard.lake.dashboard_name}"
}

output "try" {
  description = "Commands to begin with (AWS CLI 2; version 1 knows no --cli-binary-format: leave it out)"
  value = merge(
    { for source in local.sources : "ingest_${source}" => "aws lambda invoke --region ${var.region} --function-name ${local.function_name.ingest} --cli-binary-format raw-in-base64-out --payload '{\"source\":\"${source}\"}' /dev/stdout" },
    {
      aggregate  = "aws lambda invoke --region ${var.region} --function-name ${local.function_name.aggregate} --cli-binary-format raw-in-base64-out --payload '{}' /dev/stdout"
      upload     = "aws s3 cp FILE s3://${local.bucket_name.raw}/DATASET/"
      redrive    = "aws sqs start-message-move-task --region ${var.region} --source-arn ${local.queue_arn["clean-dead"]}"
      query      = "aws athena start-query-execution --region ${var.region} --work-group ${var.name_prefix} --query-execution-context Database=${replace(var.name_prefix, "-", "_")} --query-string 'SELECT ...'"
      push_image = "aws ecr get-login-password --region ${var.region} | buildah login --username AWS --password-stdin ${split("/", aws_ecr_repository.job.repository_url)[0]} && buildah push tributary:${var.image_tag} docker://${aws_ecr_repository.job.repository_url}:${var.image_tag}"
    },
  )
}
