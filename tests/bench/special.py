"""Jobs in a lake that is there already: another night, and a run with nothing to do."""

import shutil
from dataclasses import asdict
from pathlib import Path

from jobs import LAKE_DAYS


def again(job, quick, runs, tributary, peers, raw: Path, outs: Path, inputs) -> list[dict]:
    """Cleans and aggregates once, then measures the same commands when there is nothing left to do."""
    out = outs / "Tributary"
    out.mkdir()
    tributary.run(job, raw, out)
    return [{"Tributary": _stages(tributary.run(job, raw, out))} for _ in range(runs)]


def night_after(job, quick, runs, tributary, peers, nights: Path, outs: Path, inputs) -> list[dict]:
    """One more day in a lake that has many, a new one in each round. The peers' lake is their own."""
    raw = outs / "raw"
    shutil.copytree(inputs("irceline", LAKE_DAYS[quick]), raw, copy_function=_link)
    lakes = {contestant.name: outs / contestant.name for contestant in [tributary, *peers]}
    for contestant in [tributary, *peers]:
        lakes[contestant.name].mkdir()
        contestant.run(job, raw, lakes[contestant.name])
    rounds = []
    for day in sorted((nights / "irceline").iterdir())[:runs]:
        target = raw / "irceline" / day.name
        shutil.copytree(day, target)
        costs = {"Tributary": _stages(tributary.run(job, raw, lakes["Tributary"]))}
        for peer in peers:
            cost = peer.stage(job, f"night:{day.name}", raw, lakes[peer.name])
            costs[peer.name] = {"whole": asdict(cost)}
        rounds.append(costs)
    return rounds


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def _stages(costs) -> dict:
    return {stage: asdict(cost) for stage, cost in costs.items()}
