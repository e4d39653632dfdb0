# One role per function, for the job, for Fargate to start the job, for schedules, and, if asked for, for the digest (digest.tf) and
# the chat (slack.tf). Every right that a role has is given here, and
# tests/iam_allowed.json lists all of them once more: a change here that is not made there fails the tests.

locals {
  # Rights are for whole zones, so that a policy is as long for fifty datasets as for one. In raw only sources are written to.
  objects         = { for zone in local.zones : zone => ["${local.bucket_arn[zone]}/*"] }
  ledger_objects  = { for step in ["raw", "consumption"] : step => ["${local.bucket_arn.ledger}/${step}/*"] }
  raw_of_sources  = [for source in local.sources : "${local.bucket_arn.raw}/${source}/*"]
  progress        = [for source in local.sources : "${local.bucket_arn.raw}/${source}/*/_progress/*"] # of a run that is not finished
  snapshots       = ["${local.bucket_arn.ledger}/snapshot/*"]                                         # copies of the ledger's entries
  notes           = ["${local.bucket_arn.ledger}/snapshot/*.news/*"]                                  # of what has changed since
  config_objects  = "${local.bucket_arn.ledger}/config/*"
  batch_manifests = "${local.bucket_arn.ledger}/batch/*"
  shards          = "${local.bucket_arn.ledger}/batch/shards/*" # of partitions that are not finished

  read   = ["s3:GetObject"]
  write  = ["s3:GetObject", "s3:PutObject"]
  upload = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
  make   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
  stream = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]

  # The secrets of each step, and the key that encrypts them
  may_read = {
    for step, secrets in local.secret_arns : step => length(secrets) == 0 ? [] : concat(
      [{ actions = ["secretsmanager:GetSecretValue"], resources = secrets }],
      var.secrets_kms_key == null ? [] : [{ actions = ["kms:Decrypt"], resources = [var.secrets_kms_key] }],
    )
  }

  # The key of everything at rest
  key = var.kms_key == null ? [] : [{ actions = ["kms:Decrypt", "kms:GenerateDataKey"], resources = [var.kms_key] }]

  # What each step does in the lake. Listing is given for whole buckets, without a condition on the prefix: S3 answers 404 for
  # a missing object only to those who may list, and 403 to others.
  step = {
    ingest = concat(local.may_read.ingest, [
      { actions = ["s3:ListBucket"], resources = [local.bucket_arn.ledger, local.bucket_arn.raw] },
      { actions = local.read, resources = [local.config_objects] },
      { actions = local.upload, resources = local.raw_of_sources },
      { actions = ["s3:DeleteObject"], resources = local.progress },
    ])
    clean = [
      { actions = ["s3:ListBucket"], resources = [for zone in ["ledger", "raw", "rejection", "standard"] : local.bucket_arn[zone]] },
      { actions = local.read, resources = concat([local.config_objects], local.objects.raw) },
      { actions = local.stream, resources = concat(local.objects.standard, local.objects.rejection) },
      { actions = local.make, resources = local.ledger_objects.raw },
      { actions = local.upload, resources = local.snapshots },
      { actions = ["s3:DeleteObject"], resources = local.notes },
    ]
    aggregate = concat(local.may_read.aggregate, [
      { actions = ["s3:ListBucket"], resources = [for zone in ["consumption", "ledger", "standard"] : local.bucket_arn[zone]] },
      { actions = local.read, resources = concat([local.config_objects], local.objects.standard, local.ledger_objects.raw) },
      { actions = local.stream, resources = concat(local.objects.consumption, [local.shards]) },
      { actions = local.make, resources = local.ledger_objects.consumption },
      { actions = local.upload, resources = local.snapshots },
      { actions = ["s3:DeleteObject"], resources = local.notes },
    ])
  }

  # AWS has nothing finer than * for looking for an active job.
  hand_over = !var.batch ? [] : [
    { actions = local.write, resources = [local.batch_manifests] },
    {
      actions = ["batch:SubmitJob"]
      resources = [
        "${local.batch_arn}:job-queue/${local.job_name}",
        "${local.batch_arn}:job-definition/${local.job_name}",
        "${local.batch_arn}:job-definition/${local.job_name}:*", # its revisions
      ]
    },
    { actions = ["batch:ListJobs"], resources = ["*"] },
  ]

  # Registered partitions, for engines that see no projected ones
  register = !var.registered_partitions ? [] : [{
    actions   = ["glue:BatchCreatePartition", "glue:DeletePartition", "glue:GetPartitions", "glue:GetTables"]
    resources = ["${local.glue_arn}:catalog", "${local.glue_arn}:database/${local.glue_database}", "${local.glue_arn}:table/${local.glue_database}/*"]
  }]

  # A function in a VPC makes its own network interfaces; AWS has nothing finer than * for most of it.
  in_network = var.functions_network == null ? [] : [{
    actions = [
      "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
    ]
    resources = ["*"]
  }]

  function_rights = {
    for name in keys(var.functions) : name => concat(
      local.step[name],
      local.hand_over,
      name == "aggregate" ? local.register : [],
      local.key,
      local.in_network,
      [
        { actions = ["logs:CreateLogStream", "logs:PutLogEvents"], resources = ["${local.log_group_arn[name]}:*"] },
        { actions = ["events:PutEvents"], resources = [local.bus_arn] },
      ],
      contains(keys(local.work), name) ? [
        { actions = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], resources = [local.queue_arn[name]] },
      ] : [],
    )
  }

  job_rights = {
    job = concat(
      local.step.ingest,
      local.step.clean,
      local.step.aggregate,
      local.register,
      [{ actions = local.read, resources = [local.batch_manifests] }],
      local.key,
    )
    # A token for the registry is for the whole account: AWS has nothing finer than *.
    job-start = concat([
      { actions = ["ecr:GetAuthorizationToken"], resources = ["*"] },
      { actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], resources = [local.repository_arn] },
      { actions = ["logs:CreateLogStream", "logs:PutLogEvents"], resources = ["${lookup(local.log_group_arn, "job", "")}:*"] },
    ], local.key)
  }

  rights = merge(
    local.function_rights,
    { for name, rights in local.job_rights : name => rights if var.batch },
    {
      schedule = concat([
        { actions = ["lambda:InvokeFunction"], resources = [for name in ["ingest", "clean", "aggregate"] : "${local.function_arn[name]}:${local.alias}"] },
        { actions = ["sqs:SendMessage"], resources = [local.queue_arn["failed-runs"]] },
      ], [for name in keys(local.digest) : { actions = ["states:StartExecution"], resources = [local.digest_arn] }], local.key)
    },
    { for name in keys(local.digest) : name => local.digest_rights },
    { for name in keys(local.slack) : name => local.chat_rights },
  )

  trust = {
    for name in keys(local.rights) : name => lookup({
      chat      = "chatbot.amazonaws.com"
      digest    = "states.amazonaws.com"
      job       = "ecs-tasks.amazonaws.com"
      job-start = "ecs-tasks.amazonaws.com"
      schedule  = "scheduler.amazonaws.com"
    }, name, "lambda.amazonaws.com")
  }
}

resource "aws_iam_role" "lake" {
  for_each = local.rights

  name                 = "${var.name_prefix}-${each.key}${local.suffix}"
  path                 = var.role_path
  permissions_boundary = var.permissions_boundary
  tags                 = local.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [merge(
      {
        Effect    = "Allow"
        Principal = { Service = local.trust[each.key] }
        Action    = "sts:AssumeRole"
      },
      # Lambda sends no source when it takes a role, and of the chat it is not documented.
      contains(["chatbot.amazonaws.com", "lambda.amazonaws.com"], local.trust[each.key]) ? {} : { Condition = { StringEquals = { "aws:SourceAccount" = local.account } } },
    )]
  })
}

resource "aws_iam_role_policy" "lake" {
  for_each = local.rights

  name = "work"
  role = aws_iam_role.lake[each.key].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [for right in each.value : { Effect = "Allow", Action = right.actions, Resource = right.resources }]
  })
}
