"""Days of IRCELINE as `tributary ingest irceline` stores them: stations.json, timeseries.json and values.ndjson.

660 series at 120 stations, 622 of them with values: about 14,850 values and 1.66 MB a day. Shapes, shares of missing
values and sizes follow what the simulator answers, which follows recorded answers of the API.
"""

import datetime
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy

SERIES = 660
STATIONS = 120
# The last so many series are closed: listed, without values.
CLOSED = 38
# Series of one request.
REQUEST = 50
# Shares of the values, per series and hour.
HOLES, NULLS, NAN_TEXTS, SENTINELS, REJECTED = 0.005, 0.0056, 0.0035, 0.001, 0.00034
ZONE = ZoneInfo("Europe/Brussels")
# Id, label, unit, mean and daily swing in tenths, decimals.
PHENOMENA = [
    ("5", "Particulate Matter < 10 µm", "µg/m³", 220, 90, 1),
    ("8", "Nitrogen dioxide", "µg/m³", 180, 110, 1),
    ("6001", "Particulate Matter < 2.5 µm", "µg/m³", 130, 60, 1),
    ("7", "Ozone", "µg/m³", 450, 300, 1),
    ("1", "Sulphur dioxide", "µg/m³", 25, 15, 1),
    ("391", "Black Carbon", "µg/m³", 1200, 700, 3),
    ("62101", "Temperature", "°C", 110, 60, 1),
    ("64102", "Atmospheric  Pressure", "hPa", 10130, 60, 1),
    ("38", "Nitrogen monoxide", "µg/m³", 90, 80, 1),
]
TOWNS = ["Antwerpen", "Liège", "Gent", "Brugge", "Namur", "Charleroi", "Hasselt", "Mons", "Saint-Nicolas", "Dessel"]


def write(raw: Path, first: datetime.date, days: int) -> None:
    """Writes `days` days from `first` on below `raw`. A day's bytes do not depend on which others are written."""
    listed = [_Series(number) for number in range(SERIES)]
    stations = _stations(listed)
    for offset in range(days):
        day = first + datetime.timedelta(days=offset)
        folder = raw / "irceline" / f"date={day}"
        folder.mkdir(parents=True, exist_ok=True)
        random = numpy.random.Generator(numpy.random.PCG64(day.toordinal()))
        stamps = _stamps(day)
        items, last = _values(random, listed, stamps)
        (folder / "stations.json").write_bytes(stations)
        (folder / "timeseries.json").write_text(_timeseries(listed, stamps[-1], last), encoding="utf-8")
        (folder / "values.ndjson").write_text(_lines(day, listed, items), encoding="utf-8")


