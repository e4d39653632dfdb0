# What AWS asks for and an emulator never notices, and what an organization brings along; as lake.tftest.hcl.

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

run "names_that_aws_makes_small_are_small" {
  command = plan

  assert {
    condition     = alltrue(flatten([for table in values(aws_glue_catalog_table.lake) : concat([table.name == lower(table.name)], [for column in one(table.storage_descriptor).columns : column.name == lower(column.name)], [for key in table.partition_keys : key.name == lower(key.name)])]))
    error_message = "Glue makes names of tables, columns and partitions small: others differ in every plan."
  }
  assert {
    condition     = contains(one(aws_glue_catalog_table.lake["illuminate_assessment_results_group"].storage_descriptor).columns[*].name, "standard_no_standard")
    error_message = "The column that its dataset writes with capitals."
  }
  assert {
    condition     = aws_glue_catalog_database.lake.name == lower(aws_glue_catalog_database.lake.name) && alltrue([for bucket in values(aws_s3_bucket.lake) : bucket.bucket == lower(bucket.bucket)]) && aws_ecr_repository.job[0].name == lower(aws_ecr_repository.job[0].name)
    error_message = "Databases, buckets and repositories have small names."
  }
}

run "policies_fit_at_fifty_datasets" {
  command = plan
  variables { own_datasets = [for i in range(50) : "a_dataset_with_a_long_name_${i}"] }

  # IAM counts what is not blank: an inline policy may have 10,240 characters in all, a trust policy 2,048.
  assert {
    condition     = alltrue([for policy in values(aws_iam_role_policy.lake) : length(policy.policy) < 6144])
    error_message = "Policies do not grow with the number of datasets."
  }
  assert {
    condition     = alltrue([for policy in values(aws_s3_bucket_policy.lake) : length(policy.policy) < 20480]) && length(aws_cloudwatch_metric_alarm.rejects) == 55
    error_message = "Nor do those of buckets, and every dataset has its alarm."
  }
}

run "zones_are_those_that_there_are" {
  command = plan

  assert {
    condition     = toset(values(aws_subnet.job)[*].availability_zone) == toset(["eu-west-1a", "eu-west-1b"])
    error_message = "Availability zones are looked up."
  }
}

run "jobs_reach_sources_at_the_ports_of_their_urls" {
  command = plan
  variables {
    irceline_url  = "http://air.example/api/"
    codetrack_url = "https://course.example:8443/api"
  }

  assert {
    condition     = toset(one(aws_security_group.job).egress[*].to_port) == toset([443, 80, 8443])
    error_message = "HTTPS, and what the URLs name."
  }
}

run "jobs_speak_https_alone_by_default" {
  command = plan

  assert {
    condition     = one(aws_security_group.job).egress[*].to_port == tolist([443])
    error_message = "Port 443 and no other."
  }
}

run "a_secret_without_the_letters_that_aws_adds" {
  command = plan
  variables {
    illuminate_url    = "https://school.example/live/"
    illuminate_secret = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:schools/illuminate"
  }

  assert {
    condition     = strcontains(aws_iam_role_policy.lake["ingest"].policy, "secret:schools/illuminate-??????")
    error_message = "IAM compares the whole ARN."
  }
}

run "a_secret_whose_name_ends_as_if_by_aws" {
  command = plan
  variables {
    illuminate_url    = "https://school.example/live/"
    illuminate_secret = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:lake/illuminate-secret"
  }

  assert {
    condition     = alltrue([for arn in ["illuminate-secret", "illuminate-secret-??????"] : strcontains(aws_iam_role_policy.lake["ingest"].policy, "secret:lake/${arn}\"")])
    error_message = "It may be the whole ARN, or lack the letters."
  }
}

run "no_secret_by_name" {
  command = plan
  variables { illuminate_secret = "illuminate" }
  expect_failures = [var.illuminate_secret]
}

run "no_memory_that_fargate_lacks" {
  command = plan
  variables { job = { vcpu = 2, memory = 2048 } }
  expect_failures = [var.job]
}

run "no_memory_between_steps" {
  command = plan
  variables { job = { vcpu = 8, memory = 18432 } }
  expect_failures = [var.job]
}

run "memory_that_fargate_has" {
  command = plan
  variables { job = { vcpu = 0.5, memory = 4096 } }
}

run "days_are_named_unless_there_is_a_first" {
  command = plan

  assert {
    condition     = aws_glue_catalog_table.lake["irceline_station"].parameters["projection.date.type"] == "injected" && strcontains(aws_glue_catalog_table.lake["irceline_station"].description, "\"date\"")
    error_message = "A query that names no day would cost a request for each day since 2000; the table says so."
  }
  assert {
    condition     = strcontains(aws_glue_catalog_table.lake["codetrack_weekly_scores"].description, "\"cohort\"") && strcontains(aws_glue_catalog_table.lake["codetrack_weekly_scores"].description, "percent-encoded")
    error_message = "A cohort is named as it stands in the key."
  }
  assert {
    condition     = aws_glue_catalog_table.lake["irceline_measurement"].description == null
    error_message = "A month needs no hint."
  }
}

