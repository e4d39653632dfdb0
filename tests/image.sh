#!/bin/sh
# tests/image.sh FOLDER-WITH-BINARIES: build the image of large jobs on a base of this machine's own libraries, and run it as
# AWS Batch does: as user 65532, with a root that cannot be written to.
set -eu
binaries=$1
project=$(cd "$(dirname "$0")/.." && pwd)

. "$project/tests/skip.sh"
skip() { skipped image "$1"; exit 0; }
command -v buildah >/dev/null || skip "there is no buildah (make setup)"
[ "$(id -u)" -eq 0 ] || skip "a root file system is mounted, which only root may do"

work=$(mktemp -d)
simulator=
finish() {
    status=$?
    trap - EXIT
    [ -z "$simulator" ] || kill "$simulator" 2>/dev/null || true
    [ "$status" -eq 0 ] || tail -n 40 "$work"/*.log >&2 || true
    $BUILDAH umount --all >/dev/null 2>&1 || true
    $BUILDAH rm --all >/dev/null 2>&1 || true
    rm -rf "$work"
    exit "$status"
}
BUILDAH="buildah --storage-driver vfs --root $work/storage --runroot $work/run"
BUILD="--isolation chroot"
export BUILDAH BUILD
trap finish EXIT
trap 'exit 130' INT TERM

# The base: the loader and the libraries that the binary asks for, and nothing else. Public images cannot be pulled everywhere.
strip -o "$work/tributary" "$binaries/tributary" 2>/dev/null || cp "$binaries/tributary" "$work/tributary"
mkdir -p "$work/base"
ldd "$work/tributary" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$work/base$(dirname "$library")"
    cp -L "$library" "$work/base$library"
done
printf 'FROM scratch\nCOPY . /\n' >"$work/Basefile"
# shellcheck disable=SC2086 # several options
$BUILDAH bud $BUILD --file "$work/Basefile" --tag tributary-test-base "$work/base" >"$work/base.log" 2>&1
BASE=localhost/tributary-test-base
export BASE
sh "$project/functions/job/image.sh" "$work/tributary" tributary-test >"$work/image.log" 2>&1

container=$($BUILDAH from localhost/tributary-test)
config() { $BUILDAH inspect --type image --format "{{.OCIv1.Config.$1}}" localhost/tributary-test; }
[ "$(config User)" = 65532:65532 ] || { echo "image: it runs as $(config User)" >&2; exit 1; }
[ "$(config Entrypoint)" = "[/usr/local/bin/tributary]" ] || { echo "image: it starts $(config Entrypoint)" >&2; exit 1; }

# What the image adds to its base
root=$($BUILDAH mount "$container")
added=$(cd "$root" && find . -type f | sed 's/^\.//' | while read -r file; do [ -e "$work/base$file" ] || echo "$file"; done | sort)
expected='/etc/ssl/certs/ca-certificates.crt
/usr/local/bin/tributary'
[ "$added" = "$expected" ] || { echo "image: it holds $added" >&2; exit 1; }
$BUILDAH run --isolation chroot "$container" /usr/local/bin/tributary --version

"$binaries/simulator" --url-file "$work/url" >"$work/simulator.log" 2>&1 &
simulator=$!
tries=1200
while [ ! -s "$work/url" ]; do
    tries=$((tries - 1))
    { [ "$tries" -gt 0 ] && kill -0 "$simulator" 2>/dev/null; } || { echo "image: the simulator did not start" >&2; exit 1; }
    sleep 0.1
done

# A mount namespace of its own, in which the root is read-only and /tmp is a volume.
cat >"$work/contained.sh" <<'INNER'
set -eu
root=$1
shift
mkdir -p "$root/tmp" "$root/proc"
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
exec env -i IRCELINE_URL="$IRCELINE_URL" LAKE_URL=file:/tmp/lake "$(command -v chroot)" --userspec=65532:65532 "$root" "$@"
INNER
IRCELINE_URL=$(cat "$work/url")
export IRCELINE_URL
contained() { unshare --mount sh "$work/contained.sh" "$root" /usr/local/bin/tributary "$@"; }
contained run irceline --from 2026-11-18 --to 2026-11-19 >"$work/run.log" 2>&1
grep '^clean ' "$work/run.log"
if contained --lake file:/lake run irceline --from 2026-11-18 --to 2026-11-19 >"$work/refused.log" 2>&1; then
    echo "image: its root can be written to" >&2
    exit 1
fi
grep -q -i 'read-only' "$work/refused.log"
echo "image: it holds the binary alone, and runs as user 65532 with a read-only root"
