"""The table of results: medians of paired runs, and each peer's cost by Tributary's."""

import datetime
import json
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from statistics import median

from jobs import ONCE

STAGES = {"clean": "raw to Parquet", "models": "Parquet to models", "whole": "whole"}
MEASURES = ("cpu", "wall", "peak")


def machine(tributary, peers, missing: dict[str, str], quick: bool) -> dict:
    """Where and with what the results were measured."""
    versions = {"Tributary": f"{tributary.version()} ({_commit()})"}
    versions |= {peer.name: peer.version() for peer in peers}
    return {
        "date": f"{datetime.date.today()}",
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "java": _java(),
        "versions": versions,
        "missing": missing,
        "quick": quick,
    }


def table(results: list[dict]) -> str:
    """Rows per job, stage and engine; ratios are the engine's cost by Tributary's, the median over the rounds."""
    lines = [
        "| job | stage | engine | CPU s | wall s | peak MB | CPU ratio | wall ratio | peak ratio | same result |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for result in results:
        for stage, words in STAGES.items():
            names = dict.fromkeys(name for costs in result["rounds"] for name in costs if stage in costs[name])
            for name in sorted(names, key=lambda name: (name != "Tributary", name)):
                lines.append(_row(result, stage, words, name))
    return "\n".join(lines)


def page(results: Path, order: list[str], quick: bool) -> str:
    """The page of all results that there are, in the order of the jobs."""
    found = [json.loads((results / f"{name}.json").read_text()) for name in order if (results / f"{name}.json").exists()]
    machines = {json.dumps(result["machine"], sort_keys=True): result["machine"] for result in found}
    parts = [INTRODUCTION.strip(), ""]
    if quick:
        parts += ["**Quick form: small inputs and two runs. These figures say little; `make bench` measures.**", ""]
    missing = [name for name in order if not (results / f"{name}.json").exists()]
    if missing and not quick:
        parts += [f"Not measured: {', '.join(missing)} (`make bench JOBS={','.join(missing)}` adds them).", ""]
    parts += [table(found), "", "## Rounds and differences", ""]
    parts += [_notes(result) for result in found]
    parts += dialects(results / "dialects.json")
    parts += ["", "## What peers do not do", "", NOT_DONE.strip(), "", "## Machine and versions", ""]
    for text, values in machines.items():
        names = [result["name"] for result in found if json.dumps(result["machine"], sort_keys=True) == text]
        parts.append(_machine(values, names))
    return "\n".join(parts) + "\n"


def dialects(path: Path) -> list[str]:
    """What CSV costs in each dialect, if it was measured."""
    if not path.exists():
        return []
    lines = [
        "| dialect | beside | bytes per row | to columns, ns per row | s per GB | ratio | to Parquet, ns per row | ratio |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for cost in json.loads(path.read_text()):
        size, columns, parquet = cost["bytes_per_row"], cost["columns_ns"], cost["parquet_ns"]
        name = _escaped(cost["name"])
        ratios = [f"{cost[of]:.2f}" for of in ("columns_ratio", "parquet_ratio")]
        lines.append(
            f"| {name} | {cost['beside']} | {size:.1f} | {columns:.0f} | {columns / size:.2f} | {ratios[0]} | {parquet:.0f} "
            f"| {ratios[1]} |"
        )
    return ["", "## Dialects of CSV", "", DIALECTS.strip(), "", *lines]


def _row(result: dict, stage: str, words: str, name: str) -> str:
    costs = [costs[name][stage] for costs in result["rounds"] if stage in costs.get(name, {})]
    failure = next((cost["failure"] for cost in costs if cost["failure"]), None)
    job = result["title"]
    if failure:
        cells = [f"fails after {costs[0]['cpu']:.1f}", "", "", "", "", "", _escaped(failure)]
        return f"| {job} | {words} | {name} | " + " | ".join(cells) + " |"
    figures = [median(cost[measure] for cost in costs) for measure in MEASURES]
    ratios = [_ratio(result, stage, name, measure) for measure in MEASURES]
    differences = result["agreement"].get(name)
    same = "" if name == "Tributary" or differences is None else "yes" if not differences else "no, see below"
    cells = [f"{figures[0]:.3f}", f"{figures[1]:.3f}", f"{figures[2]:,.0f}", *ratios, same]
    return f"| {job} | {words} | {name} | " + " | ".join(cells) + " |"


def _ratio(result: dict, stage: str, name: str, measure: str) -> str:
    if name == "Tributary":
        return "1"
    pairs = [
        costs[name][stage][measure] / costs["Tributary"][stage][measure]
        for costs in result["rounds"]
        if stage in costs.get(name, {}) and stage in costs.get("Tributary", {}) and not costs["Tributary"][stage]["failure"]
    ]
    return f"{median(pairs):.2f}" if pairs else ""


def _notes(result: dict) -> str:
    lines = [f"- {result['title']}: {result['runs']} paired runs, {result['bytes'] / 1e6:,.0f} MB raw."]
    if result["note"]:
        lines[0] += f" {result['note'][0].upper()}{result['note'][1:]}."
    if result["summed"]:
        lines[0] += " The whole is the sum of both stages, for peers, too."
    once = [name for name in ONCE if name in result["rounds"][0] and result["runs"] > 1]
    lines += [f"  - {name}: one run." for name in once]
    for name, differences in result["agreement"].items():
        lines += [f"  - {name}: {_escaped(text)}" for text in differences[:6]]
    return "\n".join(lines)


def _machine(values: dict, names: list[str]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in values["versions"].items())
    lines = [
        f"- {', '.join(names)}: measured on {values['date']}; {values['cpu']}, {values['cores']} cores, "
        f"{values['memory_gb']} GB; {values['system']}; {values['java']}. {versions}."
    ]
    lines += [f"  - {name} was left out: {why}." for name, why in values["missing"].items()]
    return "\n".join(lines)


def _commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "no commit"


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), platform.machine())