run "days_from_a_first" {
  command = plan
  variables { daily_since = "2026-01-01" }

  assert {
    condition     = aws_glue_catalog_table.lake["irceline_station"].parameters["projection.date.range"] == "2026-01-01,NOW+1DAYS"
    error_message = "The first day asked for."
  }
}

run "the_age_of_data_by_the_table_that_measures" {
  command = plan

  assert {
    condition     = [for query in aws_cloudwatch_metric_alarm.no_new_data["irceline"].metric_query : one(query.metric).dimensions if length(query.metric) > 0] == [tomap({ Dataset = "irceline", Table = "measurement" })]
    error_message = "Lists of stations do not keep it green."
  }
  assert {
    condition     = [for query in aws_cloudwatch_metric_alarm.no_new_data["irceline"].metric_query : query.expression if query.return_data == true] == ["FILL(age, 9999)"] && aws_cloudwatch_metric_alarm.no_new_data["irceline"].evaluation_periods == 1 && aws_cloudwatch_metric_alarm.no_new_data["irceline"].threshold == 2
    error_message = "A report that is missing counts at once."
  }
}

run "quiet_days_of_none_are_no_alarm" {
  command = plan
  variables { schedules = { irceline = { quiet_days = 0 } } }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.no_new_data) == 0
    error_message = "Switched off."
  }
}

run "holidays_are_quiet" {
  command = plan
  variables {
    fresh    = { energy_usage = { table = "reading", quiet_days = 3 } }
    holidays = { energy_usage = { months = [12, 1, 8], days = [{ from = "2026-05-29", to = "2026-05-30" }] } }
  }

  assert {
    condition = [for query in aws_cloudwatch_metric_alarm.no_new_data["energy_usage"].metric_query : query.expression if query.return_data == true] == [join("", [
      "IF((inyear >= 1201 || inyear <= 103) || (inyear >= 101 && inyear <= 203) || (inyear >= 801 && inyear <= 903)",
      " || (today >= 20260529 && today <= 20260602)",
      ", 0, FILL(age, 9999))",
    ])]
    error_message = "Months, and days, and the quiet days after."
  }
  assert {
    condition = { for query in aws_cloudwatch_metric_alarm.no_new_data["energy_usage"].metric_query : query.id => query.expression if contains(["inyear", "today"], query.id) } == {
      inyear = "MONTH(age) * 100 + DATE(age)"
      today  = "YEAR(age) * 10000 + MONTH(age) * 100 + DATE(age)"
    } && length(aws_cloudwatch_metric_alarm.no_new_data["irceline"].metric_query) == 2
    error_message = "The day, where it is asked for."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.no_new_data["energy_usage"].threshold == 3
    error_message = "An upload is watched too."
  }
}

run "no_holidays_backwards" {
  command = plan
  variables { holidays = { irceline = { days = [{ from = "2026-05-30", to = "2026-05-29" }] } } }
  expect_failures = [var.holidays]
}

run "no_holidays_of_a_dataset_that_is_none" {
  command = plan
  variables { holidays = { codetrak = { months = [7] } } }
  expect_failures = [var.holidays]
}

run "no_watch_on_a_dataset_that_is_none" {
  command = plan
  variables { fresh = { energy = { table = "reading" } } }
  expect_failures = [var.fresh]
}

run "no_watch_on_a_table_that_is_none" {
  command = plan
  variables { fresh = { energy_usage = { table = "readings" } } }
  expect_failures = [var.fresh]
}

run "own_datasets_are_watched_whose_tables_are_not_known" {
  command = plan
  variables {
    own_datasets = ["trams"]
    fresh        = { trams = { table = "position" } }
    holidays     = { trams = { months = [8] } }
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.no_new_data["trams"].threshold == 2
    error_message = "A name is enough."
  }
}

run "own_datasets_have_what_built_in_ones_have" {
  command = plan
  variables {
    own_datasets_file = "tests/own_datasets.json"
    fresh             = { trams = { table = "Position", quiet_days = 1 } }
    dashboard         = true
  }

  assert {
    condition     = aws_glue_catalog_table.lake["trams_position"].parameters["storage.location.template"] == "s3://tributary-000000000000-standard/trams/Position/month=$${month}/" && contains(keys(aws_glue_catalog_table.lake), "trams_delay_by_day")
    error_message = "Tables and models in Athena; places as the lake has them."
  }
  assert {
    condition     = contains(keys(aws_cloudwatch_metric_alarm.rejects), "trams") && aws_cloudwatch_metric_alarm.no_new_data["trams"].threshold == 1 && strcontains(aws_cloudwatch_dashboard.lake[0].dashboard_body, "trams: rows")
    error_message = "Alarms and graphs."
  }
}

