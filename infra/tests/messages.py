"""messages.py PLAN COMMANDS: what people are told, on the emulator that PLAN (`terraform show -json`) was applied to.

Every command that an alarm, a message or the digest names exists, with its options; those of `tributary` are in COMMANDS. A run
of a function that fails for good is kept whole and becomes a message, and so does a Batch job, but none of its children; the
digest counts, names the alarms that ring, and says when it fails.
"""

import datetime
import json
import os
import re
import sys
import time

import botocore
import botocore.session

import iam

SESSION = botocore.session.get_session()
PREFIX = "tributary"
# Options of every command, and commands that the AWS CLI adds to those of its services
ANYWHERE = {"cli-binary-format", "output", "query", "region"}
ADDED = {("logs", "tail"): {"since", "filter-pattern"}, ("s3", "cp"): {"recursive"}, ("s3", "presign"): {"expires-in"}}


def client(service):
    return SESSION.create_client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name=os.environ["AWS_REGION"])


def texts(plan):
    """What is told: descriptions of alarms, messages, the digest."""
    for resource in iam.resources(plan["planned_values"]["root_module"]):
        values = resource["values"]
        if resource["type"] == "aws_cloudwatch_metric_alarm":
            yield resource["address"], values["alarm_description"]
        if resource["type"] == "aws_cloudwatch_event_target" and values.get("input_transformer"):
            yield resource["address"], values["input_transformer"][0]["input_template"]
        if resource["type"] == "aws_sfn_state_machine":
            yield resource["address"], values["definition"]


def options(service, operation):
    """The options of a command of the AWS CLI; none if there is no such command."""
    if (service, operation) in ADDED:
        return ADDED[service, operation]
    if service not in SESSION.get_available_services():
        return None
    model = SESSION.get_service_model(service)
    for name in model.operation_names:
        if botocore.xform_name(name, "-") == operation:
            shape = model.operation_model(name).input_shape
            return {botocore.xform_name(member, "-") for member in (shape.members if shape else {})}
    return None


def commands(plan, readme):
    """Checks the commands; returns how many there are."""
    known, total = set(re.findall(r"`(?:tributary )?([a-z-]+)", readme)), 0
    for where, text in texts(plan):
        allowed, found = None, 0
        for match in re.finditer(r"\b(aws|tributary) ([a-z][a-z0-9-]*)(?: ([a-z][a-z0-9-]*))?|--([a-z][a-z-]*)", text):
            tool, first, second, option = match.groups()
            if option:
                assert allowed is None or option in allowed, (
                    f"{where}: --{option} is no option of what stands before it: {text}"
                )
            elif tool == "aws":
                allowed = options(first, second)
                assert allowed is not None, f"{where}: there is no command {match.group()}"
                allowed = allowed | ANYWHERE
                found += 1
            elif match.start() and text[match.start() - 1] in "`: ":
                if first in known:
                    found += 1
                else:
                    assert text[match.start() - 1] != "`", f"{where}: docs/commands.md knows no {match.group()}"
                allowed = None
        assert found, f"{where} has no command: {text}"
        total += found
    return total


class Reader:
    """A queue that is subscribed to a topic."""

    def __init__(self, topic):
        self.sqs, self.sns = client("sqs"), client("sns")
        self.url = self.sqs.create_queue(QueueName=f"reader-{topic}")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.topic = next(
            t["TopicArn"] for t in self.sns.list_topics()["Topics"] if t["TopicArn"].endswith(f":{PREFIX}-{topic}")
        )
        self.subscription = self.sns.subscribe(
            TopicArn=self.topic,
            Protocol="sqs",
            Endpoint=arn,
            Attributes={"RawMessageDelivery": "true"},
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]

    def read(self, wanted):
        return receive(self.sqs, self.url, wanted)

    def close(self):
        self.sns.unsubscribe(SubscriptionArn=self.subscription)
        self.sqs.delete_queue(QueueUrl=self.url)


def receive(sqs, url, wanted):
    """The messages of a queue: `wanted` of them, and half a second for more that should not be there."""
    found, end = [], time.monotonic() + 20
    while time.monotonic() < end:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            found.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        if len(found) >= wanted and end - time.monotonic() > 0.5:
            end = time.monotonic() + 0.5
        time.sleep(0.1)
    assert len(found) == wanted, f"{len(found)} messages instead of {wanted}: {found}"
    return found


