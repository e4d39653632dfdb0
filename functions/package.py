"""package.py BOOTSTRAP ZIP: the package of a function, with the same bytes for the same binary."""

import os
import struct
import sys
import zlib

import deflate

# What a package should have at most, as Lambda loads it at a cold start. A larger one is deployed all the same.
LIMITS = {"ingest": 7_000_000, "clean": 7_000_000, "aggregate": 25_000_000}
NAME = b"bootstrap"
# What all headers of the file say: version 2.0, no flags, deflated, at the first moment that the format knows.
SAME = (20, 0, 8, 0, (0 << 9) | (1 << 5) | 1)
UNIX = 3 << 8
MODE = 0o100755


def archive(binary: bytes) -> bytes:
    """A zip of one executable file. By hand, as Python's own cannot be given what another compressor made."""
    packed = bytes(deflate.deflate_compress(binary, 12))
    about = (*SAME, zlib.crc32(binary), len(packed), len(binary), len(NAME), 0)
    local = struct.pack("<4s5H3L2H", b"PK\3\4", *about) + NAME + packed
    central = struct.pack("<4s6H3L5H2L", b"PK\1\2", UNIX | 20, *about, 0, 0, 0, MODE << 16, 0) + NAME
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(central), len(local), 0)
    return local + central + end


def main(binary: str, package: str) -> int:
    with open(binary, "rb") as source, open(package, "wb") as target:
        target.write(archive(source.read()))
    name = os.path.basename(package).removesuffix(".zip")
    size, limit = os.path.getsize(package), LIMITS.get(name)
    print(f"{package}: {size / 1e6:.2f} MB")
    if limit and size > limit:
        print(
            f"{package} is larger than {limit / 1e6:.0f} MB, and starts later: see [profile.dist] in Cargo.toml",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