run "no_file_of_datasets_that_is_not_there" {
  command = plan
  variables { own_datasets_file = "tests/nowhere.json" }
  expect_failures = [var.own_datasets_file]
}

run "a_lake_of_one_dataset" {
  command = plan
  variables { datasets = ["irceline"] }

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.rejects)) == toset(["irceline"]) && alltrue([for name in keys(aws_glue_catalog_table.lake) : startswith(name, "irceline_")]) && length(aws_cloudwatch_dashboard.lake) == 0
    error_message = "Tables and alarms of that one; no dashboard unless it is wanted."
  }
}

run "no_dataset_that_is_none" {
  command = plan
  variables { datasets = ["weather"] }
  expect_failures = [var.datasets]
}

run "without_batch_there_is_no_network" {
  command = plan
  variables { batch = false }

  assert {
    condition     = length(aws_vpc.job) + length(aws_subnet.job) + length(aws_security_group.job) + length(aws_batch_job_queue.job) + length(aws_ecr_repository.job) == 0
    error_message = "No job, no image, no network."
  }
  assert {
    condition     = !anytrue([for name in keys(one(aws_lambda_function.lake["clean"].environment).variables) : startswith(name, "BATCH_")]) && !strcontains(aws_iam_role_policy.lake["clean"].policy, "batch:") && !contains(keys(aws_iam_role.lake), "job")
    error_message = "Functions hand nothing over, and may not."
  }
}

run "networks_of_an_organization" {
  command = apply
  variables {
    force_destroy     = true
    job_network       = { subnets = ["subnet-1"], security_groups = ["sg-1"] }
    functions_network = { subnets = ["subnet-2", "subnet-3"], security_groups = ["sg-2"] }
  }

  assert {
    condition     = length(aws_vpc.job) == 0 && one(aws_batch_compute_environment.job[0].compute_resources).subnets == toset(["subnet-1"]) && jsondecode(aws_batch_job_definition.job[0].container_properties).networkConfiguration.assignPublicIp == "DISABLED"
    error_message = "Jobs run in the subnets that there are."
  }
  assert {
    condition     = one(aws_lambda_function.lake["ingest"].vpc_config).subnet_ids == toset(["subnet-2", "subnet-3"]) && strcontains(aws_iam_role_policy.lake["ingest"].policy, "ec2:CreateNetworkInterface")
    error_message = "So do functions."
  }
}

run "buckets_of_an_organization" {
  command = plan
  variables { buckets = { raw = "our-raw-data", logs = "our-logs" } }

  assert {
    condition     = toset(keys(aws_s3_bucket.lake)) == toset(["standard", "rejection", "consumption", "ledger", "athena"]) && toset(keys(aws_s3_bucket_policy.lake)) == toset(keys(aws_s3_bucket.lake))
    error_message = "What is there is left as it is."
  }
  assert {
    condition     = aws_s3_bucket_notification.news["clean"].bucket == "our-raw-data" && one(aws_lambda_function.lake["clean"].environment).variables.RAW_URL == "s3://our-raw-data" && aws_s3_bucket_logging.lake["ledger"].target_bucket == "our-logs"
    error_message = "And used."
  }
  assert {
    condition     = strcontains(aws_iam_role_policy.lake["clean"].policy, "arn:aws:s3:::our-raw-data/*") && strcontains(aws_sqs_queue_policy.lake["clean"].policy, "arn:aws:s3:::our-raw-data")
    error_message = "With rights."
  }
}

run "roles_of_an_organization" {
  command = plan
  variables {
    role_path            = "/data/"
    permissions_boundary = "arn:aws:iam::000000000000:policy/bound"
    tags                 = { team = "air" }
  }

  assert {
    condition     = alltrue([for role in values(aws_iam_role.lake) : role.path == "/data/" && role.permissions_boundary == "arn:aws:iam::000000000000:policy/bound" && role.tags == tomap({ project = "tributary", deployment = "tributary", team = "air" })])
    error_message = "Path, boundary and tags."
  }
  assert {
    condition     = alltrue([for bucket in values(aws_s3_bucket.lake) : bucket.tags.team == "air"]) && aws_cloudwatch_metric_alarm.broken_datasets.tags.team == "air" && aws_batch_job_queue.job[0].tags.team == "air"
    error_message = "Tags are on everything."
  }
}