def put(source, detail, kind, bus="default"):
    entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail), "EventBusName": bus}
    answer = client("events").put_events(Entries=[entry])
    assert not answer["FailedEntryCount"], answer


def parts(text):
    """The four parts of a mail that EventBridge writes: a line in quotes each."""
    lines = text.split("\n")
    assert all(line[0] == line[-1] == '"' for line in lines), text
    found = dict(line.strip('"').split(": ", 1) for line in lines)
    assert list(found) == ["What", "Where", "Do", "Look"], text
    return found


def is_shown(text, title):
    """What Amazon Q shows: nothing else than this form."""
    shown = json.loads(text)
    assert (shown["version"], shown["source"], shown["content"]["textType"]) == ("1.0", "custom", "client-markdown"), shown
    assert shown["content"]["title"] == title, shown
    assert "<" not in text, f"a value is missing: {text}"


def runs(mail, chat):
    account = client("sts").get_caller_identity()["Account"]
    kept = client("sqs").get_queue_url(QueueName=f"{PREFIX}-failed-runs")["QueueUrl"]
    failure = "Lambda Function Invocation Result - Failure"
    errors = {"ingest": 'no answer from "http://127.0.0.1/" in 30 s', "clean": "the bucket is gone", "aggregate": "no room"}
    for function, error in errors.items():
        record = {
            "version": "1.0",
            "requestContext": {
                "requestId": "e4b46cbf-b738-xmpl-8880-a18cdf61200e",
                "functionArn": f"arn:aws:lambda:{os.environ['AWS_REGION']}:{account}:function:{PREFIX}-{function}:live",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 3,
            },
            "requestPayload": {"source": "irceline"},
            "responseContext": {"statusCode": 200, "executedVersion": "1", "functionError": "Unhandled"},
            "responsePayload": {"errorType": "Error", "errorMessage": error},
        }
        put("lambda", record, failure, f"{PREFIX}-runs")
        said = parts(mail.read(1)[0])
        assert f"{PREFIX}-{function} " in said["What"] and error in said["What"], said
        assert record["requestContext"]["requestId"] in said["Where"] and "{source: irceline}" in said["Where"], said
        is_shown(chat.read(1)[0], f":warning: A run of {PREFIX}-{function} failed for good")
        event = json.loads(receive(client("sqs"), kept, 1)[0])
        assert event["detail"] == record, event
    # One that waited too long has no error: it is kept, and the queue's alarm rings.
    del record["responsePayload"]
    record["requestContext"]["condition"] = "EventAgeExceeded"
    put("lambda", record, failure, f"{PREFIX}-runs")
    receive(client("sqs"), kept, 1)
    mail.read(0)


def jobs(mail, chat):
    """Events of aws.* are AWS's alone, so a copy of the rule listens to another source."""
    events, name = client("events"), f"{PREFIX}-job-message"
    pattern = json.loads(events.describe_rule(Name=name)["EventPattern"])
    assert pattern["source"] == ["aws.batch"], pattern
    events.put_rule(Name="copy", EventPattern=json.dumps({**pattern, "source": ["test.batch"]}))
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    events.put_targets(Rule="copy", Targets=targets)
    job = {
        "jobName": "backfill-irceline-2026",
        "jobId": "4c7599ae-0a82-49aa-ba5a-4727fcce14a8",
        "jobQueue": pattern["detail"]["jobQueue"][0],
        "status": "FAILED",
        "statusReason": "Essential container in task exited",
    }
    others = [
        {**job, "arrayProperties": {"index": 3}, "jobId": f"{job['jobId']}:3"},
        {**job, "status": "SUCCEEDED"},
        {**job, "jobQueue": f"{job['jobQueue']}-2"},
    ]
    for detail in others:
        put("test.batch", detail, "Batch Job State Change")
    mail.read(0)
    for detail in (job, {**job, "arrayProperties": {"size": 12, "statusSummary": {"FAILED": 1}}}):
        put("test.batch", detail, "Batch Job State Change")
        said = parts(mail.read(1)[0])
        assert job["jobName"] in said["What"] and job["statusReason"] in said["What"] and job["jobId"] in said["Where"], said
        is_shown(chat.read(1)[0], f":warning: Batch job {job['jobName']} failed")
    events.remove_targets(Rule="copy", Ids=[target["Id"] for target in targets])
    events.delete_rule(Name="copy")


