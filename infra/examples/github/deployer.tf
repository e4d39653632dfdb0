# Who deploys: a role that GitHub's workflow of one repository takes by OIDC, without long-lived keys, with what the lake of one
# prefix needs; and one that only reads, for plans of pull requests. Apply once, by hand, from a folder of its own.
#
#   terraform init && terraform apply -var repository=OWNER/NAME -var state_bucket=STATE_BUCKET -var name_prefix=PREFIX
#
# The first trusts the environment `production` of the repository, whatever branch runs in it: in GitHub's settings of the environment,
# let only main deploy to it ("Deployment branches and tags"), or any branch's workflow can take the role.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.19"
    }
  }
}

variable "repository" {
  description = "OWNER/NAME on GitHub"
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", var.repository))
    error_message = "OWNER/NAME, without wildcards."
  }
}

variable "state_bucket" {
  description = "Bucket of Terraform's state"
  type        = string
}

variable "name_prefix" {
  description = "The lake's name_prefix"
  type        = string
  default     = "tributary"
}

variable "kms_key" {
  description = "The lake's kms_key, if it has one"
  type        = string
  default     = null
}

variable "permissions_boundary" {
  description = "The lake's permissions_boundary. Without one a deployer that may write roles could write itself any right; with one, no role goes beyond it"
  type        = string
  default     = null
}

variable "role_path" {
  description = "The lake's role_path"
  type        = string
  default     = "/"
  nullable    = false
}

