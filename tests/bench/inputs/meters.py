"""Hourly measurements of electricity meters over 212 days, with thefts and broken meters among them."""

from pathlib import Path

import numpy

from . import fixed

DAYS = 212
HOURS = DAYS * 24
# 2025-09-15T00:00:00Z
START = 1_757_894_400


def write(raw: Path, rows: int) -> None:
    """Writes about `rows` measurements: the meters follow from them. Every twentieth meter is odd in one of ten ways."""
    meters = max(1, round(rows / HOURS))
    _table(raw, "device", "device_id,device_type,badge_number,serial_number,status,status_date", map(_device, range(meters)))
    _table(
        raw,
        "measuring_component",
        "measuring_component_id,device_id,type,uom,interval_seconds,multiplier,direction,status",
        (f"C{10**5 + m},D{10**5 + m},E-KWH-60-DEL,kWh,3600,1,DEL,ACTIVE" for m in range(meters)),
    )
    _table(
        raw,
        "install_event",
        "install_event_id,device_id,service_point_id,install_dttm,removal_dttm,status,status_dttm",
        map(_installed, range(meters)),
    )
    header = "measuring_component_id,measurement_dttm,measurement_value,condition_code,use_flag,created_dttm\n"
    stamps = [_instant(START + 3600 * (hour + 1)) for hour in range(HOURS)]
    blocks = (_measured(meter, stamps) for meter in range(meters))
    fixed.write(raw / "meters" / "measurement" / "measurement.csv", header, blocks, _negative)


def _oddity(meter: int) -> int | None:
    """Which of the ten ways the meter is odd in."""
    return meter // 20 % 10 if meter % 20 == 7 else None


def _measured(meter: int, stamps: list[str]) -> numpy.ndarray:
    random = numpy.random.Generator(numpy.random.PCG64(meter))
    hour = numpy.arange(HOURS)
    day = hour // 24
    watts = 450 + 250 * numpy.sin(hour * 0.2618 + meter) + random.uniform(-150, 150, HOURS)
    code = numpy.zeros(HOURS, dtype=numpy.int64)
    match _oddity(meter):
        case 0:
            watts[(day >= 80) & (day < 95)] = 0
        case 1:
            watts[day >= 120] *= 0.05
        case 2:
            watts[(day >= 60) & (day < 80)] = 400 + hour[(day >= 60) & (day < 80)] % 3
        case 3:
            watts[(day >= 100) & (day < 104)] = 777
        case 4:
            watts[day == 150] *= 8
        case 5:
            code[(day >= 70) & (day < 100)] = 1
    watts = numpy.clip(watts, 0, 9999).astype(numpy.int64)
    which = numpy.arange(HOURS)
    component = fixed.rows(fixed.digits(numpy.full(HOURS, 10**5 + meter), 6), ",")
    return fixed.rows(
        numpy.full((HOURS, 1), ord("C"), dtype=numpy.uint8),
        component,
        fixed.texts(stamps, which),
        ",",
        fixed.digits(watts // 1000, 1),
        ".",
        fixed.digits(watts % 1000, 3),
        ",",
        fixed.texts(["501000", "201000"], code),
        ",,",
        fixed.texts(stamps, which),
        "\n",
    )


def _negative(meter: int, block: numpy.ndarray):
    """A meter that runs backwards for two days."""
    if _oddity(meter) == 6:
        for row in range(90 * 24, 92 * 24):
            component, stamp, value, *rest = block[row].tobytes().decode().split(",")
            yield row, ",".join([component, stamp, "-" + value, *rest]).encode()


def _device(meter: int) -> str:
    status = "RETIRED,2026-01-10" if _oddity(meter) == 7 else "ACTIVE,"
    return f"D{10**5 + meter},SMART,,,{status}"


def _installed(meter: int) -> str:
    ended = {8: "2026-02-01T00:00:00Z,REMOVE,2026-02-01T00:00:00Z", 9: ",DISCONN-COMM,2026-01-20T00:00:00Z"}
    rest = ended.get(_oddity(meter), ",ON,2025-01-01T00:00:00Z")
    return f"E{10**5 + meter},D{10**5 + meter},SP{10**5 + meter},2025-01-01T00:00:00Z,{rest}"


def _table(raw: Path, name: str, header: str, rows) -> None:
    folder = raw / "meters" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.csv").write_text("".join(f"{row}\n" for row in [header, *rows]))


def _instant(second: int) -> str:
    return str(numpy.datetime64(second, "s")) + "Z"