run "one_key_for_everything" {
  command = plan
  variables { kms_key = "arn:aws:kms:eu-west-1:000000000000:key/11111111-2222-3333-4444-555555555555" }

  assert {
    condition = alltrue([
      for name, encryption in aws_s3_bucket_server_side_encryption_configuration.lake :
      one(one(encryption.rule).apply_server_side_encryption_by_default).sse_algorithm == (name == "logs" ? "AES256" : "aws:kms")
    ])
    error_message = "Buckets, but the one that S3 writes access logs to."
  }
  assert {
    condition     = alltrue([for queue in concat(values(aws_sqs_queue.work), values(aws_sqs_queue.dead)) : queue.kms_master_key_id == var.kms_key]) && aws_sns_topic.alarms.kms_master_key_id == var.kms_key
    error_message = "Queues and topic."
  }
  assert {
    condition     = alltrue([for group in values(aws_cloudwatch_log_group.lake) : group.kms_key_id == var.kms_key]) && alltrue([for function in values(aws_lambda_function.lake) : function.kms_key_arn == var.kms_key]) && alltrue([for schedule in values(aws_scheduler_schedule.lake) : schedule.kms_key_arn == var.kms_key])
    error_message = "Logs, functions, schedules."
  }
  assert {
    condition     = alltrue([for policy in values(aws_iam_role_policy.lake) : strcontains(policy.policy, "kms:GenerateDataKey")]) && strcontains(output.kms_key_statement, "logs.eu-west-1.amazonaws.com")
    error_message = "Every role may use it, and the output says what its policy needs."
  }
}

run "one_prefix_in_two_regions" {
  command = plan
  variables {
    region_in_names = true
    dashboard       = true
  }

  assert {
    condition     = alltrue([for bucket in values(aws_s3_bucket.lake) : strcontains(bucket.bucket, "-eu-west-1-") && length(bucket.bucket) <= 63]) && alltrue([for role in values(aws_iam_role.lake) : endswith(role.name, "-eu-west-1")]) && aws_cloudwatch_dashboard.lake[0].dashboard_name == "tributary-eu-west-1"
    error_message = "What an account has once for all regions has the region in its name."
  }
}

run "the_longest_names_are_short_enough" {
  command = plan
  variables {
    name_prefix     = "twenty-letters-long1"
    region_in_names = true
  }
  assert {
    condition     = alltrue([for bucket in values(aws_s3_bucket.lake) : length(bucket.bucket) <= 58]) && alltrue([for role in values(aws_iam_role.lake) : length(role.name) <= 59])
    error_message = "Of 63 and 64 characters, with five more for the longest region."
  }
}

run "analysts_read_consumption" {
  command = plan
  variables { analysts = { trusted = ["111122223333", "arn:aws:iam::111122223333:role/people"] } }

  assert {
    condition     = jsondecode(aws_iam_role.analyst["analyst"].assume_role_policy).Statement[0].Principal.AWS == ["arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:role/people"]
    error_message = "Only those who are trusted take the role."
  }
  assert {
    condition = alltrue(flatten([
      for statement in jsondecode(aws_iam_role_policy.analyst["analyst"].policy).Statement : [
        for resource in statement.Resource : !strcontains(resource, "-raw") && !strcontains(resource, "-rejection") && !strcontains(resource, "-standard") && !strcontains(resource, "-ledger")
      ] if statement.Effect == "Allow"
    ]))
    error_message = "Neither raw nor rejection, and standard only if asked for."
  }
  assert {
    condition     = anytrue(flatten([for policy in aws_iam_policy.closed : [for statement in jsondecode(policy.policy).Statement : statement.Effect == "Deny" && endswith(statement.Resource[0], "-consumption/*/_personal/*")]]))
    error_message = "Nor what is personal."
  }
  # Names of personal columns differ from model to model; what has any is closed, whatever its name.
  assert {
    condition = alltrue([
      for key in ["*/_personal/*", "codetrack/learner_week/*", "codetrack/weekly_scores/*", "codetrack/learners_overview.csv*", "illuminate/students_overview/*"] :
      anytrue(flatten([for policy in aws_iam_policy.closed : [for statement in jsondecode(policy.policy).Statement : statement.Effect == "Deny" && contains(statement.Resource, "arn:aws:s3:::tributary-000000000000-consumption/${key}")]]))
    ])
    error_message = "Nor models and files with personal columns."
  }
  assert {
    condition     = !strcontains(join("", values(aws_iam_policy.closed)[*].policy), "irceline") && !strcontains(join("", values(aws_iam_policy.closed)[*].policy), "-standard")
    error_message = "Nothing else is closed."
  }
  assert {
    condition     = alltrue([for policy in aws_iam_policy.closed : [for statement in jsondecode(policy.policy).Statement : statement.Effect] == ["Deny"]]) && keys(aws_iam_role_policy_attachment.closed) == keys(aws_iam_policy.closed) && alltrue([for attachment in aws_iam_role_policy_attachment.closed : attachment.role == "tributary-analyst"])
    error_message = "These policies only take away, and the role has them."
  }
  # Results of those who may read more are theirs.
  assert {
    condition = toset(flatten([
      for statement in jsondecode(aws_iam_role_policy.analyst["analyst"].policy).Statement : [for resource in statement.Resource : resource if strcontains(resource, "-athena/") || strcontains(resource, ":workgroup/")]
    ])) == toset(["arn:aws:s3:::tributary-000000000000-athena/analysts/*", "arn:aws:athena:eu-west-1:000000000000:workgroup/tributary-analysts"])
    error_message = "Analysts read results of their own workgroup alone."
  }
  assert {
    condition = (
      one(one(aws_athena_workgroup.analyst["analyst"].configuration).result_configuration).output_location == "s3://tributary-000000000000-athena/analysts/" &&
      one(aws_athena_workgroup.analyst["analyst"].configuration).enforce_workgroup_configuration && aws_athena_workgroup.analyst["analyst"].name == output.athena.analysts
    )
    error_message = "And write them there, whatever a query asks for."
  }
}