def _java() -> str:
    if not shutil.which("java"):
        return "no Java"
    text = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr
    return "Java " + (text.split('"')[1] if '"' in text else "of unknown version")


def _escaped(text: str) -> str:
    """As a cell of a table, without the folder that it was made in."""
    text = re.sub(r"/\S*/target/bench/", "target/bench/", text)
    return text.replace("|", "\\|").replace("\n", " ")


INTRODUCTION = """
# Performance

Tributary beside what people would pick instead: DuckDB, Polars, pandas, PySpark (`local[2]`) and ClickHouse (as chdb), each
as a good user of it would write the job (`tests/bench/peers/`), on the same input on the same machine, in turns. `make bench`
writes this page.

CPU is user and system time of all processes of a run, start and imports included; peak is the largest process. Figures are
medians; a ratio is the engine's cost by Tributary's, the median over paired runs: above 1, Tributary is better. "Same
result" compares all values of the tables and models named in `tests/bench/jobs.py`, doubles within 1e-9; beyond 12 million
rows sums per column.
"""

DIALECTS = """
What a row of energy usage costs as each dialect writes it, one row in a hundred bad (`make dialects`): CPU time on one core
of reading alone, from the file's bytes to columns, and of all that `clean` does with them, to a finished Parquet file. A
ratio is the cost per row by that of the same rows in the dialect beside it, the median of five rounds in turns.
"""

NOT_DONE = """
All engines apply the same rules to the same columns and write the same tables and models as Parquet with zstd by month, and
rejected rows to a file with a reason. Beyond that only Tributary

- keeps a ledger: what an output was made from, so that the next run makes only what is stale;
- proves per object that rows read = clean + rejected + duplicate + outside;
- names the line of a rejected row, and keeps its text as it came;
- writes the same bytes for the same input, and leaves no half-written table when it is killed.

Models that peers do not make and report pages are left out (`--model`, `REPORT_PAGES=off`).

Peers take known series from `timeseries.json` alone, not from the references in `stations.json`, too. Of rows with the same
key in one file ClickHouse keeps any, not the last. Where Tributary's `station` and `timeseries` lie by day, the peers' lie by
month, and their tables of Codetrack's accounts and of Illuminate's school years are one file each. PySpark's peak is that of
its Java process alone. The whole of Tributary is two processes, `clean` and `aggregate`; that of a peer is one, unless it is
said to be the sum.
"""
