"""cost_test.py PLAN: what cost.py counts is what the plan (`terraform show -json`) makes, and the goals hold."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import cost

import iam


def main(path):
    with open(path, encoding="utf-8") as file:
        plan = json.load(file)
    alarms = 0
    for resource in iam.resources(plan["planned_values"]["root_module"]):
        if resource["type"] == "aws_cloudwatch_metric_alarm":
            queries = [query for query in resource["values"].get("metric_query") or [] if query.get("metric")]
            alarms += len(queries) or 1
    # All datasets, and the one source that needs no settings
    counted = cost.alarm_metrics({"datasets": 5, "sources": 1})
    if alarms != counted:
        return f"the plan's alarms look at {alarms} metrics, and cost.py counts {counted}"
    listed, rest = cost.total(*cost.numbers("country", []))
    if listed >= 3 or rest >= 1:
        return f"a country's lake costs {listed:.2f}, and {rest:.2f} with what is always free"
    digest = cost.total(*cost.numbers("all", ["digest=1"]))[0] - cost.total(*cost.numbers("all", []))[0]
    if not 0 < digest < 0.01:
        return f"the digest costs {digest:.4f}"
    for change in ("gb=nan", "gb=-1", "gb=inf", "gb=two", "gb", "nothing=1"):
        try:
            cost.numbers("country", [change])
        except SystemExit:
            continue
        return f"--set {change} was taken"
    for case in cost.CASES:
        if not 0 < cost.total(*cost.numbers(case, []))[1] < cost.total(*cost.numbers(case, []))[0]:
            return f"{case} makes no sense"
    print(f"{alarms} metrics of alarms; a country's lake costs {listed:.2f}, {rest:.2f} with what is always free")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
