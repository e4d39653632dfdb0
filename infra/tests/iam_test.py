"""iam_test.py PLAN: the IAM test must refuse what it is there to refuse. PLAN is one that it accepts."""

import copy
import json
import pathlib
import sys

import iam

ALLOWED = json.loads((pathlib.Path(__file__).parent / "iam_allowed.json").read_text(encoding="utf-8"))


def doctored(plan, statement):
    """The plan with one more statement in clean's policy; its policy unknown if that is None."""
    plan = copy.deepcopy(plan)
    for resource in iam.resources(plan["planned_values"]["root_module"]):
        if resource["type"] == "aws_iam_role_policy" and resource["index"] == "clean":
            policy = json.loads(resource["values"]["policy"])
            first = next(arn for s in policy["Statement"] for arn in iam.many(s["Resource"]) if "-raw" in arn)
            if statement and "Resource" not in statement:
                statement = {**statement, "Resource": first.split("/")[0] + "/irceline/*"}
            policy["Statement"].append(statement)
            resource["values"]["policy"] = json.dumps(policy) if statement else None
    return plan


def allow(action, resource=None, **more):
    return {"Effect": "Allow", "Action": action, **({"Resource": resource} if resource else {}), **more}


def main(path):
    with open(path, encoding="utf-8") as file:
        plan = json.load(file)
    attached = copy.deepcopy(plan)
    attached["planned_values"]["root_module"].setdefault("resources", []).append(
        {"type": "aws_iam_role_policy_attachment", "address": "x.y", "name": "y", "values": {}}
    )
    opened = copy.deepcopy(plan)
    for resource in iam.resources(opened["planned_values"]["root_module"]):
        if resource["type"] == "aws_iam_policy" and str(resource["index"]).startswith("closed-"):
            resource["values"]["policy"] = resource["values"]["policy"].replace("Deny", "Allow")
    less = {**ALLOWED, "role ingest": ALLOWED["role ingest"][1:]}
    stale = {**ALLOWED, "role ingest": [*ALLOWED["role ingest"], "Allow s3:GetObject s3:::elsewhere/*"]}
    cases = {
        "a right that the list lacks": (plan, less, "not allowed"),
        "an entry that nobody has": (plan, stale, "no policy has it"),
        "deleting in raw": (doctored(plan, allow("s3:DeleteObject")), ALLOWED, "nobody deletes there"),
        "deleting a version in raw": (doctored(plan, allow("s3:DeleteObjectVersion")), ALLOWED, "nobody deletes there"),
        "an action with *": (doctored(plan, allow("s3:Get*")), ALLOWED, "an action with *"),
        "a resource *": (doctored(plan, allow("s3:GetObject", "*")), ALLOWED, "something finer than *"),
        "a * inside": (doctored(plan, allow("s3:GetObject", "arn:aws:s3:::a*b/*")), ALLOWED, "end of a prefix"),
        "NotAction": (doctored(plan, allow("s3:GetObject", NotAction="s3:PutObject")), ALLOWED, "not something that this test"),
        "a policy that the plan hides": (doctored(plan, None), ALLOWED, "does not show its policy"),
        "a policy by attachment": (attached, ALLOWED, "in iam.tf only"),
        "what is closed to analysts, opened": (opened, ALLOWED, "only takes away"),
    }
    if problems := iam.problems(plan, ALLOWED):
        return f"the plan is refused as it is: {problems}"
    for name, (doctored_plan, allowed, expected) in cases.items():
        if not any(expected in problem for problem in iam.problems(doctored_plan, allowed)):
            return f"not refused: {name}"
    print(f"{len(cases)} ways to be wrong are refused")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