# A dataset is closed until what is personal of it is known.
run "analysts_of_own_datasets" {
  command = plan
  variables {
    analysts          = { trusted = ["111122223333"], standard = true }
    readers           = { consumption = ["111122223333"], standard = ["111122223333"] }
    own_datasets_file = "tests/own_datasets.json"
    own_datasets      = ["buses"]
  }

  assert {
    condition = alltrue([
      for key in ["consumption/trams/driver_day/*", "consumption/trams/drivers.csv*", "standard/trams/Position/*", "standard/codetrack/learner/*", "consumption/buses/*", "standard/buses/*"] :
      strcontains(join("", values(aws_iam_policy.closed)[*].policy), "tributary-000000000000-${key}\"")
    ])
    error_message = "What the file names is closed, and all of what it does not know."
  }
  assert {
    condition     = strcontains(aws_s3_bucket_policy.lake["standard"].policy, "-standard/trams/Position/*\"") && strcontains(aws_s3_bucket_policy.lake["consumption"].policy, "-consumption/trams/driver_day/*\"") && strcontains(aws_s3_bucket_policy.lake["standard"].policy, "role/tributary-clean\"")
    error_message = "To readers as well; cleaning goes on."
  }
  assert {
    condition     = !strcontains(join("", values(aws_iam_policy.closed)[*].policy), "delay_by_day")
    error_message = "What is not personal stays open."
  }
}

run "readers_of_what_is_personal" {
  command = plan
  variables { readers = { consumption = ["111122223333"], personal = true } }

  assert {
    condition     = toset([for statement in jsondecode(aws_s3_bucket_policy.lake["consumption"].policy).Statement : statement.Sid]) == toset(["TlsOnly", "List", "Read"])
    error_message = "Where it is asked for."
  }
}

run "analysts_read_standard_where_wanted" {
  command = plan
  variables { analysts = { trusted = ["111122223333"], standard = true, personal = true } }

  assert {
    condition     = strcontains(aws_iam_role_policy.analyst["analyst"].policy, "-standard/*") && length(aws_iam_policy.closed) == 0 && !strcontains(aws_iam_role_policy.analyst["analyst"].policy, "-rejection") && strcontains(aws_iam_role_policy.analyst["analyst"].policy, "-athena/analysts-personal/*")
    error_message = "The zones asked for, never rejection."
  }
}

run "no_analysts_without_trust" {
  command = plan
  variables { analysts = { trusted = [] } }
  expect_failures = [var.analysts]
}

run "readers_of_other_accounts" {
  command = plan
  variables { readers = { consumption = ["111122223333"] } }

  assert {
    condition     = toset([for statement in jsondecode(aws_s3_bucket_policy.lake["consumption"].policy).Statement : statement.Sid]) == toset(["TlsOnly", "List", "Read", "Personal"]) && strcontains(aws_s3_bucket_policy.lake["consumption"].policy, "arn:aws:iam::111122223333:root")
    error_message = "Read, but for what is personal."
  }
  assert {
    condition     = alltrue([for zone in ["raw", "standard", "rejection", "ledger"] : !strcontains(aws_s3_bucket_policy.lake[zone].policy, "111122223333")])
    error_message = "No other zone."
  }
}

# One account may read both zones, and have analysts.
run "readers_of_this_account_do_not_stop_its_own_work" {
  command = plan
  variables {
    readers   = { consumption = ["000000000000", "111122223333"], standard = ["111122223333"] }
    analysts  = { trusted = ["111122223333"], personal = true }
    role_path = "/data/"
    kms_key   = "arn:aws:kms:eu-west-1:000000000000:key/11111111-2222-3333-4444-555555555555"
  }

  # A Deny for an account is one for each of its roles.
  assert {
    condition = [
      for statement in jsondecode(aws_s3_bucket_policy.lake["consumption"].policy).Statement : statement.Condition.ArnNotEquals["aws:PrincipalArn"] if statement.Sid == "Personal"
    ] == [["arn:aws:iam::000000000000:role/data/tributary-aggregate", "arn:aws:iam::000000000000:role/data/tributary-job", "arn:aws:iam::000000000000:role/data/tributary-analyst"]]
    error_message = "What is personal is closed to readers, and to no role of the lake that works on it."
  }
  assert {
    condition     = [for statement in jsondecode(output.kms_key_statement) : statement.Principal.AWS if statement.Sid == "LakeReaders"] == [["arn:aws:iam::000000000000:root", "arn:aws:iam::111122223333:root"]]
    error_message = "Readers decrypt what they may read."
  }
}

