#!/bin/sh
# release.sh BUILT INTO VERSION: pack a release into the empty folder INTO, from what is built in BUILT:
#
# BUILT/TRIPLE/tributary          a program              INTO/tributary-VERSION-TRIPLE.tar.gz
# BUILT/TRIPLE/*.zip, architecture  packages of functions  INTO/tributary-VERSION-lambda-ARCHITECTURE.tar.gz
# BUILT/sbom/tributary.cdx.json   what it is made of     INTO/tributary-VERSION.cdx.json
#
# INTO/SHA256SUMS has a checksum of each. The same programs give the same bytes: archives have no times and no owners.
set -eu
[ $# -eq 3 ] || { echo "usage: $0 BUILT INTO VERSION" >&2; exit 2; }
project=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$2"
built=$(cd "$1" && pwd) into=$(cd "$2" && pwd) version=$3
[ -z "$(ls -A "$into")" ] || { echo "$0: $into is not empty" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# pack FOLDER ARCHIVE NAME ...
pack() {
    folder=$1 archive=$2
    shift 2
    tar --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --format=ustar \
        --directory "$folder" "$@" >"$work/tar"
    gzip --no-name --best <"$work/tar" >"$archive"
}

found=
for program in "$built"/*/tributary; do
    [ -f "$program" ] || continue
    found=1
    triple=$(basename "$(dirname "$program")")
    name=tributary-$version-$triple
    mkdir "$work/$name"
    # Artifacts of a workflow lose the right to be run.
    install -m 0755 "$program" "$work/$name/tributary"
    install -m 0644 "$project/LICENSE" "$project/README.md" "$project/CHANGELOG.md" "$work/$name/"
    pack "$work" "$into/$name.tar.gz" "$name"
    if [ -f "$built/$triple/architecture" ]; then
        for function in ingest clean aggregate; do
            [ -f "$built/$triple/$function.zip" ] || { echo "$0: $built/$triple/$function.zip is missing" >&2; exit 1; }
        done
        pack "$built/$triple" "$into/tributary-$version-lambda-$(cat "$built/$triple/architecture").tar.gz" \
            aggregate.zip architecture clean.zip ingest.zip
    fi
done
[ -n "$found" ] || { echo "$0: there is no program below $built" >&2; exit 1; }
install -m 0644 "$built/sbom/tributary.cdx.json" "$into/tributary-$version.cdx.json"
cd "$into"
sha256sum -- * >"$work/sums"
mv "$work/sums" SHA256SUMS
