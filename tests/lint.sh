#!/bin/sh
# tests/lint.sh FOLDER: checks Python (ruff), shell scripts (shellcheck) and spelling (typos), as .ruff.toml, .shellcheckrc and
# .typos.toml say. tests/lint.sh FOLDER format: formats Python.
# ruff and typos are installed into FOLDER, from PyPI; shellcheck is Debian's. What cannot be had is noted as skipped.
set -eu
project=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
. "$project/tests/skip.sh"
cd "$project"

# Another version knows other faults, and formats otherwise.
packages="ruff==0.17.6 typos==1.52.0"
# Succeeds where they are installed, or can be.
installed() {
    [ "$(cat "$folder/installed" 2>/dev/null)" != "$packages" ] || return 0
    rm -f "$folder/installed"
    if ! python3 -m venv --clear "$folder/python" >"$folder/log" 2>&1; then
        skipped lint "ruff and typos: there is no python3 with venv (make setup installs it)"
        return 1
    fi
    # shellcheck disable=SC2086 # one word per package
    if ! "$folder/python/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: $packages; then
        skipped lint "ruff and typos cannot be installed from PyPI"
        return 1
    fi
    echo "$packages" >"$folder/installed"
}

status=0
if installed; then
    ruff="$folder/python/bin/ruff"
    export RUFF_CACHE_DIR="$folder/ruff"
    if [ "${2:-}" = format ]; then
        "$ruff" check --quiet --select I --fix
        exec "$ruff" format --quiet
    fi
    "$ruff" format --quiet --check || { echo "lint: make format formats Python" >&2; status=1; }
    "$ruff" check --quiet || status=1
    "$folder/python/bin/typos" || { echo "lint: a word that is right goes into .typos.toml" >&2; status=1; }
fi
[ "${2:-}" != format ] || exit 0

if command -v shellcheck >/dev/null; then
    find . \( -name .git -o -name .terraform -o -name .venv -o -name node_modules -o -path ./lake -o -path ./target \) -prune \
        -o -type f \( -name '*.sh' -o -path ./.ci/run \) -exec shellcheck {} + || status=1
else
    skipped lint "there is no shellcheck (make setup installs it)"
fi
exit "$status"
