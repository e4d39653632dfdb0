# What is too large for a function: the same work as an array job on Fargate. Costs nothing while no job runs.

resource "aws_batch_compute_environment" "job" {
  count = var.batch ? 1 : 0

  name  = local.job_name
  type  = "MANAGED"
  state = "ENABLED"
  tags  = local.tags

  compute_resources {
    type               = "FARGATE"
    max_vcpus          = var.job.max_vcpus
    subnets            = var.job_network == null ? values(aws_subnet.job)[*].id : var.job_network.subnets
    security_group_ids = var.job_network == null ? aws_security_group.job[*].id : var.job_network.security_groups
  }
}

resource "aws_batch_job_queue" "job" {
  count = var.batch ? 1 : 0

  name     = local.job_name
  state    = "ENABLED"
  priority = 1
  tags     = local.tags

  compute_environment_order {
    order               = 1
    compute_environment = aws_batch_compute_environment.job[0].arn
  }
}

resource "aws_batch_job_definition" "job" {
  count = var.batch ? 1 : 0

  name                  = local.job_name
  type                  = "container"
  platform_capabilities = ["FARGATE"]
  propagate_tags        = true
  tags                  = local.tags

  container_properties = jsonencode({
    image            = "${aws_ecr_repository.job[0].repository_url}:${var.image_tag}"
    command          = ["status"] # a job that is submitted has its own
    jobRoleArn       = aws_iam_role.lake["job"].arn
    executionRoleArn = aws_iam_role.lake["job-start"].arn

    user                   = "65532:65532"
    readonlyRootFilesystem = true
    volumes                = [{ name = "tmp" }] # of the job's own disk, for spilling
    mountPoints            = [{ sourceVolume = "tmp", containerPath = "/tmp", readOnly = false }]
    ephemeralStorage       = { sizeInGiB = var.job.disk }

    resourceRequirements = [
      { type = "VCPU", value = tostring(var.job.vcpu) },
      { type = "MEMORY", value = tostring(var.job.memory) },
    ]
    runtimePlatform = {
      operatingSystemFamily = "LINUX"
      cpuArchitecture       = upper(var.architecture)
    }
    fargatePlatformConfiguration = { platformVersion = "1.4.0" }
    networkConfiguration         = { assignPublicIp = try(var.job_network.public_ip, true) ? "ENABLED" : "DISABLED" }

    # A job does its share itself: it is not told of queues to hand it to.
    environment = [for name, value in merge(local.settings, local.personal_settings, local.catalog_settings, local.log_settings) : { name = name, value = value } if !startswith(name, "BATCH_")]

    # Jobs write the functions' JSON lines, metrics among them; CloudWatch finds those in any log group.
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.lake["job"].name
        "awslogs-region"        = local.region
        "awslogs-stream-prefix" = "job"
      }
    }
  })

  retry_strategy {
    attempts = var.job.attempts

    evaluate_on_exit {
      on_exit_code = "2" # wrong usage or settings: no retry can help
      action       = "EXIT"
    }

    evaluate_on_exit {
      on_exit_code = "*"
      action       = "RETRY"
    }
  }

  timeout {
    attempt_duration_seconds = var.job.timeout_seconds
  }
}

# A job that failed for good goes where failed runs of functions go; people are told by messages.tf.
locals {
  job_failed_rule     = "${local.job_name}-failed"
  job_failed_rule_arn = "${local.rule_arn}/${local.job_failed_rule}"
  job_failed_pattern = {
    source      = ["aws.batch"]
    detail-type = ["Batch Job State Change"]
    detail = {
      status   = ["FAILED"]
      jobQueue = ["${local.batch_arn}:job-queue/${local.job_name}"]
    }
  }
}

resource "aws_cloudwatch_event_rule" "job_failed" {
  count = var.batch ? 1 : 0

  name          = local.job_failed_rule
  description   = "A Batch job of the lake failed after all its attempts"
  tags          = local.tags
  event_pattern = jsonencode(local.job_failed_pattern)
}

resource "aws_cloudwatch_event_target" "job_failed" {
  count = var.batch ? 1 : 0

  rule = aws_cloudwatch_event_rule.job_failed[0].name
  arn  = aws_sqs_queue.dead["failed-runs"].arn
}
