# A lake of version 0.1 was the root module itself: everything keeps its place, the buckets first of all.
# A configuration of your own that calls modules/lake in place of this folder needs the same blocks.

moved {
  from = aws_athena_workgroup.lake
  to   = module.lake.aws_athena_workgroup.lake
}

moved {
  from = aws_batch_compute_environment.job
  to   = module.lake.aws_batch_compute_environment.job[0]
}

moved {
  from = aws_batch_job_definition.job
  to   = module.lake.aws_batch_job_definition.job[0]
}

moved {
  from = aws_batch_job_queue.job
  to   = module.lake.aws_batch_job_queue.job[0]
}

moved {
  from = aws_cloudwatch_dashboard.lake
  to   = module.lake.aws_cloudwatch_dashboard.lake[0]
}

moved {
  from = aws_cloudwatch_event_rule.job_failed
  to   = module.lake.aws_cloudwatch_event_rule.job_failed[0]
}

moved {
  from = aws_cloudwatch_event_target.job_failed
  to   = module.lake.aws_cloudwatch_event_target.job_failed[0]
}

moved {
  from = aws_cloudwatch_log_group.lake
  to   = module.lake.aws_cloudwatch_log_group.lake
}

moved {
  from = aws_cloudwatch_metric_alarm.dead_letters
  to   = module.lake.aws_cloudwatch_metric_alarm.dead_letters
}

moved {
  from = aws_cloudwatch_metric_alarm.errors
  to   = module.lake.aws_cloudwatch_metric_alarm.errors
}

moved {
  from = aws_cloudwatch_metric_alarm.no_new_data
  to   = module.lake.aws_cloudwatch_metric_alarm.no_new_data
}

moved {
  from = aws_cloudwatch_metric_alarm.rejects
  to   = module.lake.aws_cloudwatch_metric_alarm.rejects
}

moved {
  from = aws_ecr_lifecycle_policy.job
  to   = module.lake.aws_ecr_lifecycle_policy.job[0]
}

moved {
  from = aws_ecr_repository.job
  to   = module.lake.aws_ecr_repository.job[0]
}

moved {
  from = aws_glue_catalog_database.lake
  to   = module.lake.aws_glue_catalog_database.lake
}

moved {
  from = aws_glue_catalog_table.lake
  to   = module.lake.aws_glue_catalog_table.lake
}

moved {
  from = aws_iam_role.lake
  to   = module.lake.aws_iam_role.lake
}

moved {
  from = aws_iam_role_policy.lake
  to   = module.lake.aws_iam_role_policy.lake
}

moved {
  from = aws_internet_gateway.job
  to   = module.lake.aws_internet_gateway.job[0]
}

moved {
  from = aws_lambda_event_source_mapping.aggregate
  to   = module.lake.aws_lambda_event_source_mapping.aggregate
}

moved {
  from = aws_lambda_event_source_mapping.clean
  to   = module.lake.aws_lambda_event_source_mapping.clean
}

moved {
  from = aws_lambda_function.lake
  to   = module.lake.aws_lambda_function.lake
}

moved {
  from = aws_lambda_function_event_invoke_config.lake
  to   = module.lake.aws_lambda_function_event_invoke_config.lake
}

moved {
  from = aws_route_table.job
  to   = module.lake.aws_route_table.job[0]
}

moved {
  from = aws_route_table_association.job
  to   = module.lake.aws_route_table_association.job
}

moved {
  from = aws_s3_bucket.lake
  to   = module.lake.aws_s3_bucket.lake
}

moved {
  from = aws_s3_bucket_lifecycle_configuration.lake
  to   = module.lake.aws_s3_bucket_lifecycle_configuration.lake
}

moved {
  from = aws_s3_bucket_logging.lake
  to   = module.lake.aws_s3_bucket_logging.lake
}

moved {
  from = aws_s3_bucket_notification.news
  to   = module.lake.aws_s3_bucket_notification.news
}

moved {
  from = aws_s3_bucket_ownership_controls.lake
  to   = module.lake.aws_s3_bucket_ownership_controls.lake
}

moved {
  from = aws_s3_bucket_policy.lake
  to   = module.lake.aws_s3_bucket_policy.lake
}

moved {
  from = aws_s3_bucket_public_access_block.lake
  to   = module.lake.aws_s3_bucket_public_access_block.lake
}

moved {
  from = aws_s3_bucket_server_side_encryption_configuration.lake
  to   = module.lake.aws_s3_bucket_server_side_encryption_configuration.lake
}

moved {
  from = aws_s3_bucket_versioning.lake
  to   = module.lake.aws_s3_bucket_versioning.lake
}

moved {
  from = aws_scheduler_schedule.lake
  to   = module.lake.aws_scheduler_schedule.lake
}

moved {
  from = aws_scheduler_schedule_group.lake
  to   = module.lake.aws_scheduler_schedule_group.lake
}

moved {
  from = aws_security_group.job
  to   = module.lake.aws_security_group.job[0]
}

moved {
  from = aws_sns_topic.alarms
  to   = module.lake.aws_sns_topic.alarms
}

moved {
  from = aws_sns_topic_policy.alarms
  to   = module.lake.aws_sns_topic_policy.alarms
}

moved {
  from = aws_sns_topic_subscription.email
  to   = module.lake.aws_sns_topic_subscription.email
}

moved {
  from = aws_sqs_queue.dead
  to   = module.lake.aws_sqs_queue.dead
}

moved {
  from = aws_sqs_queue.work
  to   = module.lake.aws_sqs_queue.work
}

moved {
  from = aws_sqs_queue_policy.lake
  to   = module.lake.aws_sqs_queue_policy.lake
}

moved {
  from = aws_sqs_queue_redrive_allow_policy.dead
  to   = module.lake.aws_sqs_queue_redrive_allow_policy.dead
}

moved {
  from = aws_subnet.job
  to   = module.lake.aws_subnet.job
}

moved {
  from = aws_vpc.job
  to   = module.lake.aws_vpc.job[0]
}

moved {
  from = aws_vpc_endpoint.s3
  to   = module.lake.aws_vpc_endpoint.s3[0]
}
