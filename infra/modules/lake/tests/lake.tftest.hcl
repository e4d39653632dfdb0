# What the plan must say, with a mocked provider: no account, no network.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { region = "eu-west-1" }
  }
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-west-1a", "eu-west-1b", "eu-west-1c"] }
  }
}

variables {
  packages_dir = "../../../target/lambda"
}

run "buckets" {
  command = plan

  assert {
    condition     = toset(keys(aws_s3_bucket.lake)) == toset(["raw", "standard", "rejection", "consumption", "ledger", "athena", "logs"])
    error_message = "One bucket per zone, one for Athena, one for access logs."
  }
  assert {
    condition = alltrue([
      for name in keys(aws_s3_bucket.lake) :
      one(one(aws_s3_bucket_server_side_encryption_configuration.lake[name].rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    ])
    error_message = "Every bucket is encrypted."
  }
  assert {
    condition = alltrue([
      for name in keys(aws_s3_bucket.lake) : alltrue([
        aws_s3_bucket_public_access_block.lake[name].block_public_acls,
        aws_s3_bucket_public_access_block.lake[name].block_public_policy,
        aws_s3_bucket_public_access_block.lake[name].ignore_public_acls,
        aws_s3_bucket_public_access_block.lake[name].restrict_public_buckets,
      ])
    ])
    error_message = "Every bucket is closed to the public."
  }
  assert {
    condition = alltrue([
      for name in keys(aws_s3_bucket.lake) : anytrue([
        for statement in jsondecode(aws_s3_bucket_policy.lake[name].policy).Statement :
        statement.Effect == "Deny" && statement.Action == "s3:*" && try(statement.Condition.Bool["aws:SecureTransport"], "") == "false"
      ])
    ])
    error_message = "Every bucket refuses plain HTTP."
  }
  assert {
    condition     = alltrue([for name in keys(aws_s3_bucket.lake) : one(aws_s3_bucket_versioning.lake[name].versioning_configuration).status == "Enabled"])
    error_message = "Every bucket keeps old versions."
  }
  assert {
    condition = alltrue([
      for name in keys(aws_s3_bucket.lake) :
      length(setsubtract(["old-versions", "aborted-uploads"], aws_s3_bucket_lifecycle_configuration.lake[name].rule[*].id)) == 0
    ])
    error_message = "Old versions and aborted uploads go, in every bucket."
  }
  assert {
    condition     = contains(aws_s3_bucket_lifecycle_configuration.lake["raw"].rule[*].id, "cheaper") && !contains(aws_s3_bucket_lifecycle_configuration.lake["raw"].rule[*].id, "expiry")
    error_message = "Raw moves to cheaper classes and stays."
  }
}

run "queues" {
  command = plan

  assert {
    condition = alltrue([
      for name, queue in aws_sqs_queue.work :
      endswith(jsondecode(queue.redrive_policy).deadLetterTargetArn, ":${aws_sqs_queue.dead["${name}-dead"].name}") && jsondecode(queue.redrive_policy).maxReceiveCount == 5
    ])
    error_message = "Every queue has a dead-letter queue, after five tries."
  }
  assert {
    condition     = alltrue([for queue in concat(values(aws_sqs_queue.work), values(aws_sqs_queue.dead)) : queue.sqs_managed_sse_enabled])
    error_message = "Every queue is encrypted."
  }
  assert {
    condition     = alltrue([for queue in values(aws_sqs_queue.dead) : queue.message_retention_seconds == 1209600])
    error_message = "Dead letters are kept as long as SQS can."
  }
  assert {
    condition     = alltrue([for name, queue in aws_sqs_queue.work : queue.visibility_timeout_seconds >= 6 * aws_lambda_function.lake[name].timeout])
    error_message = "A message stays hidden for six times the function's timeout."
  }
  assert {
    condition     = toset(keys(aws_sqs_queue_policy.lake)) == toset(concat(keys(aws_sqs_queue.work), keys(aws_sqs_queue.dead)))
    error_message = "Every queue has a policy (TLS only)."
  }
  assert {
    condition     = aws_lambda_event_source_mapping.clean.function_response_types == toset(["ReportBatchItemFailures"]) && one(aws_lambda_event_source_mapping.clean.scaling_config).maximum_concurrency == 4
    error_message = "One bad message of ten leaves nine done, and four functions run at once at most."
  }
}

run "retries_can_be_hastened" {
  command = plan
  variables {
    retry_after_seconds = 2
    emulator            = true
  }

  assert {
    condition     = alltrue([for queue in values(aws_sqs_queue.work) : queue.visibility_timeout_seconds == 2])
    error_message = "The wait asked for."
  }
}

run "no_retry_while_the_function_may_be_at_work" {
  command = plan
  variables { retry_after_seconds = 899 }
  expect_failures = [var.retry_after_seconds]
}

run "schedules" {
  command = plan

  assert {
    condition     = toset(keys(aws_scheduler_schedule.lake)) == toset(["ingest-irceline", "aggregate-irceline", "clean-all", "aggregate-all"])
    error_message = "Each source whose settings are given has an ingest and an aggregate schedule, and all datasets are swept."
  }
  assert {
    condition     = aws_scheduler_schedule.lake["ingest-irceline"].schedule_expression == "cron(30 4 * * ? *)" && aws_scheduler_schedule.lake["aggregate-irceline"].schedule_expression == "cron(0 6 * * ? *)"
    error_message = "Ingest at half past four, aggregate at six."
  }
  assert {
    condition     = alltrue([for name, schedule in aws_scheduler_schedule.lake : schedule.schedule_expression_timezone == "Europe/Brussels" if endswith(name, "-irceline")])
    error_message = "Local time."
  }
  assert {
    condition     = alltrue([for schedule in values(aws_scheduler_schedule.lake) : !can(regex("^cron\\(\\d+ [0-2] ", schedule.schedule_expression))])
    error_message = "Not between 00:00 and 03:00."
  }
  assert {
    condition     = jsondecode(one(aws_scheduler_schedule.lake["ingest-irceline"].target).input) == { source = "irceline" } && jsondecode(one(aws_scheduler_schedule.lake["aggregate-irceline"].target).input) == { dataset = "irceline" }
    error_message = "The payloads that the functions take."
  }
  assert {
    condition     = jsondecode(one(aws_scheduler_schedule.lake["clean-all"].target).input) == { stale = true } && jsondecode(one(aws_scheduler_schedule.lake["aggregate-all"].target).input) == {}
    error_message = "What an event was lost for is found, of all datasets."
  }
  assert {
    condition     = aws_scheduler_schedule.lake["clean-all"].schedule_expression == "cron(0 7,19 * * ? *)" && aws_scheduler_schedule.lake["aggregate-all"].schedule_expression == "cron(30 7,19 * * ? *)"
    error_message = "Twice a day, so that any 24 hours have a report of the age of data."
  }
  assert {
    condition     = alltrue([for schedule in values(aws_scheduler_schedule.lake) : one(one(schedule.target).retry_policy).maximum_retry_attempts > 0 && length(one(schedule.target).dead_letter_config) == 1])
    error_message = "Retries, and a dead-letter queue."
  }
}

run "schedules_can_be_moved" {
  command = plan

  variables {
    schedules = {
      irceline  = { ingest = "03:00", aggregate = "23:59", enabled = false }
      codetrack = { quiet_days = 3 }
    }
    illuminate_url    = "https://school.example/live/"
    illuminate_secret = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:illuminate-AbCdEf"
    codetrack_url     = "https://course.example/api/"
  }
  assert {
    condition     = aws_scheduler_schedule.lake["ingest-irceline"].schedule_expression == "cron(0 3 * * ? *)" && aws_scheduler_schedule.lake["aggregate-irceline"].schedule_expression == "cron(59 23 * * ? *)"
    error_message = "The times asked for."
  }
  assert {
    condition     = aws_scheduler_schedule.lake["ingest-irceline"].state == "DISABLED" && aws_scheduler_schedule.lake["ingest-codetrack"].state == "ENABLED"
    error_message = "A source that is switched off does not run."
  }
  assert {
    condition     = { for source, alarm in aws_cloudwatch_metric_alarm.no_new_data : source => alarm.threshold } == { illuminate = 7, codetrack = 3 }
    error_message = "Nor is it missed; the others after the days that schools rest, or those asked for."
  }
}

run "no_schedule_at_two_at_night" {
  command = plan
  variables { schedules = { irceline = { ingest = "02:59" } } }
  expect_failures = [var.schedules]
}

run "no_schedule_at_midnight" {
  command = plan
  variables { schedules = { irceline = { ingest = "00:00" } } }
  expect_failures = [var.schedules]
}

run "no_aggregate_at_night" {
  command = plan
  variables { schedules = { irceline = { ingest = "04:00", aggregate = "01:30" } } }
  expect_failures = [var.schedules]
}

run "no_aggregate_before_ingest" {
  command = plan
  variables { schedules = { irceline = { ingest = "06:00", aggregate = "05:00" } } }
  expect_failures = [var.schedules]
}

run "no_time_that_is_none" {
  command = plan
  variables { schedules = { irceline = { ingest = "24:00" } } }
  expect_failures = [var.schedules]
}

run "no_half_day_of_quiet" {
  command = plan
  variables { schedules = { irceline = { quiet_days = 1.5 } } }
  expect_failures = [var.schedules]
}

run "no_schedule_without_source" {
  command = plan
  variables { schedules = { nowhere = {} } }
  expect_failures = [var.schedules]
}

run "functions" {
  command = plan

  assert {
    condition     = toset(keys(aws_lambda_function.lake)) == toset(["ingest", "clean", "aggregate"])
    error_message = "Three functions."
  }
  assert {
    condition     = alltrue([for function in values(aws_lambda_function.lake) : function.runtime == "provided.al2023" && function.handler == "bootstrap" && one(function.architectures) == "arm64"])
    error_message = "Binaries for arm64 on Amazon Linux 2023."
  }
  assert {
    condition = alltrue([
      for function in values(aws_lambda_function.lake) : alltrue([
        for name in ["LAKE_URL", "RAW_URL", "STANDARD_URL", "REJECTION_URL", "CONSUMPTION_URL", "LEDGER_URL", "BATCH_JOB_QUEUE", "BATCH_JOB_DEFINITION", "BATCH_ABOVE_BYTES", "BATCH_ABOVE_DAYS"] :
        lookup(one(function.environment).variables, name, "") != ""
      ])
    ])
    error_message = "Every setting is there, and none is empty."
  }
  assert {
    condition     = !anytrue([for function in values(aws_lambda_function.lake) : contains(keys(one(function.environment).variables), "IRCELINE_URL")])
    error_message = "The API's URL is only set when asked for."
  }
  assert {
    condition     = toset(keys(aws_lambda_function_event_invoke_config.lake)) == toset(keys(aws_lambda_function.lake))
    error_message = "Calls that fail for good are kept."
  }
}

run "x86_64" {
  command = plan
  variables {
    architecture = "x86_64"
    irceline_url = "http://127.0.0.1:8080/api/v1/"
  }

  assert {
    condition     = alltrue([for function in values(aws_lambda_function.lake) : one(function.architectures) == "x86_64"])
    error_message = "The architecture asked for."
  }
  assert {
    condition     = one(aws_lambda_function.lake["ingest"].environment).variables.IRCELINE_URL == "http://127.0.0.1:8080/api/v1/"
    error_message = "The URL asked for."
  }
}

run "no_aggregate_without_memory" {
  command = plan
  variables { functions = { aggregate = { memory = 256 } } }
  expect_failures = [var.functions]
}

run "no_other_architecture" {
  command = plan
  variables { architecture = "x86-64" }
  expect_failures = [var.architecture]
}

run "no_missing_package" {
  command = plan
  variables { packages_dir = "/nowhere" }
  expect_failures = [aws_lambda_function.lake]
}

run "no_prefix_that_is_no_bucket_name" {
  command = plan
  variables { name_prefix = "My_Lake" }
  expect_failures = [var.name_prefix]
}

run "no_latest" {
  command = plan
  variables { image_tag = "latest" }
  expect_failures = [var.image_tag]
}

run "rights" {
  command = plan

  assert {
    condition     = toset(keys(aws_iam_role_policy.lake)) == toset(["ingest", "clean", "aggregate", "job", "job-start", "schedule"])
    error_message = "One role per function, for the job, to start it, and for schedules."
  }
  assert {
    condition = alltrue(flatten([
      for role, policy in aws_iam_role_policy.lake : [
        for statement in jsondecode(policy.policy).Statement : [for action in statement.Action : !strcontains(action, "*")]
      ]
    ]))
    error_message = "No action with *."
  }
  assert {
    condition = alltrue(flatten([
      for role, policy in aws_iam_role_policy.lake : [
        for statement in jsondecode(policy.policy).Statement : length(setsubtract(statement.Action, ["batch:ListJobs", "ecr:GetAuthorizationToken"])) == 0
        if contains(statement.Resource, "*")
      ]
    ]))
    error_message = "No resource * but where AWS has nothing finer."
  }
  assert {
    condition = alltrue(flatten([
      for role, policy in aws_iam_role_policy.lake : [
        for statement in jsondecode(policy.policy).Statement : [
          for resource in statement.Resource :
          length(setintersection(statement.Action, ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"])) == 0 ||
          (contains(["ingest", "job"], role) && contains([for source in local.sources : "arn:aws:s3:::tributary-000000000000-raw/${source}/*"], resource) && !contains(statement.Action, "s3:DeleteObject")) ||
          (contains(["ingest", "job"], role) && endswith(resource, "/_progress/*") && !contains(statement.Action, "s3:DeleteObjectVersion"))
          if startswith(resource, "arn:aws:s3:::tributary-000000000000-raw")
        ]
      ]
    ]))
    error_message = "Only ingest writes to raw, below its sources, and nobody deletes there but its own progress."
  }
}

run "logs_and_alarms" {
  command = plan
  variables { dashboard = true }

  assert {
    condition     = toset(keys(aws_cloudwatch_log_group.lake)) == toset(["ingest", "clean", "aggregate", "job"]) && alltrue([for group in values(aws_cloudwatch_log_group.lake) : group.retention_in_days == 30])
    error_message = "Each function and the job has a log group that forgets."
  }
  assert {
    condition = (
      toset(keys(aws_cloudwatch_metric_alarm.dead_letters)) == toset(keys(aws_sqs_queue.dead)) &&
      toset(keys(aws_cloudwatch_metric_alarm.errors)) == toset(keys(aws_lambda_function.lake)) &&
      toset(keys(aws_cloudwatch_metric_alarm.oldest_message)) == toset(["clean", "aggregate"]) &&
      toset(keys(aws_cloudwatch_metric_alarm.no_new_data)) == toset(local.configured) &&
      toset(keys(aws_cloudwatch_metric_alarm.rejects)) == toset(keys(local.datasets))
    )
    error_message = "An alarm for each dead-letter queue, function, source and dataset."
  }
  assert {
    condition     = alltrue([for alarm in values(aws_cloudwatch_metric_alarm.oldest_message) : alarm.metric_name == "ApproximateAgeOfOldestMessage" && alarm.threshold < 345600])
    error_message = "A message that waits raises an alarm before it is lost."
  }
  assert {
    condition     = alltrue([for alarm in values(aws_cloudwatch_metric_alarm.rejects) : alarm.threshold == 5 && length(alarm.metric_query) == 3])
    error_message = "More than 5 % rejected is an alarm."
  }
  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.lake[0].dashboard_body).widgets) == 2 * length(local.datasets) + 5
    error_message = "The dashboard shows every dataset."
  }
  assert {
    condition = alltrue([
      for query in [for widget in jsondecode(aws_cloudwatch_dashboard.lake[0].dashboard_body).widgets : widget.properties.query if widget.type == "log"] :
      strcontains(query, "filter level = 'ERROR'") && alltrue([for group in values(aws_cloudwatch_log_group.lake) : strcontains(query, "SOURCE '${group.name}'")])
    ])
    error_message = "The list of errors has those of functions and of jobs."
  }
  assert {
    condition = alltrue([
      for dataset, alarm in aws_cloudwatch_metric_alarm.rejects : toset([for query in alarm.metric_query : one(query.metric).dimensions if length(query.metric) > 0]) == toset([tomap({ Function = "clean", Dataset = dataset })])
    ])
    error_message = "The dimensions that both write: tests/integration/tests/logs.rs."
  }
}

run "tables" {
  command = plan

  assert {
    condition     = length(aws_glue_catalog_table.lake) == sum([for dataset in values(local.datasets) : length(dataset.tables) + length(dataset.models)])
    error_message = "A Glue table for each table and model."
  }
  assert {
    condition = alltrue([
      for table in values(aws_glue_catalog_table.lake) : alltrue([
        length(table.partition_keys) == 0 || try(table.parameters["projection.enabled"], "") == "true",
        alltrue([for key in table.partition_keys : contains(["date", "integer", "enum", "injected"], table.parameters["projection.${key.name}.type"])]),
        length(table.partition_keys) == 0 || endswith(try(table.parameters["storage.location.template"], ""), "/${join("/", [for key in table.partition_keys : "${key.name}=$${${key.name}}"])}/"),
      ])
    ])
    error_message = "Partitions are projected."
  }
  assert {
    condition     = aws_glue_catalog_table.lake["irceline_station"].parameters["storage.location.template"] == "s3://tributary-000000000000-standard/irceline/station/date=$${date}/"
    error_message = "A table lies in the standard zone."
  }
  assert {
    condition     = aws_glue_catalog_table.lake["irceline_aggregate_station_by_day"].parameters["storage.location.template"] == "s3://tributary-000000000000-consumption/irceline/aggregate_station_by_day/month=$${month}/"
    error_message = "A model lies in the consumption zone."
  }
}

run "partitions_by_other_than_time" {
  command = plan

  assert {
    condition     = aws_glue_catalog_table.lake["codetrack_weekly_scores"].parameters["storage.location.template"] == "s3://tributary-000000000000-consumption/codetrack/weekly_scores/year=$${year}/month=$${month}/cohort=$${cohort}/"
    error_message = "Partition columns in the order of the path."
  }
  assert {
    condition     = aws_glue_catalog_table.lake["codetrack_weekly_scores"].parameters["projection.month.type"] == "integer" && aws_glue_catalog_table.lake["codetrack_weekly_scores"].parameters["projection.cohort.type"] == "injected"
    error_message = "Months are counted, cohorts are named by the query."
  }
  assert {
    condition     = contains(split(",", aws_glue_catalog_table.lake["illuminate_result_group"].parameters["projection.year.values"]), "24-25")
    error_message = "School years."
  }
  assert {
    condition     = length(aws_glue_catalog_table.lake["codetrack_learner"].partition_keys) == 0
    error_message = "A snapshot has no partitions."
  }
}

run "all_sources" {
  command = plan

  variables {
    illuminate_url      = "https://school.illuminateed.com/live/"
    illuminate_secret   = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:illuminate-abcdef"
    codetrack_url       = "https://codetrack.example.org"
    personal_key_secret = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:personal-abcdef"
    own_datasets        = ["trams"]
    secrets_kms_key     = "arn:aws:kms:eu-west-1:000000000000:key/11111111-2222-3333-4444-555555555555"
  }
  assert {
    condition     = toset(keys(aws_scheduler_schedule.lake)) == toset(flatten([for source in concat(["-"], local.sources) : source == "-" ? ["clean-all", "aggregate-all"] : ["ingest-${source}", "aggregate-${source}"]]))
    error_message = "Each source has an ingest and an aggregate schedule."
  }
  assert {
    condition     = alltrue([for name, schedule in aws_scheduler_schedule.lake : schedule.schedule_expression_timezone == local.datasets[split("-", name)[1]].time_zone if !endswith(name, "-all")])
    error_message = "The dataset's local time."
  }
  assert {
    condition     = strcontains(aws_iam_role_policy.lake["ingest"].policy, "secret:illuminate-abcdef") && !strcontains(aws_iam_role_policy.lake["ingest"].policy, "secret:personal-abcdef") && !strcontains(aws_iam_role_policy.lake["clean"].policy, "secretsmanager")
    error_message = "A step reads its own secret only."
  }
  assert {
    condition     = aws_lambda_function.lake["aggregate"].environment[0].variables["PERSONAL_KEY_SECRET"] == var.personal_key_secret && !contains(keys(aws_lambda_function.lake["clean"].environment[0].variables), "PERSONAL_KEY_SECRET")
    error_message = "Only aggregate is told of the key of hashes."
  }
  assert {
    condition     = alltrue([for step in ["ingest", "aggregate", "job"] : strcontains(aws_iam_role_policy.lake[step].policy, "kms:Decrypt")]) && !strcontains(aws_iam_role_policy.lake["clean"].policy, "kms:")
    error_message = "Who reads a secret may decrypt it."
  }
  assert {
    condition     = contains(keys(aws_cloudwatch_metric_alarm.rejects), "trams")
    error_message = "The lake's own datasets have alarms."
  }
}

run "job" {
  command = apply # the definition names what is only known then
  variables {
    force_destroy = true
    log_level     = "DEBUG"
  }

  assert {
    condition     = contains(jsondecode(aws_batch_job_definition.job[0].container_properties).environment, { name = "RUST_LOG", value = "debug" }) && one(aws_lambda_function.lake["clean"].environment).variables.RUST_LOG == "debug"
    error_message = "Jobs log as the functions do."
  }
  assert {
    condition     = jsondecode(aws_batch_job_definition.job[0].container_properties).logConfiguration.options["awslogs-group"] == aws_cloudwatch_log_group.lake["job"].name
    error_message = "Where the dashboard looks for errors."
  }

  assert {
    condition     = aws_batch_job_definition.job[0].platform_capabilities == toset(["FARGATE"]) && one(aws_batch_compute_environment.job[0].compute_resources).type == "FARGATE"
    error_message = "Fargate."
  }
  assert {
    condition     = jsondecode(aws_batch_job_definition.job[0].container_properties).readonlyRootFilesystem && !startswith(jsondecode(aws_batch_job_definition.job[0].container_properties).user, "0") && jsondecode(aws_batch_job_definition.job[0].container_properties).user != "root"
    error_message = "Not root, on a read-only root."
  }
  assert {
    condition     = one(aws_batch_job_definition.job[0].retry_strategy).attempts == 3
    error_message = "Three attempts."
  }
  assert {
    condition     = aws_ecr_repository.job[0].image_tag_mutability == "IMMUTABLE" && one(aws_ecr_repository.job[0].image_scanning_configuration).scan_on_push
    error_message = "Images are scanned, and tags stay what they are."
  }
}
