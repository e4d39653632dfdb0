"""Uploads of energy usage: twelve months of hourly readings, one CSV file each, 1 % of the rows bad.

In each file rows are sorted by customer and time, as a database exports them; `by_time` sorts them by time and
customer, as they come from the field. One row in a thousand is there twice.
"""

import calendar
import datetime
import functools
from pathlib import Path

import numpy

from . import fixed

YEAR = 2023
HOURS = [calendar.monthrange(YEAR, month)[1] * 24 for month in range(1, 13)]
BAD, TWICE = 0.01, 0.001


def write(raw: Path, rows: int, by_time: bool = False) -> None:
    """Writes about `rows` rows, bad and double ones included."""
    customers = max(1, round(rows / (1 + TWICE) / sum(HOURS)))
    for month, hours in enumerate(HOURS, 1):
        first = datetime.datetime(YEAR, month, 1)
        stamps = [f"{first + datetime.timedelta(hours=hour):%Y-%m-%dT%H:%M:%S}-07:00" for hour in range(hours)]
        path = raw / "energy_usage" / f"usage_{YEAR}-{month:02}.csv"
        blocks = _blocks(month, customers, hours, stamps, by_time)
        fixed.write(path, "customer_id,usage_kwh,start_time\n", blocks, functools.partial(_odd, month))


def _blocks(month: int, customers: int, hours: int, stamps: list[str], by_time: bool):
    for start in range(0, customers * hours, fixed.BLOCK):
        number = numpy.arange(start, min(start + fixed.BLOCK, customers * hours))
        customer, hour = (number % customers, number // customers) if by_time else (number // hours, number % hours)
        random = numpy.random.Generator(numpy.random.PCG64([month, start]))
        watts = numpy.clip(450 + customer % 700 + 300 * numpy.sin(hour * 0.26) + random.normal(0, 90, len(number)), 0, 9999)
        watts = watts.astype(numpy.int64)
        yield fixed.rows(
            fixed.digits(100_000 + customer, 6),
            ",",
            fixed.digits(watts // 1000, 1),
            ".",
            fixed.digits(watts % 1000, 3),
            ",",
            fixed.texts(stamps, hour),
            "\n",
        )


def _odd(month: int, number: int, block: numpy.ndarray):
    """Rows that are bad in one of nine ways, and rows that come twice."""
    random = numpy.random.Generator(numpy.random.PCG64([month, number, 1]))
    draw = random.random(len(block))
    kinds = random.integers(0, 9, len(block))
    for row in numpy.flatnonzero(draw < BAD + TWICE):
        line = block[row].tobytes()
        customer, usage, start = line.decode().rstrip("\n").split(",")
        if draw[row] >= BAD:
            yield row, line + line
            continue
        odd = [
            f"abc,{usage},{start}",
            f",{usage},{start}",
            f"{customer},,{start}",
            f"{customer},NaN,{start}",
            f"{customer},inf,{start}",
            f"{customer},-{usage[:-1]}1,{start}",
            f"{customer},{usage},{start[:-6]}",
            f"{customer},{usage},",
            f"{customer},{usage},yesterday",
        ]
        yield row, (odd[kinds[row]] + "\n").encode()
