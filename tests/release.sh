#!/bin/sh
# tests/release.sh: functions/release.sh packs what the workflow release.yml hands to it, twice to the same bytes; and every action
# of a workflow is pinned to a commit. The workflow itself runs on GitHub alone.
set -eu
project=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "release: $1" >&2; exit 1; }

for file in "$project"/.github/workflows/*.yml "$project"/infra/examples/github/*.yml; do
    grep -q 'uses: ' "$file" || fail "$file uses no action: is this the right file?"
    if grep 'uses: ' "$file" | grep -Evn 'uses: [a-z-]+/[a-z-]+@[0-9a-f]{40} # v[0-9.]+$' >&2; then
        fail "$file has an action that is not pinned to a commit, with its version behind"
    fi
done

linux=$work/built/x86_64-unknown-linux-gnu
mkdir -p "$linux" "$work/built/aarch64-apple-darwin" "$work/built/sbom"
printf '#!/bin/sh\necho tributary 1.2.3\n' | tee "$linux/tributary" >"$work/built/aarch64-apple-darwin/tributary"
for name in ingest clean aggregate; do echo "$name" >"$linux/$name.zip"; done
echo x86_64 >"$linux/architecture"
echo '{}' >"$work/built/sbom/tributary.cdx.json"
sh "$project/functions/release.sh" "$work/built" "$work/one" 1.2.3
find "$work/built" -exec touch -d 2001-01-01 {} +
sh "$project/functions/release.sh" "$work/built" "$work/two" 1.2.3
diff -r "$work/one" "$work/two" || fail "packed again, there are other bytes"
# shellcheck disable=SC2012 # what is wanted has no odd characters
[ "$(ls "$work/one" | tr '\n' ' ')" = "SHA256SUMS tributary-1.2.3-aarch64-apple-darwin.tar.gz tributary-1.2.3-lambda-x86_64.tar.gz \
tributary-1.2.3-x86_64-unknown-linux-gnu.tar.gz tributary-1.2.3.cdx.json " ] || fail "there are other files: $(ls "$work/one")"
(cd "$work/one" && sha256sum --check --quiet SHA256SUMS) || fail "checksums are wrong"
[ "$(wc -l <"$work/one/SHA256SUMS")" -eq 4 ] || fail "a file has no checksum"

# As the docs say it: unpacked, the program runs; packages lie where Terraform looks for them.
tar -xzf "$work/one/tributary-1.2.3-x86_64-unknown-linux-gnu.tar.gz" -C "$work"
[ "$("$work/tributary-1.2.3-x86_64-unknown-linux-gnu/tributary")" = "tributary 1.2.3" ] || fail "the program cannot be run"
mkdir -p "$work/lambda"
tar -xzf "$work/one/tributary-1.2.3-lambda-x86_64.tar.gz" -C "$work/lambda"
[ "$(cat "$work/lambda/architecture" "$work/lambda/clean.zip" | tr '\n' ' ')" = "x86_64 clean " ] || fail "packages are not where they belong"

rm "$linux/clean.zip"
if sh "$project/functions/release.sh" "$work/built" "$work/three" 1.2.3 2>"$work/log"; then fail "a package is missing, and it packed"; fi
grep -q 'clean.zip is missing' "$work/log" || fail "it does not say what is missing: $(cat "$work/log")"
echo "release: packs are whole, the same each time, and actions are pinned"