run "raw_events_for_others" {
  command = plan
  variables { raw_events_to_eventbridge = true }

  assert {
    condition     = aws_s3_bucket_notification.news["clean"].eventbridge && !aws_s3_bucket_notification.news["aggregate"].eventbridge
    error_message = "Of the raw bucket, beside the queue."
  }
}

run "one_variable_rolls_back" {
  command = apply
  variables {
    force_destroy     = true
    function_versions = { clean = "12" }
  }

  assert {
    condition     = aws_lambda_alias.live["clean"].function_version == "12" && aws_lambda_alias.live["ingest"].function_version == aws_lambda_function.lake["ingest"].version
    error_message = "The version asked for, else the newest."
  }
  assert {
    condition     = alltrue([for function in values(aws_lambda_function.lake) : function.publish])
    error_message = "Every deployment is a version."
  }
  assert {
    condition     = aws_lambda_event_source_mapping.clean.function_name == aws_lambda_alias.live["clean"].arn && aws_lambda_event_source_mapping.aggregate.function_name == aws_lambda_alias.live["aggregate"].arn && alltrue([for name, schedule in aws_scheduler_schedule.lake : contains(values(aws_lambda_alias.live)[*].arn, one(schedule.target).arn)])
    error_message = "Queues and schedules call the alias."
  }
  assert {
    condition     = alltrue([for config in values(aws_lambda_function_event_invoke_config.lake) : config.qualifier == "live"])
    error_message = "And what it fails at is kept."
  }
}

run "no_version_that_is_none" {
  command = plan
  variables { function_versions = { clean = "newest" } }
  expect_failures = [var.function_versions]
}

run "a_lake_is_kept_unless_it_may_be_thrown_away" {
  command = plan

  assert {
    condition     = length(terraform_data.keep) == 1
    error_message = "Its destruction is refused."
  }
  # tests/upgrade.sh sees that a plan with others is refused.
  assert {
    condition     = { for zone, bucket in aws_s3_bucket.lake : zone => terraform_data.names[zone].triggers_replace } == { for zone, bucket in aws_s3_bucket.lake : zone => bucket.bucket } && terraform_data.names["lake"].triggers_replace == "tributary in eu-west-1"
    error_message = "And so are other names for what it has."
  }
}

run "a_lake_that_may_be_thrown_away" {
  command = plan
  variables { force_destroy = true }

  assert {
    condition     = length(terraform_data.keep) + length(terraform_data.names) == 0
    error_message = "It is not."
  }
}

run "topics_are_subscribed_to" {
  command = plan

  assert {
    condition     = strcontains(output.try.subscribe, "sns subscribe") && alltrue([for tool in ["", "_with_podman", "_with_docker"] : contains(keys(output.try), "push_image${tool}")])
    error_message = "What is still to be done is said, for each tool."
  }
}

# Mails and chats show an alarm by its description. CloudWatch takes 1,024 characters of it.
run "alarms_say_what_where_what_to_do_and_where_to_look" {
  command = plan
  variables {
    name_prefix       = "twenty-letters-long1"
    illuminate_url    = "https://school.example/live/"
    illuminate_secret = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:illuminate-AbCdEf"
    codetrack_url     = "https://course.example/api/"
    own_datasets      = ["a_dataset_with_quite_a_long_name"]
    fresh             = { a_dataset_with_quite_a_long_name = { table = "and_a_table_with_quite_a_long_name" }, energy_usage = { table = "reading" } }
    buckets           = { for zone in ["raw", "rejection", "ledger"] : zone => "a-bucket-of-an-organization-with-a-name-that-is-longest-${zone}" }
  }
  override_data {
    target = data.aws_region.current
    values = { region = "ap-southeast-1" }
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.dead_letters), values(aws_cloudwatch_metric_alarm.errors), values(aws_cloudwatch_metric_alarm.oldest_message), [aws_cloudwatch_metric_alarm.broken_datasets], values(aws_cloudwatch_metric_alarm.no_new_data), values(aws_cloudwatch_metric_alarm.rejects)) :
      length(alarm.alarm_description) <= 1024 && [for line in split("\n", alarm.alarm_description) : split(":", line)[0]] == ["What", "Where", "Do", "Look"] && can(regex("\nDo: .*`(aws|tributary) [^`]+`.*\nLook: https://ap-southeast-1.console.aws.amazon.com/[^ ]+$", alarm.alarm_description))
    ])
    error_message = "Four lines, with a command and a link, short enough."
  }
  assert {
    condition     = toset(local.alarm_names) == toset(concat(values(aws_cloudwatch_metric_alarm.dead_letters)[*].alarm_name, values(aws_cloudwatch_metric_alarm.errors)[*].alarm_name, values(aws_cloudwatch_metric_alarm.oldest_message)[*].alarm_name, [aws_cloudwatch_metric_alarm.broken_datasets.alarm_name], values(aws_cloudwatch_metric_alarm.no_new_data)[*].alarm_name, values(aws_cloudwatch_metric_alarm.rejects)[*].alarm_name))
    error_message = "The digest knows every alarm."
  }
  assert {
    condition     = strcontains(aws_cloudwatch_metric_alarm.no_new_data["irceline"].alarm_description, "'{\"source\":\"irceline\"}'") && !strcontains(aws_cloudwatch_metric_alarm.no_new_data["energy_usage"].alarm_description, "ingest") && strcontains(aws_cloudwatch_metric_alarm.no_new_data["energy_usage"].alarm_description, "s3://a-bucket-of-an-organization-with-a-name-that-is-longest-raw/energy_usage/")
    error_message = "A source is asked, an upload is made by people."
  }
  assert {
    condition     = endswith(aws_cloudwatch_metric_alarm.errors["clean"].alarm_description, "#logsV2:logs-insights$3FqueryDetail$3D~(end~0~start~-86400~timeType~'RELATIVE~unit~'seconds~editorString~'filter*20level*20*3D*20*27ERROR*27*20*7C*20sort*20*40timestamp*20desc~source~(~'*2Faws*2Flambda*2Ftwenty-letters-long1-clean))")
    error_message = "The errors of a day, in Logs Insights."
  }
}