def write_large(raw: Path, series: int) -> None:
    """One day of many series with a value each five minutes, as one answer in one line: 1 GB with 86,000 series."""
    day = datetime.date(2026, 11, 18)
    folder = raw / "irceline" / f"date={day}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stations.json").write_text("[]")
    item = '{"id":"%d","uom":"µg/m³","station":{"properties":{"id":%d}},"parameters":{"phenomenon":{"id":"5","label":"PM10"}}}'
    listed = ",".join(item % (id, id // 5) for id in range(series))
    (folder / "timeseries.json").write_text(f"[{listed}]", encoding="utf-8")
    first = _stamps(day)[0] - 3_600_000
    stamps = [f'{{"timestamp":{first + (number + 1) * 300_000},"value":' for number in range(288)]
    # The values of a series are one of ninety runs.
    runs = ["".join(f"{stamp}{(run + at) % 90}.{at % 10}}}," for at, stamp in enumerate(stamps))[:-1] for run in range(90)]
    with (folder / "values.ndjson").open("w") as file:
        file.write('{"request":{},"received_at":"2026-11-19T05:00:00Z","status":200,"body":{')
        for id in range(series):
            file.write(f'{"," if id else ""}"{id}":{{"values":[{runs[id % 90]}]}}')
        file.write("}}\n")


class _Series:
    """One series: what it measures, and its metadata up to and from its last value on."""

    def __init__(self, number: int):
        self.id = str(70001 + number)
        self.station = 1001 + number % STATIONS
        town = TOWNS[self.station % len(TOWNS)]
        self.station_label = f"4{self.station % 7}R{self.station} - {town} ({self.station % 13}e straat)"
        phenomenon, label, self.uom, self.mean, self.swing, self.decimals = PHENOMENA[number % len(PHENOMENA)]
        procedure = f"{self.id} - FIDAS 200 - procedure"
        self.references = {
            "service": {"id": "1", "label": "IRCEL - CELINE: timeseries-api (SOS 2.0)"},
            "offering": {"id": self.id, "label": procedure},
            "feature": {"id": str(self.station), "label": self.station_label},
            "procedure": {"id": self.id, "label": procedure},
            "phenomenon": {"id": phenomenon, "label": label},
            "category": {"id": phenomenon, "label": label},
        }
        head = {
            "id": self.id,
            "label": f"{label} {procedure}, {self.station_label}",
            "extras": ["license", "statusIntervals"],
            "uom": self.uom,
            "station": {
                "properties": {"id": self.station, "label": self.station_label},
                "geometry": self.geometry(),
                "type": "Feature",
            },
            "referenceValues": [],
            "firstValue": {"timestamp": 1296914400000, "value": 2.5},
        }
        bands = [("60.0", "1000.0"), ("45.0", "60.0"), ("30.0", "45.0"), ("-10.0", "30.0")]
        tail = {
            "parameters": self.references,
            "statusIntervals": [
                {"lower": lower, "upper": upper, "name": f"{lower} - {upper} {label}", "color": "#F08A24"}
                for lower, upper in bands
            ],
        }
        self.head, self.tail = _json(head)[:-1], _json(tail)[1:]

    def geometry(self) -> dict:
        longitude, latitude = 2.6 + self.station % 37 * 0.0972837465, 49.7 + self.station % 53 * 0.0326374859
        return {"coordinates": [longitude, latitude, "NaN"], "type": "Point"}


def _stations(listed: list[_Series]) -> bytes:
    stations = {}
    for series in listed:
        properties = {"id": series.station, "label": series.station_label, "timeseries": {}}
        feature = {"properties": properties, "geometry": series.geometry(), "type": "Feature"}
        stations.setdefault(series.station, feature)["properties"]["timeseries"][series.id] = series.references
    return _json(list(stations.values())).encode()


def _timeseries(listed: list[_Series], stamp: int, last: list[str]) -> str:
    items = (
        f'{series.head},"lastValue":{{"timestamp":{stamp},"value":{value}}},{series.tail}'
        for series, value in zip(listed, last)
    )
    return "[" + ",".join(items) + "]"


def _stamps(day: datetime.date) -> list[int]:
    """The ends of a local day's hours in milliseconds: 24 of them, or 23 or 25."""
    midnight = datetime.time(tzinfo=ZONE)
    start, end = (
        int(datetime.datetime.combine(date, midnight).timestamp()) for date in (day, day + datetime.timedelta(days=1))
    )
    return [1000 * second for second in range(start + 3600, end + 1, 3600)]


def _texts(decimals: int) -> numpy.ndarray:
    """Numbers as the server writes them, by their value in the last digit. Some whole ones come without a point."""
    unit = 10**decimals
    texts = [str(n // unit) if n % unit == 0 and n % 3 == 0 else f"{n / unit:.{decimals}f}" for n in range(20_000)]
    return numpy.array(texts, dtype=object)


TEXTS = {decimals: _texts(decimals) for decimals in (1, 3)}


def _values(random, listed: list[_Series], stamps: list[int]) -> tuple[list[list[str]], list[str]]:
    """Per open series the records of a day, and per series the last value."""
    opened = listed[: SERIES - CLOSED]
    shape = (len(opened), len(stamps))
    hours = numpy.arange(shape[1])
    mean = numpy.array([series.mean for series in opened])[:, None] * (0.7 + 0.6 * random.random((shape[0], 1)))
    swing = numpy.array([series.swing for series in opened])[:, None] * numpy.cos(hours * 0.26 + 1.0)[None, :]
    noise = random.normal(0, 1, shape).cumsum(axis=1) * numpy.sqrt(mean)
    numbers = numpy.clip(mean + swing + noise, 0, 19_999).astype(numpy.int64)
    decimals = numpy.array([series.decimals for series in opened])[:, None]
    texts = numpy.where(decimals == 1, TEXTS[1][numbers], TEXTS[3][numbers])

    draw = random.random(shape)
    share = 0.0
    for text, width in [
        (None, HOLES),
        ("null", NULLS),
        ('"NaN"', NAN_TEXTS),
        ("-99.99", SENTINELS),
        ("-17.4", REJECTED),
    ]:
        texts[(draw >= share) & (draw < share + width)] = text
        share += width
    heads = [f'{{"timestamp":{stamp},"value":' for stamp in stamps]
    records = [[head + text + "}" for head, text in zip(heads, row) if text is not None] for row in texts.tolist()]
    return records, [row[-1] or "null" for row in texts.tolist()] + ["1.5"] * CLOSED


def _lines(day: datetime.date, listed: list[_Series], records: list[list[str]]) -> str:
    received = f"{day + datetime.timedelta(days=1)}T05:00:00Z"
    lines = []
    for start in range(0, SERIES, REQUEST):
        asked = listed[start : start + REQUEST]
        request = {"timespan": f"{day}T00:00:00Z/{day}T23:00:00Z", "timeseries": [series.id for series in asked]}
        body = ",".join(
            f'"{series.id}":{{"values":[{",".join(records[number]) if number < len(records) else ""}]}}'
            for number, series in enumerate(asked, start)
        )
        lines.append(f'{{"request":{_json(request)},"received_at":"{received}","status":200,"body":{{{body}}}}}\n')
    return "".join(lines)


def _json(value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