def run(states, machine):
    name = states.start_execution(stateMachineArn=machine)["executionArn"]
    end = time.monotonic() + 60
    while (state := states.describe_execution(executionArn=name))["status"] == "RUNNING" and time.monotonic() < end:
        time.sleep(0.1)
    return state


def digest(mail, chat):
    cloudwatch, states = client("cloudwatch"), client("stepfunctions")
    now = datetime.datetime.now(datetime.timezone.utc)

    def measured(name, value, hours, **dimensions):
        at = now - datetime.timedelta(hours=hours)
        data = {
            "MetricName": name,
            "Value": value,
            "Timestamp": at,
            "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions.items()],
        }
        cloudwatch.put_metric_data(Namespace="Tributary", MetricData=[data])

    for hours, read, rejected in ((2, 100_000, 7), (3 * 24, 3_985, 0), (8 * 24, 1, 1)):
        measured("RowsRead", read, hours, Function="clean", Dataset="irceline")
        measured("RowsRejected", rejected, hours, Function="clean", Dataset="irceline")
    measured("RowsRead", 5, 1, Function="clean", Dataset="energy_usage")
    measured("NewestDataAge", 9, 14, Dataset="irceline", Table="measurement")
    measured("NewestDataAge", 1, 2, Dataset="irceline", Table="measurement")
    cloudwatch.put_metric_alarm(
        AlarmName=f"{PREFIX}-of-another-lake",
        Namespace="x",
        MetricName="x",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    for alarm in (f"{PREFIX}-of-another-lake", f"{PREFIX}-irceline-rejects"):
        cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="a test")
    said = json.loads(mail.read(1)[0])
    assert said["AlarmName"] == alarm and said["AlarmDescription"].startswith("What: over 5 % of an hour's rows of irceline"), (
        said
    )
    ringing = [a["AlarmName"] for a in cloudwatch.describe_alarms(StateValue="ALARM")["MetricAlarms"]]
    assert f"{PREFIX}-irceline-rejects" in ringing, ringing
    ringing.remove(f"{PREFIX}-of-another-lake")

    schedule = client("scheduler").get_schedule(Name="digest", GroupName=PREFIX)
    assert schedule["ScheduleExpression"] == "cron(0 8 ? * MON *)", schedule
    machine = schedule["Target"]["Arn"]
    state = run(states, machine)
    assert state["status"] == "SUCCEEDED", state
    [text] = mail.read(1)
    lines = text.split("\n")
    assert lines[0] == f"Lake {PREFIX}: the week to {now.date()}", text
    at = lines.index("irceline")
    assert lines[at + 1 : at + 3] == ["  103,985 rows came, 7 of them rejected", "  measurement: newest data 1 day old"], text
    assert lines[at + 3].endswith("prefix=irceline/report.html"), text
    at = lines.index("energy_usage")
    assert lines[at + 1 : at + 3] == ["  5 rows came, 0 of them rejected", "  reading: age of the newest data not reported"], (
        text
    )
    assert "No rows and no data of: codetrack, illuminate, meters" in lines, text
    [rings] = [line for line in lines if line.startswith("Alarms that ring: ")]
    assert rings == f"Alarms that ring: {', '.join(ringing)}. The mail of each says what to do.", text
    [shown] = chat.read(1)
    is_shown(shown, f"The week of lake {PREFIX}")
    assert json.loads(shown)["content"]["description"] == text, shown

    # One that fails says so.
    definition = states.describe_state_machine(stateMachineArn=machine)["definition"]
    states.update_state_machine(
        stateMachineArn=machine, definition=json.dumps({"StartAt": "No", "States": {"No": {"Type": "Fail"}}})
    )
    state = run(states, machine)
    said = parts(mail.read(1)[0])
    assert said["What"] == "the weekly digest was not sent (FAILED)." and state["executionArn"] in said["Where"], said
    is_shown(chat.read(1)[0], ":warning: The weekly digest was not sent (FAILED)")
    states.update_state_machine(stateMachineArn=machine, definition=definition)


def main(path, readme):
    with open(path, encoding="utf-8") as file:
        plan = json.load(file)
    with open(readme, encoding="utf-8") as file:
        found = commands(plan, file.read())
    mail, chat = Reader("alarms"), Reader("chat")
    for check in (runs, jobs, digest):
        check(mail, chat)
    mail.close()
    chat.close()
    print(f"{found} commands exist; runs and jobs that fail become messages, and the digest counts")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
