#!/bin/sh
# tests/examples.sh BINARIES FOLDER: tries what is in examples/ with the programs in BINARIES: the commands of its pages, the DAGs of
# Airflow, and the notebook. Python environments (200 packages from PyPI) are made in FOLDER, once, and kept.
set -eu
project=$(cd "$(dirname "$0")/.." && pwd)
. "$project/tests/skip.sh"
mkdir -p "$2"
BINARIES=$(cd "$1" && pwd)
folder=$(cd "$2" && pwd)
export BINARIES
if ! python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    skipped examples "there is no Python 3.11 or later with venv (make setup installs Debian's)"
    exit 0
fi

# Its own requirements, all packages as they were tried.
environment() {
    wanted=$(cat "$project/examples/$1/requirements.txt" "$project/examples/$1/constraints.txt")
    [ "$wanted" != "$(cat "$folder/$1/installed" 2>/dev/null)" ] || return 0
    python3 -m venv --clear "$folder/$1" &&
        "$folder/$1/bin/pip" install --quiet --disable-pip-version-check \
            --requirement "$project/examples/$1/requirements.txt" --constraint "$project/examples/$1/constraints.txt" &&
        printf '%s\n' "$wanted" >"$folder/$1/installed"
}

cd "$project/tests/examples"
export PYTHONDONTWRITEBYTECODE=1
for example in notebook:notebook airflow:airflow_dags; do
    name=${example%:*}
    if environment "$name"; then
        "$folder/$name/bin/python" -m unittest "${example#*:}"
    else
        skipped examples "failed to install the packages of examples/$name from PyPI"
    fi
done
