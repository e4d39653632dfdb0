"""`inputs KIND SIZE FOLDER`: makes one job's raw zone, FOLDER/raw. Every file has the same time of modification."""

import datetime
import os
import sys
from pathlib import Path

# The newest day of IRCELINE; whatever is made ends with it.
NEWEST = datetime.date(2026, 11, 18)
# 2026-11-20T05:00:00Z: when uploads arrived.
ARRIVED = 1_795_150_800


def main(kind: str, size: int, folder: Path) -> None:
    raw = folder / "raw"
    match kind:
        case "irceline":
            from inputs import irceline

            irceline.write(raw, NEWEST - datetime.timedelta(days=size - 1), size)
        case "large-object":
            from inputs import irceline

            irceline.write_large(raw, size)
        case "nights":
            from inputs import irceline

            irceline.write(raw, NEWEST + datetime.timedelta(days=1), size)
        case "energy" | "energy-by-time":
            from inputs import energy

            energy.write(raw, size, by_time=kind == "energy-by-time")
        case "meters":
            from inputs import meters

            meters.write(raw, size)
        case "illuminate" | "codetrack":
            from inputs import schools

            getattr(schools, f"write_{kind}")(raw, size)
        case "json" | "ndjson":
            from inputs import generic

            generic.write(raw, size, kind)
    for path in raw.rglob("*"):
        if path.is_file():
            os.utime(path, (ARRIVED, ARRIVED))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
