"""iam.py PLAN ALLOWED | PLAN --print: compare every right in a plan (`terraform show -json`) with a list of allowed ones.

Each right is one line: effect, action, resource or prefix, then for policies on resources who and under which condition.
The two must be the same: a right that is not in the list fails, and so does an entry that no policy has any more.
Some things are refused even if they are in the list: see `faults`. With --print: write what the list would be.
"""

import json
import pathlib
import re
import sys

POLICIES = {
    # type: (attribute with the policy, what to call its holder)
    "aws_iam_role_policy": ("policy", "role"),
    "aws_iam_role": ("assume_role_policy", "trust of role"),
    "aws_s3_bucket_policy": ("policy", "bucket"),
    "aws_sqs_queue_policy": ("policy", "queue"),
    "aws_sns_topic_policy": ("policy", "topic"),
    "aws_iam_policy": ("policy", "policy"),  # gives nothing by itself: what it may be attached to is refused
}
# Other ways to give rights: nothing here may use them, or this test would not see it.
REFUSED_TYPES = re.compile(
    r"aws_iam_(role_policy_attachment|policy_attachment|user\w*|group\w*|access_key)"
    r"|aws_lambda_permission|aws_lambda_function_url|aws_ecr_repository_policy|aws_glue_resource_policy|aws_s3_bucket_acl"
)
# The one exception: what analysts may not read, in policies that only deny (see `faults`).
CLOSED = "aws_iam_role_policy_attachment.closed"
# AWS has nothing finer than * for these.
WITHOUT_RESOURCE = {
    "batch:ListJobs",
    "cloudwatch:GetMetricData",
    "cloudwatch:GetMetricWidgetImage",
    "ecr:GetAuthorizationToken",
}


def many(value):
    return value if isinstance(value, list) else [value]


def resources(module):
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from resources(child)


def rights(plan):
    """{holder: sorted lines}, with account, region and prefix replaced by words."""
    variables = {name: v.get("value") for name, v in plan.get("variables", {}).items()}
    prefix, region = variables.get("name_prefix") or "tributary", variables.get("region") or "eu-west-1"

    def plain(text):
        text = re.sub(r"\b\d{12}\b", "ACCOUNT", text)
        text = text.replace(f":{region}:", ":REGION:").replace(prefix, "PREFIX")
        return re.sub(r"^arn:aws[a-z-]*:", "", text)

    found, wrong = {}, []
    for resource in resources(plan["planned_values"]["root_module"]):
        kind = resource["type"]
        if REFUSED_TYPES.fullmatch(kind) and not re.fullmatch(
            rf"(module\.lake\.)?{re.escape(CLOSED)}\[.*\]", resource["address"]
        ):
            wrong.append(f"{resource['address']}: rights are given in iam.tf only")
        if kind not in POLICIES:
            continue
        attribute, called = POLICIES[kind]
        policy = resource["values"].get(attribute)
        if not policy:
            wrong.append(f"{resource['address']}: the plan does not show its policy")
            continue
        holder = f"{called} {resource.get('index', resource['name'])}"
        lines = found.setdefault(holder, [])
        for statement in json.loads(policy)["Statement"]:
            unknown = statement.keys() - {"Sid", "Effect", "Action", "Resource", "Principal", "Condition"}
            if unknown:
                wrong.append(f"{holder}: {', '.join(sorted(unknown))} is not something that this test understands")
            tail = ""
            principal = statement.get("Principal")
            if principal is not None:
                who = [principal] if isinstance(principal, str) else [w for value in principal.values() for w in many(value)]
                tail += f" by {', '.join(sorted(who))}"
            for test, keys in sorted(statement.get("Condition", {}).items()):
                for key, value in sorted(keys.items()):
                    tail += f" if {test} {key} {', '.join(plain(v) for v in many(value))}"
            for action in many(statement["Action"]):
                for target in many(statement.get("Resource", "-")):
                    lines.append(f"{statement['Effect']} {action} {plain(target)}{tail}")
    return {holder: sorted(set(lines)) for holder, lines in sorted(found.items())}, wrong


def faults(found, sources):
    """What no list can allow."""
    for holder, lines in found.items():
        for line in lines:
            effect, action, target, *rest = line.split(" ")
            if effect != "Allow":
                continue
            if holder.startswith("policy closed-"):
                yield f"{holder}: {line}: it is attached to analysts, and only takes away"
            if "*" in action:
                yield f"{holder}: {line}: an action with *"
            if rest[:2] == ["by", "*"]:
                yield f"{holder}: {line}: open to everybody"
            if target == "*":
                if action not in WITHOUT_RESOURCE:
                    yield f"{holder}: {line}: AWS has something finer than * for it"
            elif "*" in re.sub(r"(/|:)\*$", "", re.sub(r"/\*(/_progress|\.news)/\*$", "/*", target)):
                yield f"{holder}: {line}: * is only for the end of a prefix"
            if not holder.startswith("role ") or "-raw" not in target or not target.startswith("s3:::"):
                continue
            reads = action in ("s3:GetObject", "s3:ListBucket")
            own = {f"s3:::PREFIX-ACCOUNT-raw/{source}/*" for source in sources}
            writes = action in ("s3:AbortMultipartUpload", "s3:PutObject") and target in own
            # What ingest keeps of a run that is not finished: hidden from all others
            forgets = action == "s3:DeleteObject" and target in {f"{prefix}/_progress/*" for prefix in own}
            if not reads and not (holder in ("role ingest", "role job") and (writes or forgets)):
                yield f"{holder}: {line}: only ingest writes to raw, only below its sources, and nobody deletes there"


def problems(plan, allowed):
    found, wrong = rights(plan)
    datasets = json.loads(
        (pathlib.Path(__file__).resolve().parents[1] / "modules/lake/datasets.json").read_text(encoding="utf-8")
    )
    wrong += faults(found, [name for name, dataset in datasets.items() if dataset["source"]])
    for holder in sorted(found.keys() | allowed.keys()):
        has, may = set(found.get(holder, [])), set(allowed.get(holder, []))
        wrong += [f"{holder}: not allowed: {line}" for line in sorted(has - may)]
        wrong += [f"{holder}: allowed, but no policy has it: {line}" for line in sorted(may - has)]
    return wrong


def main(arguments):
    with open(arguments[0], encoding="utf-8") as file:
        plan = json.load(file)
    found, _ = rights(plan)
    if arguments[1:] == ["--print"]:
        print(json.dumps(found, indent=2))
        return 0
    with open(arguments[1], encoding="utf-8") as file:
        wrong = problems(plan, json.load(file))
    for line in wrong:
        print(line, file=sys.stderr)
    if not wrong:
        print(f"{sum(map(len, found.values()))} rights of {len(found)} holders, as allowed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
