"""`bench.py FOLDER-WITH-BINARIES`: Tributary and its peers on the same inputs, in turns; prints and writes a table.

QUICK=1 takes smaller inputs and fewer runs; JOBS=year,energy selects the jobs whose names begin so; RUNS=3 overrides how
often. Results are kept below target/bench, one file per job, so that the page, docs/performance.md, has the newest of each, and
names the jobs that have none.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import report
import special
from contestants import HERE, PEERS, Peer, Tributary
from jobs import JOBS, ONCE, Job

ROOT = HERE.parents[1]
WORK = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "bench"


def main(binaries: str) -> int:
    quick = os.environ.get("QUICK", "") not in ("", "0")
    wanted = [name for name in os.environ.get("JOBS", "").replace(",", " ").split() if name]
    unknown = [name for name in wanted if not _named(name)]
    if unknown:
        print(f"bench: no job begins with {', '.join(unknown)}; there are {', '.join(job.name for job in JOBS)}")
        return 2
    selected = [job for job in JOBS if not wanted or any(job in _named(name) for name in wanted)]
    selected = [job for job in selected if job.of_size(quick)]
    tributary = Tributary(Path(binaries).resolve() / "tributary")
    peers = [Peer(name) for name in PEERS]
    missing = {peer.name: why for peer in peers if (why := peer.missing())}
    for name, why in missing.items():
        print(f"bench: {name} is left out: {why}")
    there = [peer for peer in peers if peer.name not in missing]
    machine = report.machine(tributary, there, missing, quick)
    results = WORK / ("quick" if quick else "results")
    results.mkdir(parents=True, exist_ok=True)
    for job in selected:
        print(f"\n{job.named(quick)}", flush=True)
        result = measure(job, quick, tributary, there)
        result["machine"] = machine
        (results / f"{job.name}.json").write_text(json.dumps(result, indent=1))
        print(report.table([result]), flush=True)
    page = report.page(results, [job.name for job in JOBS], quick)
    target = results / "performance.md" if quick else ROOT / "docs" / "performance.md"
    target.write_text(page)
    print(f"\nWritten to {target}" + (" (quick form: small inputs, two runs)" if quick else ""))
    return 0


def _named(name: str) -> list[Job]:
    """The job of that name, or all whose names begin so."""
    return [job for job in JOBS if job.name == name] or [job for job in JOBS if job.name.startswith(name)]


def measure(job: Job, quick: bool, tributary: Tributary, there: list[Peer]) -> dict:
    """All rounds of one job, and whether the peers' results are Tributary's."""
    runs = int(os.environ.get("RUNS") or (2 if quick else job.runs))
    raw = inputs(job.kind, job.of_size(quick))
    named = job.quick_peers if quick else job.peers
    contestants = [tributary, *(peer for peer in there if peer.name in named)]
    outs = WORK / "out"
    shutil.rmtree(outs, ignore_errors=True)
    result = {"name": job.name, "title": job.named(quick), "size": job.of_size(quick), "runs": runs, "note": job.note}
    result["summed"] = job.has_models and not job.whole
    if job.special:
        outs.mkdir(parents=True)
        result["rounds"] = getattr(special, job.special)(job, quick, runs, tributary, contestants[1:], raw, outs, inputs)
        result["agreement"] = {}
    else:
        result["rounds"], result["agreement"] = _rounds(job, runs, contestants, raw, outs)
    shutil.rmtree(outs, ignore_errors=True)
    result["bytes"] = sum(path.stat().st_size for path in raw.rglob("*") if path.is_file())
    return result


def _rounds(job: Job, runs: int, contestants: list, raw: Path, outs: Path) -> tuple[list, dict]:
    rounds, agreement, failed = [], {}, set()
    for number in range(runs):
        turn = number % len(contestants)
        costs = {}
        for contestant in contestants[turn:] + contestants[:turn]:
            # What failed once is not tried again.
            if contestant.name in failed or (number > 0 and contestant.name in ONCE):
                continue
            out = outs / contestant.name
            out.mkdir(parents=True)
            made = contestant.run(job, raw, out)
            costs[contestant.name] = {stage: asdict(cost) for stage, cost in made.items()}
            if any(cost.failure for cost in made.values()):
                failed.add(contestant.name)
                print(f"  {contestant.name}: " + next(c.failure for c in made.values() if c.failure), flush=True)
            if number > 0:
                shutil.rmtree(out)
        rounds.append(costs)
        if number == 0:
            for contestant in contestants[1:]:
                agreement[contestant.name] = agrees(job, outs / "Tributary", outs / contestant.name)
            shutil.rmtree(outs)
        print(f"  round {number + 1} of {runs} is done", flush=True)
    return rounds, agreement


def agrees(job: Job, ours: Path, theirs: Path) -> list[str]:
    """What differs between the files of two contestants. In a process of its own: this one stays small."""
    compared = [asdict(compared) for compared in job.compared]
    command = [sys.executable, str(HERE / "agree.py"), str(ours), str(theirs)]
    done = subprocess.run(command, input=json.dumps(compared), capture_output=True, text=True)
    if done.returncode != 0:
        return [f"could not be compared: {done.stderr.strip().splitlines()[-1]}"]
    return json.loads(done.stdout)


def inputs(kind: str, size: int) -> Path:
    """The raw zone of a job; made once, and again when what makes it has changed."""
    folder = WORK / "inputs" / f"{kind}-{size}"
    sources = sorted((HERE / "inputs").glob("*.py"))
    version = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    marker = folder / "complete"
    if not marker.exists() or marker.read_text() != version:
        print("  inputs are made", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        command = [sys.executable, "-m", "inputs", kind, str(size), str(folder)]
        subprocess.run(command, cwd=HERE, check=True)
        marker.write_text(version)
    return folder / "raw"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
