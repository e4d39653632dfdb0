"""What all peers share: the rules of the datasets in words that each engine can use, and where things lie."""

import datetime
import os
from pathlib import Path
from zoneinfo import ZoneInfo

BRUSSELS = ZoneInfo("Europe/Brussels")
PARAMETERS = {"1": "so2", "5": "pm10", "8": "no2", "71": "co2", "6001": "pm25"}
# Values of IRCELINE that stand for none, and the least one that is accepted.
SENTINELS = (-99.99, -999.0, -9999.0)
LEAST = -10.0
# Parts of a station's label.
CODE = r"^\s*(\S+)\s+-\s"
MUNICIPALITY = r"^\s*\S+\s+-\s+(.*?)\s*(?:\s\(.*)?$"
STATES = ("idle", "running", "stopped", "fault")


def received(files) -> list[tuple[str, datetime.datetime]]:
    """Uploads and when they arrived: their time of modification."""
    return [(str(file), datetime.datetime.fromtimestamp(os.stat(file).st_mtime, datetime.UTC)) for file in sorted(files)]


def hours_of(first: datetime.date, last: datetime.date) -> list[tuple[datetime.date, int]]:
    """The days from `first` to `last` and how many hours each has in Brussels."""
    days = [first + datetime.timedelta(days=offset) for offset in range((last - first).days + 1)]
    return [(day, round((_midnight(day + datetime.timedelta(days=1)) - _midnight(day)) / 3600)) for day in days]


def folder(path) -> Path:
    """The folder, made if it is not there."""
    Path(path).mkdir(parents=True, exist_ok=True)
    return Path(path)


def _midnight(day: datetime.date) -> float:
    return datetime.datetime.combine(day, datetime.time(tzinfo=BRUSSELS)).timestamp()
