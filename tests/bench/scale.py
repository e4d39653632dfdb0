"""`scale.py FOLDER-WITH-BINARIES`: what commands cost in lakes of a thousand to a million raw objects, of ten years.

OBJECTS=1000,10000 says which.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from measure import run

HERE = Path(__file__).resolve().parent
WORK = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parents[1] / "target")).resolve() / "scale"
OBJECTS = [int(count) for count in (os.environ.get("OBJECTS") or "1000,10000,100000,1000000").split(",")]
MONTHS = [(year, month) for year in range(2015, 2025) for month in range(1, 13)]


def main(binaries: str) -> int:
    binaries = Path(binaries).resolve()
    print("| raw objects | command | CPU s | wall s | peak MB | |\n|---|---|---|---|---|---|", flush=True)
    for objects in OBJECTS:
        shutil.rmtree(WORK, ignore_errors=True)
        lake = WORK / "lake"
        _measure(binaries, lake, objects)
        shutil.rmtree(WORK)
    return 0


def _measure(binaries: Path, lake: Path, objects: int) -> None:
    def step(name: str, *arguments: str) -> None:
        command = [str(binaries / "tributary"), "--lake", f"file:{lake}", *arguments]
        cost = run(command, WORK / "log", {"REPORT_PAGES": "off"})
        line = f"{objects:,} | {name} | {cost.cpu:.2f} | {cost.wall:.2f} | {cost.peak:.0f} | {cost.failure or ''}"
        print(f"| {line} |", flush=True)

    for year, month in MONTHS:
        _upload(lake, f"{year}-{month:02}", year, month)
    clean = [str(binaries / "tributary"), "--lake", f"file:{lake}", "clean"]
    subprocess.run(clean, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([str(binaries / "sample-ledger"), str(lake), str(objects)], check=True)
    step("aggregate, all of it", "aggregate", "--dataset", "energy_usage")
    step("aggregate, nothing to do", "aggregate", "--dataset", "energy_usage")
    step("clean, nothing to do", "clean", "--dataset", "energy_usage")
    step("status", "status", "energy_usage")
    _upload(lake, "new", 2024, 12)
    step("clean, one upload", "clean", "energy_usage/new.csv")
    step("aggregate, one upload", "aggregate", "--dataset", "energy_usage")
    step("query of a model", "query", "SELECT count(*) FROM energy_usage.usage_by_customer_day")
    step("verify", "verify")


def _upload(lake: Path, name: str, year: int, month: int) -> None:
    """Readings of ten customers on one day."""
    rows = [
        f"{100_000 + customer},{customer}.{hour},{year}-{month:02}-03T{hour:02}:00:00-07:00\n"
        for customer in range(10)
        for hour in range(24)
    ]
    path = lake / "raw" / "energy_usage" / f"{name}.csv"
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("customer_id,usage_kwh,start_time\n" + "".join(rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
