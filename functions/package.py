"""package.py BOOTSTRAP ZIP: the package of a function, with the same bytes for the same binary."""

import os
import sys
import zipfile

# The most that a package may have: what Lambda loads at a cold start.
LIMITS = {"ingest": 7_000_000, "clean": 7_000_000, "aggregate": 25_000_000}


def main(binary: str, package: str) -> int:
    bootstrap = zipfile.ZipInfo("bootstrap", (1980, 1, 1, 0, 0, 0))
    bootstrap.create_system = 3  # Unix, on every system: the mode is read
    bootstrap.external_attr = 0o100755 << 16
    bootstrap.compress_type = zipfile.ZIP_DEFLATED
    with open(binary, "rb") as file, zipfile.ZipFile(package, "w") as archive:
        archive.writestr(bootstrap, file.read(), compresslevel=9)
    name = os.path.basename(package).removesuffix(".zip")
    size, limit = os.path.getsize(package), LIMITS.get(name)
    print(f"{package}: {size / 1e6:.2f} MB")
    if limit and size > limit:
        print(f"{package} is larger than {limit / 1e6:.0f} MB: see [profile.dist] in Cargo.toml", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
