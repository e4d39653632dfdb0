# Source this file with $here and $target: makes the Python environment and sets $python.
# shellcheck shell=sh disable=SC2154 # its caller sets them
environment=$target/bench-python
python=$environment/bin/python
# Each package on its own: one that cannot be installed is left out, and said to be missing.
if ! cmp -s "$here/requirements.txt" "$environment/installed"; then
    mkdir -p "$target"
    python3 -m venv --clear "$environment"
    while read -r requirement; do
        "$python" -m pip install --quiet --disable-pip-version-check "$requirement" ||
            echo "bench: $requirement could not be installed" >&2
    done <"$here/requirements.txt"
    cp "$here/requirements.txt" "$environment/installed"
fi
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$here"
