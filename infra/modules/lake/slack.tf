# The alarms and messages in a channel of Slack, if asked for: Amazon Q Developer in chat applications. It shows alarms by itself;
# of other messages only those of a form of its own, which nobody would read in a mail: so these have a topic of their own. It may
# draw the graph of an alarm. Members of the channel can do no more with it, whatever roles they bring along.

locals {
  slack = var.slack == null ? {} : { chat = var.slack }

  # AWS has nothing finer than * for drawing.
  chat_rights = [
    { actions = ["cloudwatch:DescribeAlarms"], resources = ["arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:*"] },
    { actions = ["cloudwatch:GetMetricWidgetImage"], resources = ["*"] },
  ]
}

resource "aws_sns_topic" "chat" {
  #checkov:skip=CKV_AWS_26:As the topic of alarms
  for_each = local.slack

  name              = "${var.name_prefix}-${each.key}"
  kms_master_key_id = var.kms_key
  tags              = local.tags
}

resource "aws_sns_topic_policy" "chat" {
  for_each = local.slack

  arn    = aws_sns_topic.chat[each.key].arn
  policy = jsonencode({ Version = "2012-10-17", Statement = [local.tls_only[local.chat_topic_arn], local.events_publish[local.chat_topic_arn]] })
}

# What no role goes beyond in the channel, neither its own nor one that a member takes. Without it that is AdministratorAccess.
resource "aws_iam_policy" "guardrail" {
  for_each = local.slack

  name        = "${var.name_prefix}-${each.key}-guardrail${local.suffix}"
  description = "The most that can be done from the lake's channel of Slack"
  tags        = local.tags
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [for right in local.chat_rights : { Effect = "Allow", Action = right.actions, Resource = right.resources }]
  })
}

resource "aws_chatbot_slack_channel_configuration" "chat" {
  for_each = local.slack

  configuration_name    = "${var.name_prefix}${local.suffix}"
  slack_team_id         = each.value.team
  slack_channel_id      = each.value.channel
  iam_role_arn          = aws_iam_role.lake[each.key].arn
  guardrail_policy_arns = [aws_iam_policy.guardrail[each.key].arn]
  sns_topic_arns        = [aws_sns_topic.alarms.arn, aws_sns_topic.chat[each.key].arn]
  logging_level         = "ERROR"
  tags                  = local.tags

  depends_on = [aws_iam_role_policy.lake]
}
