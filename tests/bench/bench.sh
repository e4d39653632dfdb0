#!/bin/sh
# make bench: Tributary beside its peers; see tests/bench/README.md.
# usage: tests/bench/bench.sh FOLDER-WITH-BINARIES
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../target}
environment=$target/bench-python
unset LAKE_URL RAW_URL STANDARD_URL REJECTION_URL CONSUMPTION_URL LEDGER_URL MEMORY_BYTES

# Each package on its own: one that cannot be installed is left out, and said to be missing.
if ! cmp -s "$here/requirements.txt" "$environment/installed"; then
    mkdir -p "$target"
    python3 -m venv --clear "$environment"
    while read -r requirement; do
        "$environment/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: "$requirement" ||
            "$environment/bin/pip" install --quiet --disable-pip-version-check "$requirement" ||
            echo "bench: $requirement could not be installed" >&2
    done <"$here/requirements.txt"
    cp "$here/requirements.txt" "$environment/installed"
fi
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$here"
exec "$environment/bin/python" "$here/bench.py" "$1"
