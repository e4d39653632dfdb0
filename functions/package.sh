#!/bin/sh
# package.sh FOLDER [NAME ...]: build the functions' packages into FOLDER, as NAME.zip. Tools are kept below it.
# `tributary` instead of a function's name leaves the binary of the image at FOLDER/binaries/tributary/bootstrap.
#
# ARCHITECTURE  arm64 (default) or x86_64
#
# The same commit gives the same bytes, wherever it lies: paths are taken out of the binaries, and the archives have no times.
set -eu
[ $# -ge 1 ] || { echo "usage: $0 FOLDER [NAME ...]" >&2; exit 2; }
project=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- ingest clean aggregate

case "${ARCHITECTURE:=arm64}" in
    arm64) triple=aarch64-unknown-linux-gnu ;;
    x86_64) triple=x86_64-unknown-linux-gnu ;;
    *) echo "$0: ARCHITECTURE is $ARCHITECTURE: write arm64 or x86_64" >&2; exit 2 ;;
esac
cd "$project" # where rust-toolchain.toml lies
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$triple" ]; then
    echo "$0: the standard library of $triple is not installed: run \`rustup target add $triple\`" >&2
    exit 1
fi

tools=$folder/tools
wanted=$(cat functions/requirements.txt)
if [ "$(cat "$tools/installed" 2>/dev/null)" != "$wanted" ]; then
    python3 -m venv --clear "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check --requirement functions/requirements.txt
    echo "$wanted" >"$tools/installed"
fi
PATH=$tools/bin:$PATH
export PATH

home=${CARGO_HOME:-$HOME/.cargo}
export CARGO_TARGET_DIR="$folder/build"
export RUSTFLAGS="--remap-path-prefix=$home=/cargo --remap-path-prefix=$project=/tributary"
build() { cargo lambda build --locked --profile dist --target "$triple" --lambda-dir "$folder/binaries" "$@"; }
for name; do
    # One by one: built together they would have each other's features.
    case $name in
        tributary) build --package job --bin tributary ;;
        *) build --package "$name" --bin "$name" ;;
    esac
done
for name; do
    [ "$name" = tributary ] || "$tools/bin/python" functions/package.py "$folder/binaries/$name/bootstrap" "$folder/$name.zip"
done
# Terraform compares it with its variable.
echo "$ARCHITECTURE" >"$folder/architecture"
