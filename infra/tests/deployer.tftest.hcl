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
    condition     = strcontains(aws_iam_policy.deploy["data"].policy, "role/data/tributary-*") && !strcontains(aws_iam_policy.deploy["data"].policy, "role/tributary-*")
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
    condition     = anytrue([for statement in jsondecode(aws_iam_policy.deploy["data"].policy).Statement : statement.Effect == "Deny" && statement.Action == ["iam:*"]])
    error_message = "Its own roles are closed to it."
  }
}
