"""A table that no code knows, as one JSON array or as NDJSON: events of devices, 1 % of the rows bad, and its dataset."""

from pathlib import Path

import numpy

BAD = 0.01
DEVICES = 500
# 2026-01-01T00:00:00Z
START = 1_767_225_600
STATES = ["idle", "running", "stopped", "fault"]

DATASET = """\
title = "Events of devices"
time_zone = "UTC"

[table.event]
from = "*.{ending}"
format = "{format}"
partition = "month(day)"
key = ["device", "at"]
key_decides_day = true

[table.event.column.device]
type = "string"
path = "/device/id"
required = true

[table.event.column.site]
type = "int64"
path = "/device/site"

[table.event.column.at]
type = "timestamp"
path = "/at"
required = true

[table.event.column.day]
type = "date"
day_of = "at"

[table.event.column.state]
type = "string"
path = "/state"
one_of = ["idle", "running", "stopped", "fault"]

[table.event.column.temperature]
type = "float64"
path = "/readings/temperature"
min = -50
max = 150

[table.event.column.cycles]
type = "int64"
path = "/readings/cycles"
required = true
min = 0

[table.event.column.note]
type = "string"
path = "/note"
"""


def write(raw: Path, rows: int, format: str) -> None:
    """Writes the table and, beside the raw zone, its declaration for the lake's config folder."""
    random = numpy.random.Generator(numpy.random.PCG64(rows))
    folder = raw / "events"
    folder.mkdir(parents=True, exist_ok=True)
    separator = "\n" if format == "ndjson" else ","
    per_device = rows // DEVICES
    minutes = [_instant(START + 60 * minute) for minute in range(per_device)]
    with (folder / f"events.{format}").open("w", encoding="utf-8") as file:
        file.write("" if format == "ndjson" else "[")
        for device in range(DEVICES):
            temperature = (20 + 15 * random.random() + random.normal(0, 0.4, per_device).cumsum() % 60).round(2).tolist()
            state, kind = random.integers(0, 4, per_device).tolist(), random.random(per_device).tolist()
            lines = [
                _event(device, minute, minutes[minute], STATES[state[minute]], temperature[minute], kind[minute])
                for minute in range(per_device)
            ]
            file.write(separator.join(lines))
            file.write("\n" if format == "ndjson" else "," if device + 1 < DEVICES else "]")
    config = raw.parent / "config" / "datasets" / "events"
    config.mkdir(parents=True, exist_ok=True)
    ending = "ndjson" if format == "ndjson" else "json"
    (config / "dataset.toml").write_text(DATASET.replace("{ending}", ending).replace("{format}", format))


def _event(device: int, minute: int, at: str, state: str, temperature: float, draw: float) -> str:
    cycles: object = minute * 3 + device % 7
    if draw < BAD:
        wrong = int(draw / BAD * 4)
        state = "melted" if wrong == 0 else state
        temperature = 999.5 if wrong == 1 else temperature
        cycles = "null" if wrong == 2 else cycles
        at = "soon" if wrong == 3 else at
    note = "null" if device % 3 else f'"shift {minute // 480 % 3} \\u2013 line {device % 9}"'
    return (
        f'{{"device":{{"id":"device-{device:05}","site":{device % 40},"model":"TX-{device % 5}"}},"at":"{at}",'
        f'"state":"{state}","readings":{{"temperature":{temperature},"cycles":{cycles},"spare":[1,2,3]}},"note":{note}}}'
    )


def _instant(second: int) -> str:
    return str(numpy.datetime64(second, "s")) + "Z"
