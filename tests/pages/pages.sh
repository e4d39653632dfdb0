#!/bin/sh
# tests/pages/pages.sh BINARIES FOLDER: looks at what the built-in pages show of invented rows, and renders pages and looks at them in a
# browser; pictures go below FOLDER/shots. The browser needs Node.js with npm, and a chromium (CHROMIUM=/path, or one in the
# path); without them it is noted as skipped.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
binaries=$1
folder=$2
. "$here/../skip.sh"

python3 "$here/built_in.py" "$binaries/tributary"

chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [ -z "$chromium" ]; then
    skipped pages "there is no chromium (make setup installs it)"
    exit 0
fi
if ! command -v npm >/dev/null; then
    skipped pages "there is no npm (make setup installs it)"
    exit 0
fi
mkdir -p "$folder"
cp "$here/package.json" "$here/package-lock.json" "$here/browser.mjs" "$folder/"
(cd "$folder" && npm ci --silent --no-audit --no-fund)

kinds=$here/../../shared/report/tests/kinds
"$binaries/examples/render" pages "$kinds/report.toml" "$kinds/answers.json" "$folder/kinds" Europe/Brussels
# The same charts with labels of an address's length, and of a page's.
for letters in 72 3000; do
    node "$here/lengthen.mjs" "$kinds/answers.json" $letters >"$folder/long-$letters.json"
    "$binaries/examples/render" pages "$kinds/report.toml" "$folder/long-$letters.json" "$folder/long-$letters" Europe/Brussels
done
node "$folder/browser.mjs" "$chromium" "$folder/shots" \
    "$folder/kinds/report.html=$kinds/answers.json" "$folder/kinds/index.html" \
    "$folder/long-72/report.html=$folder/long-72.json" "$folder/long-3000/report.html=$folder/long-3000.json"