variable "buckets" {
  description = "The lake's buckets that exist already, as its variable of this name. A deployment sets the notifications of raw and ledger there, and nothing else"
  type        = map(string)
  default     = {}
  nullable    = false
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region
  prefix    = var.name_prefix
  here      = "${local.region}:${local.account}"
  arn       = "arn:${local.partition}"

  roles   = ["${local.arn}:iam::${local.account}:role${var.role_path}${local.prefix}-*"]
  closed  = ["${local.arn}:iam::${local.account}:policy${var.role_path}${local.prefix}-analyst-closed-*"] # what analysts may not read
  chat    = ["${local.arn}:iam::${local.account}:policy/${local.prefix}-chat-guardrail*"]
  buckets = ["${local.arn}:s3:::${local.prefix}-${local.account}-*"]

  state = [
    { Effect = "Allow", Action = ["s3:ListBucket"], Resource = ["${local.arn}:s3:::${var.state_bucket}"] },
    { Effect = "Allow", Action = ["s3:GetObject"], Resource = ["${local.arn}:s3:::${var.state_bucket}/${local.prefix}/*"] },
  ]

  # Objects are not among it, neither to read nor to delete: a deployment moves no data.
  own_buckets = [
    {
      Sid      = "State"
      Effect   = "Allow"
      Action   = ["s3:DeleteObject", "s3:PutObject"]
      Resource = ["${local.arn}:s3:::${var.state_bucket}/${local.prefix}/*"]
    },
    {
      Sid    = "Buckets"
      Effect = "Allow"
      Action = [
        "s3:CreateBucket", "s3:GetAccelerateConfiguration", "s3:GetBucket*", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration",
        "s3:GetReplicationConfiguration", "s3:ListBucket", "s3:ListTagsForResource", "s3:PutBucketLogging", "s3:PutBucketNotification",
        "s3:PutBucketOwnershipControls", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging",
        "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration", "s3:TagResource", "s3:UntagResource",
      ]
      Resource = local.buckets
    },
  ]

  roles_and_policies = [
    merge(
      { Sid = "WriteRoles", Effect = "Allow", Action = ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePolicy"], Resource = local.roles },
      var.permissions_boundary == null ? {} : { Condition = { StringEquals = { "iam:PermissionsBoundary" = var.permissions_boundary } } },
    ),
    {
      Sid    = "Roles"
      Effect = "Allow"
      Action = [
        "iam:DeleteRole", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole",
        "iam:ListRolePolicies", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
      ]
      Resource = local.roles
    },
    {
      Sid       = "PassRoles"
      Effect    = "Allow"
      Action    = ["iam:PassRole"]
      Resource  = local.roles
      Condition = { StringEquals = { "iam:PassedToService" = [for service in ["chatbot", "ecs-tasks", "lambda", "scheduler", "states"] : "${service}.amazonaws.com"] } }
    },
    {
      Sid       = "ServiceRoles" # AWS makes it with the first compute environment of an account
      Effect    = "Allow"
      Action    = ["iam:CreateServiceLinkedRole"]
      Resource  = ["${local.arn}:iam::*:role/aws-service-role/batch.amazonaws.com/*"]
      Condition = { StringEquals = { "iam:AWSServiceName" = "batch.amazonaws.com" } }
    },
    {
      Sid      = "Policies" # the most that the chat can do, and what analysts may not read
      Effect   = "Allow"
      Action   = ["iam:CreatePolicy*", "iam:DeletePolicy*", "iam:GetPolicy*", "iam:ListPolicyVersions", "iam:TagPolicy", "iam:UntagPolicy"]
      Resource = concat(local.chat, local.closed)
    },
    {
      Sid      = "AttachPolicies"
      Effect   = "Allow"
      Action   = ["iam:AttachRolePolicy", "iam:DetachRolePolicy"]
      Resource = local.roles
      Condition = merge(
        { ArnLike = { "iam:PolicyARN" = local.closed } },
        var.permissions_boundary == null ? {} : { StringEquals = { "iam:PermissionsBoundary" = var.permissions_boundary } },
      )
    },
    {
      # The deployer cannot make itself greater: its own roles have another first part of their names.
      Sid      = "NotItself"
      Effect   = "Deny"
      Action   = ["iam:*"]
      Resource = ["${local.arn}:iam::${local.account}:role/deploy-${local.prefix}*"]
    },
  ]

  # By resource, so that both roles have the same ones
  functions = ["${local.arn}:lambda:${local.here}:function:${local.prefix}-*"]
  mappings  = ["${local.arn}:lambda:${local.here}:event-source-mapping:*"]
  others = [
    "${local.arn}:sqs:${local.here}:${local.prefix}-*", "${local.arn}:sns:${local.here}:${local.prefix}-*",
    "${local.arn}:events:${local.here}:rule/${local.prefix}-*", "${local.arn}:events:${local.here}:event-bus/${local.prefix}-*",
    "${local.arn}:states:${local.here}:stateMachine:${local.prefix}-*", "${local.arn}:cloudwatch:${local.here}:alarm:${local.prefix}-*",
    "${local.arn}:cloudwatch::${local.account}:dashboard/${local.prefix}*",
    "${local.arn}:logs:${local.here}:log-group:/aws/lambda/${local.prefix}-*", "${local.arn}:logs:${local.here}:log-group:/aws/batch/${local.prefix}-*",
    "${local.arn}:scheduler:${local.here}:schedule-group/${local.prefix}", "${local.arn}:scheduler:${local.here}:schedule/${local.prefix}/*",
    "${local.arn}:ecr:${local.here}:repository/${local.prefix}-*",
  ]
  jobs = [for kind in ["compute-environment", "job-queue", "job-definition"] : "${local.arn}:batch:${local.here}:${kind}/${local.prefix}-*"]
  tables = [
    "${local.arn}:athena:${local.here}:workgroup/${local.prefix}", "${local.arn}:athena:${local.here}:workgroup/${local.prefix}-analysts",
    "${local.arn}:glue:${local.here}:catalog", "${local.arn}:glue:${local.here}:database/${replace(local.prefix, "-", "_")}",
    "${local.arn}:glue:${local.here}:table/${replace(local.prefix, "-", "_")}/*",
  ]

  # A mapping's ARN is a number: whose it is says its function.
  of_functions = { ArnLike = { "lambda:FunctionArn" = local.functions } }

  # AWS has nothing finer than * for these. `ec2:Describe` answers for the whole account.
  lists = [
    "batch:DescribeComputeEnvironments", "batch:DescribeJobDefinitions", "batch:DescribeJobQueues", "chatbot:DescribeSlackChannelConfigurations",
    "chatbot:ListTagsForResource", "ec2:DescribeAvailabilityZones", "ec2:DescribeInternetGateways", "ec2:DescribeNetworkAcls",
    "ec2:DescribeNetworkInterfaces", "ec2:DescribePrefixLists", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroup*", "ec2:DescribeSubnets",
    "ec2:DescribeTags", "ec2:DescribeVpc*", "lambda:ListEventSourceMappings", "logs:DescribeLogGroups", "sns:GetSubscriptionAttributes",
    "states:ValidateStateMachineDefinition", "sts:GetCallerIdentity",
  ]

  services = [
    {
      Sid      = "Functions"
      Effect   = "Allow"
      Action   = ["lambda:*"]
      Resource = local.functions
    },
    {
      Sid       = "Mappings"
      Effect    = "Allow"
      Action    = ["lambda:DeleteEventSourceMapping", "lambda:GetEventSourceMapping", "lambda:UpdateEventSourceMapping"]
      Resource  = local.mappings
      Condition = local.of_functions
    },
    {
      Sid       = "NewMappings" # there is no ARN yet
      Effect    = "Allow"
      Action    = ["lambda:CreateEventSourceMapping"]
      Resource  = ["*"]
      Condition = local.of_functions
    },
    {
      Sid      = "MappingTags" # AWS knows no function here
      Effect   = "Allow"
      Action   = ["lambda:ListTags", "lambda:TagResource", "lambda:UntagResource"]
      Resource = local.mappings
    },
    {
      Sid      = "Lists"
      Effect   = "Allow"
      Action   = concat(local.lists, ["batch:RegisterJobDefinition", "chatbot:*SlackChannelConfiguration", "chatbot:*TagResource"])
      Resource = ["*"]
    },
    {
      Sid      = "Queues"
      Effect   = "Allow"
      Action   = ["sqs:*", "sns:*", "events:*", "cloudwatch:*", "logs:*", "scheduler:*", "states:*", "ecr:*"]
      Resource = local.others
    },
    {
      Sid      = "Batch"
      Effect   = "Allow"
      Action   = ["batch:*"]
      Resource = local.jobs
    },
    {
      Sid      = "Tables"
      Effect   = "Allow"
      Action   = ["athena:*", "glue:*"]
      Resource = local.tables
    },
  ]

  network = [
    {
      Sid      = "NewNetwork"
      Effect   = "Allow"
      Action   = local.made
      Resource = ["${local.arn}:ec2:${local.here}:*/*"]
    },
    {
      # With what it makes only: a tag on something of others would make it its own.
      Sid       = "TagsOfNewNetwork"
      Effect    = "Allow"
      Action    = ["ec2:CreateTags"]
      Resource  = ["${local.arn}:ec2:${local.here}:*/*"]
      Condition = { StringEquals = { "ec2:CreateAction" = [for action in local.made : trimprefix(action, "ec2:")] } }
    },
    {
      Sid    = "OwnNetwork"
      Effect = "Allow"
      Action = [
        "ec2:Associate*", "ec2:Attach*", "ec2:AuthorizeSecurityGroup*", "ec2:CreateRoute", "ec2:CreateTags", "ec2:Delete*", "ec2:Detach*",
        "ec2:Disassociate*", "ec2:Modify*", "ec2:ReplaceRoute*", "ec2:RevokeSecurityGroup*",
      ]
      Resource  = ["${local.arn}:ec2:${local.here}:*/*"]
      Condition = { StringEquals = { "aws:ResourceTag/deployment" = local.prefix } }
    },
  ]
  made = [
    "ec2:CreateInternetGateway", "ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSubnet", "ec2:CreateVpc", "ec2:CreateVpcEndpoint",
  ]

  notifying = [for zone, bucket in var.buckets : "${local.arn}:s3:::${bucket}" if contains(["raw", "ledger"], zone)]
  notifications = length(local.notifying) == 0 ? [] : [
    { Sid = "Notifications", Effect = "Allow", Action = ["s3:GetBucketNotification", "s3:ListBucket", "s3:PutBucketNotification"], Resource = local.notifying },
  ]

  with_key = var.kms_key == null ? [] : [{ Effect = "Allow", Action = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"], Resource = [var.kms_key] }]

  policies = {
    data     = concat(local.state, local.own_buckets, local.notifications, local.with_key)
    network  = local.network
    roles    = local.roles_and_policies
    services = local.services
  }
}

resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "deployer" {
  # checkov:skip=CKV_AWS_61:The trust is for one subject of one repository
  for_each = {
    deploy = "repo:${var.repository}:environment:production"
    plan   = "repo:${var.repository}:pull_request"
  }

  name                 = "deploy-${local.prefix}-${each.key}"
  max_session_duration = 3600
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = aws_iam_openid_connect_provider.github.arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = each.value
        }
      }
    }]
  })
}

