"""lake.py COMMAND ...: what upgrade.sh looks at on the emulator, and in plans.

put PREFIX          writes objects, two versions of one; prints what there is as JSON
get PREFIX FILE     compares with what `put` printed
guarded PREFIX      buckets are versioned, encrypted, closed, and have their policies
gone PREFIX         no bucket is left
push PREFIX         an image for jobs
images PREFIX       whether there is a repository of images
account             the account's number
changes PLAN        an upgrade moves and mends: it deletes nothing that holds data
adds PLAN           a lake that comes back only adds, and no bucket
"""

import json
import os
import sys

import botocore.session

ZONES = ("raw", "standard", "rejection", "consumption", "ledger", "athena", "logs")
OBJECTS = {
    "raw": "energy_usage/november.csv",
    "standard": "energy_usage/reading/month=2026-11/november.parquet",
    "rejection": "energy_usage/reading/november.ndjson",
    "consumption": "energy_usage/usage/month=2026-11/data.parquet",
    "ledger": "raw/energy_usage/november.csv.json",
}
# What an upgrade from 0.1 may delete or replace: nothing here holds data.
REPLACED = {
    "aws_cloudwatch_metric_alarm",  # of durations: a function ends its work before its time is over
    "aws_lambda_function_event_invoke_config",  # of the alias
    "aws_default_security_group",  # of the job's network: is left alone from now on
}


def client(service):
    session = botocore.session.get_session()
    return session.create_client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name=os.environ["AWS_REGION"])


def account():
    return client("sts").get_caller_identity()["Account"]


def bucket(prefix, zone):
    return f"{prefix}-{account()}-{zone}"


def state(prefix):
    s3, found = client("s3"), {}
    for zone, key in OBJECTS.items():
        versions = s3.list_object_versions(Bucket=bucket(prefix, zone), Prefix=key).get("Versions", [])
        found[zone] = sorted([v["Key"], v["VersionId"], v["ETag"], v["IsLatest"]] for v in versions)
    return found


def put(prefix):
    s3 = client("s3")
    for zone, key in OBJECTS.items():
        for text in (b"first", b"second") if zone == "raw" else (b"only",):
            s3.put_object(Bucket=bucket(prefix, zone), Key=key, Body=text)
    found = state(prefix)
    assert len(found["raw"]) == 2, found
    print(json.dumps(found))


def get(prefix, path):
    with open(path, encoding="utf-8") as file:
        wanted = json.load(file)
    found = state(prefix)
    assert found == wanted, f"{found} is not {wanted}"


def guarded(prefix):
    s3 = client("s3")
    for zone in ZONES:
        name = bucket(prefix, zone)
        assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled", name
        policy = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])
        assert any(statement["Effect"] == "Deny" for statement in policy["Statement"]), policy


def push(prefix):
    ecr = client("ecr")
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}
    ecr.put_image(repositoryName=f"{prefix}-job", imageManifest=json.dumps(manifest), imageTag="0.2.0")
    assert ecr.list_images(repositoryName=f"{prefix}-job")["imageIds"], "no image was pushed"
    try:
        ecr.delete_repository(repositoryName=f"{prefix}-job")
    except ecr.exceptions.RepositoryNotEmptyException:
        return
    raise AssertionError("a repository with an image was deleted without force: the emulator shows nothing")


def images(prefix):
    if not any(r["repositoryName"] == f"{prefix}-job" for r in client("ecr").describe_repositories()["repositories"]):
        sys.exit(1)


def gone(prefix):
    left = [b["Name"] for b in client("s3").list_buckets()["Buckets"] if b["Name"].startswith(f"{prefix}-")]
    assert not left, left


def planned(path):
    with open(path, encoding="utf-8") as file:
        plan = json.load(file)
    return [(c["address"], c["type"], c["change"]["actions"], c.get("previous_address")) for c in plan["resource_changes"]]


def changes(path):
    all_changes = [change for change in planned(path) if "aws_s3_object" not in change[1]]
    wrong = [address for address, kind, actions, _ in all_changes if "delete" in actions and kind not in REPLACED]
    assert not wrong, f"the upgrade deletes {wrong}"
    buckets = [change for change in all_changes if change[1].startswith("aws_s3_bucket") and "create" in change[2]]
    assert not buckets, f"the upgrade makes {buckets} anew"
    moved = [address for address, _, _, previous in all_changes if previous]
    assert len(moved) > 100, f"only {len(moved)} resources keep their place"
    print(f"upgrade from 0.1: {len(moved)} resources move into the module, none that holds data is replaced")


def adds(path):
    wrong = [change for change in planned(path) if change[2] not in (["create"], ["no-op"], ["read"])]
    assert not wrong, f"more than additions: {wrong}"
    made = [
        change[0]
        for change in planned(path)
        if change[2] == ["create"] and change[1].startswith("aws_s3_bucket") and change[1] != "aws_s3_bucket_notification"
    ]
    assert not made, f"made anew: {made}"


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "account":
        print(account())
    else:
        {
            "put": put,
            "get": get,
            "guarded": guarded,
            "push": push,
            "images": images,
            "gone": gone,
            "changes": changes,
            "adds": adds,
        }[command](*arguments)
