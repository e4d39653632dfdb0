#!/bin/sh
# tests/skipped.sh FILE: print what a test run noted in FILE as skipped (tests/skip.sh), each line once.
set -eu
if [ -s "$1" ]; then
    echo "Passed. Skipped (make setup and CONTRIBUTING.md say how to run them):"
    sort -u "$1" | sed 's/^/  /'
else
    echo "Passed. Nothing was skipped."
fi