resource "aws_iam_policy" "deploy" {
  for_each = local.policies

  name   = "deploy-${local.prefix}-${each.key}"
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value })

  lifecycle {
    precondition {
      condition     = length(jsonencode({ Version = "2012-10-17", Statement = each.value })) <= 6144
      error_message = "A managed policy has 6,144 characters at most: give a shorter prefix."
    }
  }
}

resource "aws_iam_role_policy_attachment" "deploy" {
  for_each = aws_iam_policy.deploy

  role       = aws_iam_role.deployer["deploy"].name
  policy_arn = each.value.arn
}

# A plan of a pull request, which anybody may have written, reads how things are configured, and the names of objects, but no data.
resource "aws_iam_role_policy" "plan" {
  name = "plan"
  role = aws_iam_role.deployer["plan"].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.state, [
      { Effect = "Allow", Action = local.lists, Resource = ["*"] },
      {
        Effect   = "Allow"
        Action   = ["lambda:GetAlias", "lambda:GetFunction*", "lambda:GetPolicy", "lambda:ListTags", "lambda:ListVersionsByFunction"]
        Resource = local.functions
      },
      { Effect = "Allow", Action = ["lambda:GetEventSourceMapping"], Resource = local.mappings, Condition = local.of_functions },
      { Effect = "Allow", Action = ["lambda:ListTags"], Resource = local.mappings },
      {
        Effect = "Allow"
        Action = [
          "cloudwatch:DescribeAlarms", "cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource", "ecr:Describe*", "ecr:GetLifecyclePolicy",
          "ecr:GetRepositoryPolicy", "ecr:ListTagsForResource", "events:Describe*", "events:ListTagsForResource", "events:ListTargetsByRule",
          "logs:ListTagsForResource", "scheduler:Get*", "scheduler:ListTagsForResource", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic",
          "sns:ListTagsForResource", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags", "states:DescribeStateMachine",
          "states:ListStateMachineVersions", "states:ListTagsForResource",
        ]
        Resource = local.others
      },
      { Effect = "Allow", Action = ["batch:ListTagsForResource"], Resource = local.jobs },
      { Effect = "Allow", Action = ["athena:GetWorkGroup", "athena:ListTagsForResource", "glue:Get*"], Resource = local.tables },
      {
        Effect   = "Allow"
        Action   = ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListRolePolicies"]
        Resource = local.roles
      },
      { Effect = "Allow", Action = ["iam:GetPolicy*", "iam:ListPolicyVersions"], Resource = concat(local.chat, local.closed) },
      {
        Effect = "Allow"
        Action = [
          "s3:GetAccelerateConfiguration", "s3:GetBucket*", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration",
          "s3:GetReplicationConfiguration", "s3:ListBucket", "s3:ListTagsForResource", # a bucket is there for those who may list it
        ]
        Resource = local.buckets
      },
      {
        Effect   = "Deny"
        Action   = ["s3:GetObject"]
        Resource = [for bucket in local.buckets : "${bucket}/*"]
      },
      ],
      [for right in local.notifications : { Effect = "Allow", Action = ["s3:GetBucketNotification", "s3:ListBucket"], Resource = right.Resource }],
      # The functions' environments
      [for right in local.with_key : { Effect = "Allow", Action = ["kms:Decrypt"], Resource = right.Resource, Condition = { StringEquals = { "kms:ViaService" = "lambda.${local.region}.amazonaws.com" } } }],
    )
  })
}

output "roles" {
  description = "For the repository's variables DEPLOY_ROLE and PLAN_ROLE"
  value       = { for name, role in aws_iam_role.deployer : name => role.arn }
}
