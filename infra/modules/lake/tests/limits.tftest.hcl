# What grows with a lake until AWS refuses it, and slips that a plan has to find; as lake.tftest.hcl.

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

run "analysts_of_fifty_datasets" {
  command = plan
  variables {
    name_prefix       = "twenty-letters-long1"
    region_in_names   = true
    analysts          = { trusted = ["111122223333"], standard = true }
    readers           = { consumption = ["111122223333"], standard = ["111122223333"] }
    kms_key           = "arn:aws:kms:eu-west-1:000000000000:key/11111111-2222-3333-4444-555555555555"
    own_datasets      = [for i in range(50) : "a_dataset_with_a_long_name_${i}"]
    own_datasets_file = "tests/own_datasets.json"
  }

  assert {
    condition     = length(aws_iam_role_policy.analyst["analyst"].policy) <= 10240 && alltrue([for policy in aws_iam_policy.closed : length(policy.policy) <= 6144]) && length(aws_iam_policy.closed) > 1 && length(aws_iam_policy.closed) <= 10
    error_message = "Each policy is as short as IAM wants it, and a role has ten of them."
  }
  assert {
    condition = toset(flatten([for policy in aws_iam_policy.closed : jsondecode(policy.policy).Statement[0].Resource])) == toset(flatten([
      for zone in ["standard", "consumption"] : [for key in local.personal[zone] : "arn:aws:s3:::twenty-letters-long1-000000000000-eu-west-1-${zone}/${key}"]
    ])) && contains(local.personal.standard, "a_dataset_with_a_long_name_49/*")
    error_message = "Together they close all of it."
  }
  assert {
    condition     = alltrue([for policy in values(aws_s3_bucket_policy.lake) : length(policy.policy) <= 20480])
    error_message = "So it is with the buckets' policies."
  }
}

run "no_analysts_of_more_than_a_role_can_have" {
  command = plan
  variables {
    analysts     = { trusted = ["111122223333"], standard = true }
    own_datasets = [for i in range(600) : "a_dataset_with_a_name_that_is_longer_still_${i}"]
  }
  expect_failures = [aws_iam_role.analyst]
}

run "silent_for_all_quiet_days_after_a_month" {
  command = plan
  variables {
    fresh    = { energy_usage = { table = "reading", quiet_days = 45 } }
    holidays = { energy_usage = { months = [7, 8] } }
  }

  assert {
    condition     = local.age_expression.energy_usage == "IF((inyear >= 701 && inyear <= 914) || (inyear >= 801 && inyear <= 1015), 0, FILL(age, 9999))"
    error_message = "Until 15 October, 45 days after August."
  }
}

run "silent_across_the_year" {
  command = plan
  variables {
    fresh    = { energy_usage = { table = "reading", quiet_days = 80 } }
    holidays = { energy_usage = { months = [11, 12] } }
  }

  assert {
    condition     = local.age_expression.energy_usage == "IF((inyear >= 1101 || inyear <= 218) || (inyear >= 1201 || inyear <= 321), 0, FILL(age, 9999))"
    error_message = "80 days after the year, and after November."
  }
}

run "silent_for_a_year" {
  command = plan
  variables {
    fresh    = { energy_usage = { table = "reading", quiet_days = 366 } }
    holidays = { energy_usage = { months = [7] } }
  }

  assert {
    condition     = local.age_expression.energy_usage == "IF(inyear > 0, 0, FILL(age, 9999))"
    error_message = "Who rests for almost a year always rests."
  }
}

run "holidays_of_ten_years" {
  command = plan
  variables {
    holidays = { irceline = { days = [for i in range(40) : { from = "${2026 + floor(i / 4)}-0${1 + 2 * (i % 4)}-20", to = "${2026 + floor(i / 4)}-0${1 + 2 * (i % 4)}-28" }] } }
  }

  assert {
    condition     = alltrue([for query in aws_cloudwatch_metric_alarm.no_new_data["irceline"].metric_query : length(query.expression) <= 2048 if query.expression != null]) && strcontains(local.age_expression.irceline, "today >= 20350720 && today <= 20350730")
    error_message = "Forty fit into what CloudWatch takes."
  }
}

run "no_more_holidays_than_cloudwatch_takes" {
  command = plan
  variables {
    holidays = { irceline = { days = [for i in range(60) : { from = "${2026 + i}-07-01", to = "${2026 + i}-07-08" }] } }
  }
  expect_failures = [aws_cloudwatch_metric_alarm.no_new_data]
}

run "no_two_tables_of_one_name" {
  command = plan
  variables { own_datasets_file = "tests/same_names.json" }
  expect_failures = [aws_glue_catalog_database.lake]
}

run "what_is_tried_is_what_is_deployed" {
  command = plan
  variables { function_versions = { clean = "12" } }

  assert {
    condition     = alltrue([for name in ["ingest_irceline", "sweep", "aggregate"] : can(regex("--function-name tributary-[a-z]+:live ", output.try[name]))])
    error_message = "After a roll-back as well: commands call what schedules call."
  }
}

run "no_port_that_is_none" {
  command = plan
  variables { irceline_url = "https://air.example:99999/api/" }
  expect_failures = [var.irceline_url]
}

run "no_port_in_letters" {
  command = plan
  variables { codetrack_url = "https://course.example:https/api" }
  expect_failures = [var.codetrack_url]
}

run "ports_that_are_some" {
  command = plan
  variables {
    irceline_url  = "http://[::1]:65535/api/"
    codetrack_url = "https://course.example:1"
  }
  assert {
    condition     = local.job_ports == toset(["443", "65535", "1"])
    error_message = "With the addresses that URLs know."
  }
}

run "no_time_zone_by_city" {
  command = plan
  variables { sweep = { time_zone = "Brussels" } }
  expect_failures = [var.sweep]
}

run "no_digest_in_a_zone_that_is_none" {
  command = plan
  variables { digest = { time_zone = "Europa/Brussels" } }
  expect_failures = [var.digest]
}

run "zones_of_places" {
  command = plan
  variables {
    sweep  = { time_zone = "America/Port-au-Prince" }
    digest = { time_zone = "America/Argentina/Buenos_Aires" }
  }
}

run "no_other_deployment_by_tag" {
  command = plan
  variables { tags = { deployment = "mine" } }
  expect_failures = [var.tags]
}

run "no_half_megabytes" {
  command = plan
  variables { functions = { clean = { memory = 1024.5 } } }
  expect_failures = [var.functions]
}

run "no_half_attempts" {
  command = plan
  variables { job = { attempts = 1.5 } }
  expect_failures = [var.job]
}
