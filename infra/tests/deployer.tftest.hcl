# The example's deployer: it fits, touches no data, and cannot make itself greater.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { region = "ap-southeast-1" }
  }
}

run "deployer_of_a_lake_with_paths_and_buckets_of_an_organization" {
  command = apply
  module { source = "./examples/github" }
  variables {
    repository   = "owner/lake"
    state_bucket = "state"
    role_path    = "/data/"
    buckets      = { raw = "our-raw-data", logs = "our-logs" }
  }

  assert {
    condition     = strcontains(aws_iam_policy.deploy["roles"].policy, "role/data/tributary-*") && !strcontains(aws_iam_policy.deploy["roles"].policy, "role/tributary-*") && strcontains(aws_iam_policy.deploy["roles"].policy, "policy/data/tributary-analyst-closed-*")
    error_message = "Roles have the path in their ARN."
  }
  assert {
    condition = toset(flatten([
      for statement in jsondecode(aws_iam_policy.deploy["data"].policy).Statement : statement.Action if anytrue([for resource in statement.Resource : strcontains(resource, "our-")])
    ])) == toset(["s3:GetBucketNotification", "s3:ListBucket", "s3:PutBucketNotification"]) && !strcontains(aws_iam_policy.deploy["data"].policy, "our-logs")
    error_message = "Of a bucket that was there only the notifications are the lake's."
  }
}

run "deployer" {
  command = apply
  module { source = "./examples/github" }
  variables {
    repository           = "owner/lake"
    state_bucket         = "state"
    name_prefix          = "twenty-letters-long1"
    permissions_boundary = "arn:aws:iam::000000000000:policy/bound"
    kms_key              = "arn:aws:kms:ap-southeast-1:000000000000:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = alltrue([for policy in values(aws_iam_policy.deploy) : length(policy.policy) <= 6144]) && length(aws_iam_role_policy.plan.policy) <= 10240
    error_message = "With the longest names the policies are as short as IAM wants them."
  }
  assert {
    condition = alltrue(flatten([
      for policy in values(aws_iam_policy.deploy) : [
        for statement in jsondecode(policy.policy).Statement : [
          for action in statement.Action : alltrue([for resource in statement.Resource : !strcontains(resource, "twenty-letters-long1-000000000000")])
          if contains(["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:DeleteBucket", "s3:*"], action)
        ] if statement.Effect == "Allow"
      ]
    ]))
    error_message = "A deployment reads and deletes no data."
  }
  assert {
    condition     = jsondecode(aws_iam_role.deployer["deploy"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == "repo:owner/lake:environment:production"
    error_message = "One repository and environment takes the role."
  }
  assert {
    condition     = anytrue([for statement in jsondecode(aws_iam_policy.deploy["roles"].policy).Statement : statement.Effect == "Deny" && statement.Action == ["iam:*"]])
    error_message = "Its own roles are closed to it."
  }

  # By its own tags a deployer would make anything its own.
  assert {
    condition = alltrue(flatten([
      for policy in values(aws_iam_policy.deploy) : [
        for statement in jsondecode(policy.policy).Statement :
        try(statement.Condition.StringEquals["aws:ResourceTag/deployment"] == "twenty-letters-long1", false) || try(length(statement.Condition.StringEquals["ec2:CreateAction"]) > 0, false)
        if anytrue([for action in statement.Action : contains(["ec2:CreateTags", "ec2:*", "ec2:Create*"], action)])
      ]
    ]))
    error_message = "Only what is new, or the lake's, is tagged."
  }
  assert {
    condition = alltrue(flatten([
      for policy in concat(values(aws_iam_policy.deploy)[*].policy, [aws_iam_role_policy.plan.policy]) : [
        for statement in jsondecode(policy).Statement :
        try(statement.Condition.ArnLike["lambda:FunctionArn"] == ["arn:aws:lambda:ap-southeast-1:000000000000:function:twenty-letters-long1-*"], false) || length(setsubtract(statement.Action, ["lambda:ListTags", "lambda:TagResource", "lambda:UntagResource"])) == 0
        if anytrue([for resource in statement.Resource : endswith(resource, ":event-source-mapping:*")])
      ]
    ]))
    error_message = "Event source mappings of others are closed to it."
  }
  assert {
    condition = alltrue(flatten([
      for policy in concat(values(aws_iam_policy.deploy)[*].policy, [aws_iam_role_policy.plan.policy]) : [
        for statement in jsondecode(policy).Statement : length(setsubtract(statement.Action, concat(local.lists, ["batch:RegisterJobDefinition", "chatbot:*SlackChannelConfiguration", "chatbot:*TagResource"]))) == 0 || statement.Action == ["lambda:CreateEventSourceMapping"]
        if contains(statement.Resource, "*")
      ]
    ])) && !anytrue([for action in local.lists : startswith(action, "glue:") || startswith(action, "lambda:Get") || action == "ec2:Describe*"])
    error_message = "* is for what AWS has nothing finer for."
  }
  assert {
    condition = alltrue([
      for action in ["s3:ListBucket", "s3:GetBucket*", "lambda:GetFunction*", "glue:Get*", "ecr:Describe*", "iam:GetRole"] :
      anytrue([for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : statement.Effect == "Allow" && contains(statement.Action, action) && alltrue([for resource in statement.Resource : strcontains(resource, "twenty") || endswith(resource, ":catalog")])])
    ])
    error_message = "A plan looks at what the lake has: at buckets with HeadBucket, which s3:ListBucket allows."
  }
  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_policy.deploy["roles"].policy).Statement : statement.Condition.ArnLike["iam:PolicyARN"] == ["arn:aws:iam::000000000000:policy/twenty-letters-long1-analyst-closed-*"] && statement.Condition.StringEquals["iam:PermissionsBoundary"] == var.permissions_boundary if contains(statement.Action, "iam:AttachRolePolicy")])
    error_message = "It attaches nothing but what takes away, within the boundary."
  }
}
