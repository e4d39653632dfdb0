# The root module, and the module as others call it. What a lake's plan must say is in modules/lake/tests.

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

run "variables_reach_the_lake" {
  command = plan
  variables {
    name_prefix       = "mine"
    irceline_url      = "http://127.0.0.1:8080/api/v1/"
    schedules         = { irceline = { ingest = "05:00", aggregate = "07:00" } }
    batch             = false
    datasets          = ["irceline"]
    region            = "eu-west-1"
    log_level         = "WARN"
    functions         = { clean = { timeout = 60 } }
    alarm_email       = "me@example.org"
    own_datasets      = ["trams"]
    clean_concurrency = 8
    digest            = { hour = 9 }
  }

  assert {
    condition     = output.buckets.raw == "mine-000000000000-raw" && output.batch == null && !contains(keys(output.try), "subscribe") && output.lake_settings.IRCELINE_URL == "http://127.0.0.1:8080/api/v1/" && endswith(output.try.digest, ":stateMachine:mine-digest")
    error_message = "The root passes on what is set."
  }
}

run "without_variables" {
  command = plan

  assert {
    condition     = output.buckets.raw == "tributary-000000000000-raw" && length(output.functions) == 3
    error_message = "Every variable has a default."
  }
}

run "two_lakes_in_one_account_and_region" {
  command = apply
  variables { packages_dir = "../target/lambda" }
  module { source = "./tests/two_lakes" }

  assert {
    condition     = length(distinct(flatten([for lake in values(output.lakes) : values(lake.buckets)]))) == 14 && length(distinct(flatten([for lake in values(output.lakes) : values(lake.functions)]))) == 6
    error_message = "Each has buckets and functions of its own."
  }
  assert {
    condition     = output.lakes["schools"].athena.database == "schools" && output.lakes["air-quality"].athena.database == "air_quality"
    error_message = "And a database."
  }
}

# Terraform drops attributes that an object does not have: a slip would leave a setting at its default.
run "no_attributes_that_are_none" {
  command = plan
  variables {
    functions              = { clean = { timout = 60 } }
    schedules              = { irceline = { quiet_day = 3 } }
    holidays               = { irceline = { days = [{ from = "2026-12-21", until = "2027-01-03" }] } }
    job                    = { cpu = 2 }
    readers                = { consumtion = ["111122223333"] }
    analysts               = { trusted = ["111122223333"], personnal = true }
    sweep                  = { hours = 8 }
    fresh                  = { energy_usage = { table = "reading", quiet = 3 } }
    digest                 = { zone = "UTC" }
    slack                  = { team = "T0123ABCD", channel = "C0123ABCD", name = "lake" }
    job_network            = { subnets = ["subnet-1"], security_groups = ["sg-1"], public = true }
    functions_network      = { subnets = ["subnet-1"], security_groups = ["sg-1"], public_ip = true }
    raw_cheaper_after_days = { standard_ia = 60, glacier_ir = 180, deep_archive = 365 }
  }
  expect_failures = [
    var.functions,
    var.schedules,
    var.holidays,
    var.job,
    var.readers,
    var.analysts,
    var.sweep,
    var.fresh,
    var.digest,
    var.slack,
    var.job_network,
    var.functions_network,
    var.raw_cheaper_after_days,
  ]
}

run "no_function_that_is_none" {
  command = plan
  variables { functions = { cleen = { timeout = 60 } } }
  expect_failures = [var.functions]
}
