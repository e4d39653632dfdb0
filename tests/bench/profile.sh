#!/bin/sh
# make profile: the functions in which `clean` and `aggregate` spend their instructions, of inputs that bench.py uses, too.
# usage: tests/bench/profile.sh TRIBUTARY KIND SIZE FOLDER (kinds: inputs/__main__.py)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$4
target=$(dirname "$folder")
unset LAKE_URL RAW_URL STANDARD_URL REJECTION_URL CONSUMPTION_URL LEDGER_URL MEMORY_BYTES
command -v valgrind >/dev/null || { echo "profile: valgrind is missing (make setup installs it)" >&2; exit 1; }
. "$here/environment.sh"

rm -rf "$folder"
mkdir -p "$folder/lake"
"$python" -m inputs "$2" "$3" "$folder/lake"
for step in clean aggregate; do
    valgrind --tool=callgrind --callgrind-out-file="$folder/$step.callgrind" \
        "$1" --lake "file:$folder/lake" --quiet "$step" 2>"$folder/$step.log"
    callgrind_annotate "$folder/$step.callgrind" >"$folder/$step.txt"
    callgrind_annotate --inclusive=yes "$folder/$step.callgrind" >"$folder/$step.inclusive.txt"
    printf '\n%s: instructions by function\n' "$step"
    grep -E '^ *[0-9,]+ \(' "$folder/$step.txt" | head -30 | sed -E 's|  [^ ]*/([^/:]+:)|  \1|; s| \[[^]]*\]$||' | cut -c1-150
done
echo "All of it: $folder/*.txt; kcachegrind opens $folder/*.callgrind"
