#!/bin/sh
# image.sh BINARY TAG: build the image of large jobs, by the first of buildah, podman and docker that is there.
#
# BASE      another base image than the Containerfile's
# PLATFORM  linux/arm64 or linux/amd64; default: this machine's
# BUILDAH   how buildah is called, such as "buildah --storage-driver vfs"
# BUILD     more options of `build`, such as "--isolation chroot"
set -eu
[ $# -eq 2 ] || { echo "usage: $0 BINARY TAG" >&2; exit 2; }
binary=$1 tag=$2
here=$(cd "$(dirname "$0")" && pwd)
authorities=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
for file in "$binary" "$authorities"; do
    [ -f "$file" ] || { echo "$0: $file is missing" >&2; exit 1; }
done

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
install -m 0755 "$binary" "$context/tributary"
install -m 0644 "$authorities" "$context/ca-certificates.crt"

if command -v buildah >/dev/null; then
    builder="${BUILDAH:-buildah} bud"
elif command -v podman >/dev/null; then
    builder="podman build"
elif command -v docker >/dev/null; then
    builder="docker build"
else
    echo "$0: none of buildah, podman and docker is here: install one (Debian: apt-get install buildah)" >&2
    exit 1
fi
set -- --file "$here/Containerfile" --tag "$tag"
[ -z "${BASE:-}" ] || set -- "$@" --build-arg "BASE=$BASE"
[ -z "${PLATFORM:-}" ] || set -- "$@" --platform "$PLATFORM"
# The builder and its options are words on purpose.
# shellcheck disable=SC2086
$builder ${BUILD:-} "$@" "$context"
