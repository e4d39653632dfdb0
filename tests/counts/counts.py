"""`counts.py TRIBUTARY PROFILE`: how many instructions a row, a value and a night take, against recorded figures.

Instructions do not depend on what else the machine does, as seconds do. Each decoder's figure is that of one `clean` less
that of a `clean` with nothing to do, per row. A figure beyond the recorded one and the tolerance fails; WRITE=1 records
what was counted.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import inputs

RECORDED = Path(__file__).with_name("recorded.json")
# Without optimisation counts say less of what a release build does, and change with how code is written.
TOLERANCE = {"debug": 0.25, "release": 0.1}
DECODERS = {"values": "a value of IRCELINE", "csv": "a row of CSV", "ndjson": "a row of NDJSON", "json": "a row of JSON"}


def main(tributary: str, profile: str) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        counted = _count(Path(tributary).resolve(), Path(scratch))
    known = json.loads(RECORDED.read_text())
    if os.environ.get("WRITE", "") not in ("", "0"):
        known[profile] = {name: count for name, (_, count) in counted.items()}
        RECORDED.write_text(json.dumps(known, indent=4, sort_keys=True) + "\n")
    recorded, tolerance, failed = known.get(profile, {}), TOLERANCE[profile], []
    for name, (words, count) in counted.items():
        limit = recorded.get(name)
        against = f"{count / limit - 1:+.0%} of {limit:,} recorded" if limit else "nothing is recorded"
        print(f"counts: {words}: {count:,} instructions ({profile}), {against}")
        if limit is None or count > limit * (1 + tolerance):
            failed.append(words)
        elif count < limit * (1 - tolerance):
            print("counts: far fewer: record it, so that it stays so (make counts WRITE=1)")
    if failed:
        print(f"counts: more instructions than recorded, by over {tolerance:.0%}: {', '.join(failed)}.")
        print("counts: find out why; if it is meant, record it: make counts WRITE=1, or for a debug build")
        print(f"counts: WRITE=1 sh tests/counts/counts.sh {Path(tributary).parent} debug")
    return 1 if failed else 0


def _count(tributary: Path, scratch: Path) -> dict[str, tuple[str, int]]:
    """What there is to count: by name, in words and in instructions."""
    counted = {}
    empty = scratch / "empty"
    (empty / "raw").mkdir(parents=True)
    start = _instructions(tributary, empty, "clean")
    for name, words in DECODERS.items():
        rows = inputs.write(scratch / name, name)
        counted[name] = (words, (_instructions(tributary, scratch / name, "clean") - start) // rows)
    counted["models"] = ("the models of a night", _instructions(tributary, scratch / "values", "aggregate") - start)
    counted["start"] = ("a start with nothing to do", start)
    return counted


def _instructions(tributary: Path, lake: Path, step: str) -> int:
    valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    command = [*valgrind, str(tributary), "--lake", f"file:{lake}", "--quiet", step]
    # Pages are strings that are put together once a night: what touches every row counts here.
    environment = {**os.environ, "REPORT_PAGES": "off"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if done.returncode != 0 or not found:
        sys.exit(f"counts: {' '.join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return int(found[1].replace(",", ""))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
