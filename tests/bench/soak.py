"""`soak.py FOLDER-WITH-BINARIES`: many small uploads, then many rows, into one lake; what each step costs, and whether
every row is accounted for in the end.

UPLOADS=100000 and ROWS=50000000 say how many.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from inputs import energy
from measure import run

HERE = Path(__file__).resolve().parent
WORK = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parents[1] / "target")).resolve() / "soak"
UPLOADS, ROWS = int(os.environ.get("UPLOADS") or 100_000), int(os.environ.get("ROWS") or 50_000_000)
BATCHES, ROWS_OF_UPLOAD = 10, 10


def main(binaries: str) -> int:
    shutil.rmtree(WORK, ignore_errors=True)
    raw = WORK / "lake" / "raw"
    raw.mkdir(parents=True)
    tributary = str(Path(binaries).resolve() / "tributary")
    print("| step | CPU s | wall s | peak MB | |\n|---|---|---|---|---|", flush=True)

    def step(name: str, *arguments: str, each: int = 0) -> None:
        cost = run([tributary, "--lake", f"file:{WORK / 'lake'}", *arguments], WORK / "log", {"REPORT_PAGES": "off"})
        rate = f"{cost.wall / each * 1000:.2f} ms an upload" if each else ""
        print(f"| {name} | {cost.cpu:.1f} | {cost.wall:.1f} | {cost.peak:.0f} | {cost.failure or rate} |", flush=True)
        if cost.failure:
            raise SystemExit(1)

    for batch in range(BATCHES):
        for upload in range(UPLOADS // BATCHES):
            _write(raw, batch, upload)
        step(f"clean, uploads {batch + 1} of {BATCHES}", "clean", each=UPLOADS // BATCHES)
    step("aggregate", "aggregate")
    step("clean, nothing to do", "clean")
    step("aggregate, nothing to do", "aggregate")
    energy.write(raw, ROWS)
    step(f"clean, {ROWS:,} rows", "clean")
    step("aggregate", "aggregate")
    step("verify", "verify")
    command = [tributary, "--lake", f"file:{WORK / 'lake'}", "--output", "json", "status"]
    status = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    print(json.dumps(next(one for one in status["datasets"] if one["dataset"] == "energy_usage")["rows"]))
    shutil.rmtree(WORK / "lake")
    return 0


def _write(raw: Path, batch: int, upload: int) -> None:
    """One upload: readings of one customer on one day of 2024."""
    customer, day = batch * UPLOADS + upload, upload % 28 + 1
    rows = [
        f"{customer},{1 + (customer + hour) % 9}.{hour},2024-{batch + 1:02}-{day:02}T{hour:02}:00:00-07:00\n"
        for hour in range(ROWS_OF_UPLOAD)
    ]
    path = raw / "energy_usage" / f"batch-{batch}" / f"{upload}.csv"
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("customer_id,usage_kwh,start_time\n" + "".join(rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
