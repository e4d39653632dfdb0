output "buckets" {
  description = "Bucket of each zone, of Athena's results and of access logs"
  value       = module.lake.buckets
}

output "functions" {
  description = "Name of each function"
  value       = module.lake.functions
}

output "queue_urls" {
  description = "URL of each queue; those that end in -dead, and failed-runs, should be empty"
  value       = module.lake.queue_urls
}

output "lake_settings" {
  description = "Environment with which the command line works on this lake"
  value       = module.lake.lake_settings
}

output "batch" {
  description = "Job queue, job definition and the repository that its image is pushed to; null without Batch"
  value       = module.lake.batch
}

output "alarm_topic" {
  description = "Topic of all alarms and messages, to subscribe to"
  value       = module.lake.alarm_topic
}

output "athena" {
  description = "Workgroup and database for queries, and the workgroup of analysts; null without them"
  value       = module.lake.athena
}

output "dashboard_url" {
  description = "The dashboard in the AWS console; null without one"
  value       = module.lake.dashboard_url
}

output "try" {
  description = "Commands to begin with (AWS CLI 2; version 1 knows no --cli-binary-format: leave it out)"
  value       = module.lake.try
}

output "function_versions" {
  description = "The version that each function's alias points to, to note before a deployment"
  value       = module.lake.function_versions
}

output "analyst_role" {
  description = "ARN of the role for analysts; null without one"
  value       = module.lake.analyst_role
}

output "kms_key_statement" {
  description = "Statement that the policy of kms_key needs beside the account's own, so that AWS's services can use the key for this lake; null without one"
  value       = module.lake.kms_key_statement
}
