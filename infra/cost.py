#!/usr/bin/env python3
"""cost.py [CASE] [--set NAME=VALUE ...]: what a lake costs a month, in USD, by list prices and with AWS's always-free part.

Cases: country (the air-quality lake of one country, each night), all (every source and two uploads a night, after a year),
uploads (a file each minute), idle (a lake that nothing happens to). `--set` changes a number of the case or a price, such as
--set uploads_a_day=50 --set dashboard=1; --list shows them all.

Prices are list prices of eu-west-1 as of November 2025, without tax: check them on AWS's pricing pages. What is always free
counts for the whole account.
"""

import argparse
import math
import sys

PRICES = {
    "lambda_gb_second": 0.0000133334,  # arm64
    "lambda_million": 0.20,
    "s3_gb": 0.023,
    "s3_thousand_put": 0.005,  # PUT, COPY, POST, LIST
    "s3_thousand_get": 0.0004,  # GET, HEAD
    "sqs_million": 0.40,
    "scheduler_million": 1.00,
    "log_gb": 0.57,
    "metric": 0.30,  # for a whole month; by the hour
    "alarm_metric": 0.10,
    "dashboard": 3.00,
    "secret": 0.40,
    "kms_key": 1.00,
    "ecr_gb": 0.10,
    "asked_metric_thousand": 0.01,  # GetMetricData
    "step_thousand": 0.025,  # of Step Functions
}
FREE = {
    "lambda_gb_seconds": 400_000,
    "lambda_requests": 1_000_000,
    "sqs_requests": 1_000_000,
    "scheduler": 14_000_000,
    "log_gb": 5,
    "metrics": 10,
    "alarm_metrics": 10,
    "dashboards": 3,
    "ecr_gb": 0,
    "steps": 4_000,
}
NIGHTS = 30.4
HOURS = 730

BASE = {
    "datasets": 1,  # that have data: rows are counted, rejects alarmed
    "sources": 1,  # that are asked at night
    "tables": 3,  # whose age is reported
    "objects_a_night": 12,  # raw objects that ingest writes
    "uploads_a_day": 0,
    "hours_with_news": 2,  # hours of a day in which rows are counted
    "ledger_entries": 1100,  # of what ingest wrote
    "months_of_uploads": 6,  # that the ledger holds
    "aggregations_a_day": 3,  # runs of aggregate beside the sweeps, and one for each upload
    "gb_seconds_a_night": 40.0,
    "gb": 2.0,  # in all zones, old versions included
    "log_mb_a_day": 1.0,
    "secrets": 0,
    "dashboard": 0,
    "digest": 0,
    "kms_keys": 0,
    "images_gb": 0.0,
    "access_logs": 1,
    # Measured on an emulator, per run: see README.md
    "puts_per_object": 9,
    "gets_per_object": 140,
    "lists_per_run": 25,
}
CASES = {
    "country": {},
    "all": {
        "datasets": 5,
        "sources": 3,
        "tables": 14,
        "objects_a_night": 19,
        "uploads_a_day": 2,
        "hours_with_news": 4,
        "ledger_entries": 6000,
        "aggregations_a_day": 6,
        "gb_seconds_a_night": 140.0,
        "gb": 5.7,
        "log_mb_a_day": 2.0,
        "secrets": 2,
        "images_gb": 0.5,
    },
    "uploads": {
        "objects_a_night": 0,
        "sources": 0,
        "uploads_a_day": 1440,
        "hours_with_news": 24,
        "ledger_entries": 0,
        "aggregations_a_day": 0,
        "gb_seconds_a_night": 9000.0,
        "gb": 30.0,
        "log_mb_a_day": 60.0,
        "tables": 1,
    },
    "idle": {
        "objects_a_night": 0,
        "hours_with_news": 0,
        "aggregations_a_day": 0,
        "gb_seconds_a_night": 4.0,
        "gb": 1.0,
        "log_mb_a_day": 0.1,
    },
}


def alarm_metrics(n):
    """What alarms.tf makes: dead letters, errors, oldest messages, broken declarations; ages, and two for shares of rejects."""
    return 3 + 3 + 2 + 1 + n["sources"] + 2 * n["datasets"]


