#!/bin/sh
# make bench and make soak; see tests/bench/README.md.
# usage: tests/bench/bench.sh FOLDER-WITH-BINARIES [soak]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../target}
unset LAKE_URL RAW_URL STANDARD_URL REJECTION_URL CONSUMPTION_URL LEDGER_URL MEMORY_BYTES
. "$here/environment.sh"
exec "$python" "$here/${2:-bench}.py" "$1"
