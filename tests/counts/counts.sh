#!/bin/sh
# Instruction counts of the decoders and of a night, against recorded figures: counts.py says how.
# usage: tests/counts/counts.sh FOLDER-WITH-BINARIES debug|release
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../skip.sh"
unset LAKE_URL RAW_URL STANDARD_URL REJECTION_URL CONSUMPTION_URL LEDGER_URL MEMORY_BYTES
if ! command -v valgrind >/dev/null; then
    skipped counts "instructions are counted with valgrind"
elif ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
    skipped counts "inputs are made with python3"
else
    PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/counts.py" "$1/tributary" "$2"
fi