def lines(n, prices):
    """(what, how much, price of it, price of it with what is always free)"""
    objects = n["objects_a_night"] + n["uploads_a_day"]
    sweeps = 2  # of clean, and of aggregate after it
    runs = n["aggregations_a_day"] + n["uploads_a_day"] + 2 * sweeps
    entries = n["ledger_entries"] + n["uploads_a_day"] * NIGHTS * n["months_of_uploads"]
    # A sweep of aggregate lists the ledger, a thousand entries at once, and one of clean the other zones as well. What follows
    # an upload reads notes instead. Entries that are not in the snapshot are read one by one: half of those after which there
    # is a new one.
    lists = 4 * sweeps * entries / 1000
    until_snapshot = 16 + entries / 500
    puts = NIGHTS * (objects * (n["puts_per_object"] + 1) + runs * n["lists_per_run"] + lists + objects / until_snapshot)
    gets = NIGHTS * (objects * n["gets_per_object"] + runs * (1 + until_snapshot / 2))
    calls = NIGHTS * (n["sources"] + objects + runs)
    polls = 2 * 5 * 3 * 60 * 24 * NIGHTS  # two queues, five pollers each, three times a minute
    row_metrics = 5 * n["datasets"] * n["hours_with_news"] * NIGHTS / HOURS
    age_metrics = n["tables"] * sweeps * NIGHTS / HOURS
    metrics, alarms = row_metrics + age_metrics, alarm_metrics(n)
    storage = n["gb"] + (n["access_logs"] and (puts + gets) * 3 * 600 / 1e9)  # of 90 days

    def paid(amount, free, price):
        return amount * price, max(0.0, amount - free) * price

    seconds = NIGHTS * n["gb_seconds_a_night"]
    yield "Lambda, GB-s", seconds, *paid(seconds, FREE["lambda_gb_seconds"], prices["lambda_gb_second"])
    yield "Lambda, requests", calls, *paid(calls, FREE["lambda_requests"], prices["lambda_million"] / 1e6)
    yield "S3, GB (before cheaper classes; access logs included)", storage, *paid(storage, 0, prices["s3_gb"])
    yield "S3, PUT and LIST", puts, *paid(puts, 0, prices["s3_thousand_put"] / 1e3)
    yield "S3, GET", gets, *paid(gets, 0, prices["s3_thousand_get"] / 1e3)
    yield "SQS, requests", polls + 4 * calls, *paid(polls + 4 * calls, FREE["sqs_requests"], prices["sqs_million"] / 1e6)
    schedules = NIGHTS * (2 * n["sources"] + 2 * sweeps)
    yield "EventBridge Scheduler", schedules, *paid(schedules, FREE["scheduler"], prices["scheduler_million"] / 1e6)
    logs = NIGHTS * n["log_mb_a_day"] / 1e3
    yield "CloudWatch, GB of logs", logs, *paid(logs, FREE["log_gb"], prices["log_gb"])
    yield "CloudWatch, metrics (whole months of one)", metrics, *paid(metrics, FREE["metrics"], prices["metric"])
    yield "CloudWatch, metrics of alarms", alarms, *paid(alarms, FREE["alarm_metrics"], prices["alarm_metric"])
    yield "Secrets Manager, secrets", n["secrets"], *paid(n["secrets"], 0, prices["secret"])
    yield "KMS, keys", n["kms_keys"], *paid(n["kms_keys"], 0, prices["kms_key"])
    yield "ECR, GB of images", n["images_gb"], *paid(n["images_gb"], FREE["ecr_gb"], prices["ecr_gb"])
    if n["digest"]:
        asked, steps = NIGHTS / 7 * (2 * n["datasets"] + n["tables"]), NIGHTS / 7 * 6
        yield "Digest, metrics asked for", asked, *paid(asked, 0, prices["asked_metric_thousand"] / 1e3)
        yield "Digest, steps", steps, *paid(steps, FREE["steps"], prices["step_thousand"] / 1e3)
    if n["dashboard"]:
        yield "CloudWatch, dashboard", n["dashboard"], *paid(n["dashboard"], FREE["dashboards"], prices["dashboard"])


def total(n, prices):
    found = list(lines(n, prices))
    return sum(line[2] for line in found), sum(line[3] for line in found)


def numbers(case, changes):
    n, prices = {**BASE, **CASES[case]}, dict(PRICES)
    for change in changes:
        name, _, value = change.partition("=")
        where = n if name in n else prices
        if name not in where:
            raise SystemExit(f"cost.py: there is no number {name}: see --list")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not (math.isfinite(number) and number >= 0):
            raise SystemExit(f"cost.py: {name}={value}: a number is wanted, zero or more")
        where[name] = number
    return n, prices


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="?", default="country", choices=CASES)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="changes")
    parser.add_argument("--list", action="store_true", help="show the numbers and prices that --set changes")
    options = parser.parse_args(arguments)
    n, prices = numbers(options.case, options.changes)
    if options.list:
        for name, value in {**n, **prices}.items():
            print(f"{name:<22} {value:g}")
        return 0
    print(f"{'what':<54} {'a month':>12} {'USD':>8} {'with always free':>17}")
    for what, amount, price, rest in lines(n, prices):
        print(f"{what:<54} {amount:>12,.2f} {price:>8.2f} {rest:>17.2f}")
    listed, rest = total(n, prices)
    print(f"{'sum':<54} {'':>12} {listed:>8.2f} {rest:>17.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
