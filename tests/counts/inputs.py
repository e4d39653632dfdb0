"""Small raw zones for counts.py, the same bytes each time: values of IRCELINE, CSV, NDJSON and JSON, 1 % of the rows bad."""

import datetime
import json
import os
from pathlib import Path

SERIES, HOURS, ROWS = 150, 24, 4000
# 2026-11-18T00:00:00Z, where the first hour of that day in Brussels ends.
FIRST = 1_794_960_000_000
# 2026-11-20T05:00:00Z
ARRIVED = 1_795_150_800

EVENTS = """\
title = "Events of devices"
time_zone = "UTC"
[table.event]
from = "*.{format}"
format = "{format}"
partition = "month(day)"
key = ["device", "at"]
key_decides_day = true
[table.event.column.device]
type = "string"
path = "/device/id"
required = true
[table.event.column.at]
type = "timestamp"
path = "/at"
required = true
[table.event.column.day]
type = "date"
day_of = "at"
[table.event.column.temperature]
type = "float64"
path = "/readings/temperature"
max = 150
[table.event.column.cycles]
type = "int64"
path = "/readings/cycles"
"""


def write(lake: Path, what: str) -> int:
    """Writes one dataset's raw objects into a lake; returns how many rows they have."""
    rows = {"values": _values, "csv": _csv}.get(what, _events)(lake, what)
    for path in lake.rglob("*"):
        if path.is_file():
            os.utime(path, (ARRIVED, ARRIVED))
    return rows


def _values(lake: Path, _: str) -> int:
    folder = lake / "raw" / "irceline" / "date=2026-11-18"
    folder.mkdir(parents=True)
    stations = [
        {
            "properties": {"id": id, "label": f"4R{id} - Gent"},
            "geometry": {"coordinates": [4.3, 51.2, "NaN"], "type": "Point"},
            "type": "Feature",
        }
        for id in range(SERIES // 5)
    ]
    series = [
        {
            "id": str(id),
            "uom": "µg/m³",
            "station": {"properties": {"id": id // 5}},
            "lastValue": {"timestamp": FIRST, "value": 1.5},
            "parameters": {"phenomenon": {"id": "5", "label": "Particulate Matter < 10 µm"}},
        }
        for id in range(SERIES)
    ]
    (folder / "stations.json").write_text(_json(stations))
    (folder / "timeseries.json").write_text(_json(series))
    with (folder / "values.ndjson").open("w") as file:
        for start in range(0, SERIES, 50):
            body = {
                str(id): {
                    "values": [{"timestamp": FIRST + hour * 3_600_000, "value": _value(id, hour)} for hour in range(HOURS)]
                }
                for id in range(start, start + 50)
            }
            line = {"request": {}, "received_at": "2026-11-19T05:00:00Z", "status": 200, "body": body}
            file.write(_json(line) + "\n")
    return SERIES * HOURS


def _value(id: int, hour: int):
    number = (id * 7 + hour * 13) % 900
    return -17.4 if number == 899 else None if number % 99 == 0 else number / 10


def _csv(lake: Path, _: str) -> int:
    folder = lake / "raw" / "energy_usage"
    folder.mkdir(parents=True)
    start = datetime.datetime(2023, 5, 1)
    with (folder / "usage.csv").open("w") as file:
        file.write("customer_id,usage_kwh,start_time\n")
        for row in range(ROWS):
            stamp = start + datetime.timedelta(hours=row % 500)
            usage = "NaN" if row % 100 == 50 else f"{row % 977 / 100:.2f}"
            file.write(f"{100_000 + row // 500},{usage},{stamp:%Y-%m-%dT%H:%M:%S}-07:00\n")
    return ROWS


def _events(lake: Path, format: str) -> int:
    folder = lake / "raw" / "events"
    folder.mkdir(parents=True)
    config = lake / "config" / "datasets" / "events"
    config.mkdir(parents=True)
    (config / "dataset.toml").write_text(EVENTS.replace("{format}", format))
    start = datetime.datetime(2026, 1, 1)
    rows = [
        _json({
            "device": {"id": f"device-{row // 500:05}", "site": row % 40},
            "at": f"{start + datetime.timedelta(minutes=row % 500):%Y-%m-%dT%H:%M:%SZ}",
            "readings": {"temperature": 999.5 if row % 100 == 50 else row % 631 / 10, "cycles": row, "spare": [1, 2, 3]},
            "note": "caf\u00e9 \\ \"shift\"",
        })
        for row in range(ROWS)
    ]  # fmt: skip
    text = "\n".join(rows) + "\n" if format == "ndjson" else "[" + ",".join(rows) + "]"
    (folder / f"events.{format}").write_text(text)
    return ROWS


def _json(value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