run "work_that_failed_is_told" {
  command = apply
  variables { force_destroy = true }

  assert {
    condition     = toset(keys(aws_cloudwatch_event_rule.message)) == toset(["ingest", "clean", "aggregate", "job"]) && toset(keys(aws_cloudwatch_event_target.message)) == toset(keys(aws_cloudwatch_event_rule.message))
    error_message = "Functions and jobs, to one topic."
  }
  assert {
    condition     = alltrue([for target in values(aws_cloudwatch_event_target.message) : target.arn == "arn:aws:sns:eu-west-1:000000000000:tributary-alarms"])
    error_message = "That of the alarms."
  }
  assert {
    condition = alltrue([
      for target in values(aws_cloudwatch_event_target.message) :
      [for line in split("\n", one(target.input_transformer).input_template) : regex("^\"(What|Where|Do|Look): [^\"]+\"$", line)[0]] == ["What", "Where", "Do", "Look"] &&
      toset(flatten(regexall("<([a-z]+)>", one(target.input_transformer).input_template))) == toset(keys(one(target.input_transformer).input_paths))
    ])
    error_message = "Four lines in quotes, none inside, and every value is used."
  }
  assert {
    condition     = alltrue([for config in values(aws_lambda_function_event_invoke_config.lake) : one(one(config.destination_config).on_failure).destination == aws_cloudwatch_event_bus.runs.arn]) && aws_cloudwatch_event_target.run_failed.arn == aws_sqs_queue.dead["failed-runs"].arn && jsondecode(aws_cloudwatch_event_rule.run_failed.event_pattern) == { account = ["000000000000"] }
    error_message = "All that comes on the bus is kept."
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.message["job"].event_pattern).detail.arrayProperties == { index = [{ exists = false }] } && !strcontains(aws_cloudwatch_event_rule.job_failed[0].event_pattern, "arrayProperties")
    error_message = "The queue has each child of an array, people get one message."
  }
  # EventBridge gives SNS no source: with a condition nothing would come.
  assert {
    condition     = [for statement in jsondecode(aws_sns_topic_policy.alarms.policy).Statement : keys(statement) if statement.Principal == { Service = "events.amazonaws.com" }] == [["Action", "Effect", "Principal", "Resource", "Sid"]]
    error_message = "Rules may publish."
  }
  assert {
    condition     = length(aws_sns_topic.chat) + length(aws_iam_policy.guardrail) + length(aws_chatbot_slack_channel_configuration.chat) + length(aws_sfn_state_machine.digest) + length(aws_scheduler_schedule.digest) == 0 && !contains(keys(aws_iam_role.lake), "chat") && !contains(keys(aws_iam_role.lake), "digest") && !strcontains(aws_iam_role_policy.lake["schedule"].policy, "states:")
    error_message = "Neither chat nor digest unless asked for."
  }
}

run "without_batch_no_message_of_jobs" {
  command = plan
  variables { batch = false }

  assert {
    condition     = toset(keys(aws_cloudwatch_event_rule.message)) == toset(["ingest", "clean", "aggregate"])
    error_message = "Of functions alone."
  }
}

run "alarms_and_messages_in_slack" {
  command = apply
  variables {
    force_destroy = true
    slack         = { team = "T0123ABCD", channel = "C0123ABCD" }
    digest        = {}
    kms_key       = "arn:aws:kms:eu-west-1:000000000000:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = aws_chatbot_slack_channel_configuration.chat["chat"].slack_team_id == "T0123ABCD" && aws_chatbot_slack_channel_configuration.chat["chat"].slack_channel_id == "C0123ABCD" && aws_chatbot_slack_channel_configuration.chat["chat"].sns_topic_arns == toset([aws_sns_topic.alarms.arn, aws_sns_topic.chat["chat"].arn])
    error_message = "The channel gets both topics."
  }
  assert {
    condition     = aws_chatbot_slack_channel_configuration.chat["chat"].guardrail_policy_arns == tolist([aws_iam_policy.guardrail["chat"].arn]) && aws_chatbot_slack_channel_configuration.chat["chat"].iam_role_arn == aws_iam_role.lake["chat"].arn && aws_iam_policy.guardrail["chat"].policy == aws_iam_role_policy.lake["chat"].policy
    error_message = "Nobody in it can do more than its role."
  }
  assert {
    condition     = toset(flatten([for statement in jsondecode(aws_iam_role_policy.lake["chat"].policy).Statement : statement.Action])) == toset(["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricWidgetImage"]) && jsondecode(aws_iam_role.lake["chat"].assume_role_policy).Statement[0].Principal == { Service = "chatbot.amazonaws.com" }
    error_message = "It looks at alarms."
  }
  assert {
    condition = toset(keys(aws_cloudwatch_event_target.message)) == toset(flatten([for name in keys(aws_cloudwatch_event_rule.message) : [name, "${name}-chat"]])) && alltrue([
      for name, target in aws_cloudwatch_event_target.message :
      target.arn == "arn:aws:sns:eu-west-1:000000000000:tributary-chat" && jsondecode(one(target.input_transformer).input_template).source == "custom" && !strcontains(one(target.input_transformer).input_template, "<error>") && !strcontains(one(target.input_transformer).input_template, "<reason>")
      if endswith(name, "-chat")
    ])
    error_message = "In the form that it shows, and without texts that could break it."
  }
  assert {
    condition     = aws_sns_topic.chat["chat"].kms_master_key_id == var.kms_key && one(aws_sfn_state_machine.digest["digest"].encryption_configuration).kms_key_id == var.kms_key && aws_scheduler_schedule.digest["digest"].kms_key_arn == var.kms_key && strcontains(output.kms_key_statement, "tributary-chat")
    error_message = "With the lake's key."
  }
  assert {
    condition     = jsondecode(aws_sfn_state_machine.digest["digest"].definition).States.Mail.Next == "Chat" && contains(keys(aws_cloudwatch_event_rule.message), "digest")
    error_message = "The digest as well; if it fails, it says so."
  }
}

run "no_slack_by_name" {
  command = plan
  variables { slack = { team = "our-company", channel = "#alarms" } }
  expect_failures = [var.slack]
}

run "a_digest_on_fridays" {
  command = plan
  variables {
    digest            = { day = "FRI", hour = 16, time_zone = "Europe/Brussels", pages = "https://lake.example.org/" }
    own_datasets_file = "tests/own_datasets.json"
  }

  assert {
    condition     = aws_scheduler_schedule.digest["digest"].schedule_expression == "cron(0 16 ? * FRI *)" && aws_scheduler_schedule.digest["digest"].schedule_expression_timezone == "Europe/Brussels" && length(one(aws_scheduler_schedule.digest["digest"].target).dead_letter_config) == 1
    error_message = "At the time asked for."
  }
  assert {
    condition     = local.digest_page["irceline"] == "https://lake.example.org/irceline/report.html" && jsondecode(jsonencode(local.digest_steps)).Mail.End
    error_message = "Where pages open, and to mails alone."
  }
  assert {
    condition     = toset([for metric in local.digest_metrics : metric.dimensions.Table if metric.name == "NewestDataAge" && metric.dimensions.Dataset == "trams"]) == toset(keys(local.datasets["trams"].tables)) && length(local.digest_metrics) <= 500
    error_message = "Own datasets too."
  }
  assert {
    condition     = strcontains(aws_iam_role_policy.lake["schedule"].policy, "stateMachine:tributary-digest") && toset(flatten([for statement in jsondecode(aws_iam_role_policy.lake["digest"].policy).Statement : statement.Action])) == toset(["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "sns:Publish"])
    error_message = "It counts, and publishes."
  }
}

run "pages_in_the_console" {
  command = plan
  variables {
    digest       = {}
    own_datasets = ["trams"]
  }

  assert {
    condition     = local.digest_page["irceline"] == "https://eu-west-1.console.aws.amazon.com/s3/object/tributary-000000000000-consumption?region=eu-west-1&prefix=irceline/report.html" && endswith(local.digest_page["trams"], "-consumption?region=eu-west-1&prefix=trams/")
    error_message = "A built-in dataset has a page, of another its folder."
  }
}

run "no_digest_on_a_day_that_is_none" {
  command = plan
  variables { digest = { day = "Monday" } }
  expect_failures = [var.digest]
}

run "no_digest_at_half_past" {
  command = plan
  variables { digest = { hour = 8.5 } }
  expect_failures = [var.digest]
}

run "no_pages_without_encryption" {
  command = plan
  variables { digest = { pages = "http://lake.example.org" } }
  expect_failures = [var.digest]
}
