#!/bin/sh
# tests/startup.sh FOLDER: how long each packaged function takes from its start to its first poll, in AWS's own Runtime
# Interface Emulator. FOLDER is that of `make package`; the emulator is installed below it.
set -eu
folder=$(cd "$1" && pwd)
project=$(cd "$(dirname "$0")/.." && pwd)
case $(uname -m) in aarch64 | arm64) machine=arm64 ;; *) machine=x86_64 ;; esac

rie=$folder/tools/aws-lambda-rie-$machine
if [ ! -x "$rie" ]; then
    "$folder/tools/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$folder/tools/wheels" aws-sam-cli==1.170.0
    python3 -m zipfile -e "$folder"/tools/wheels/aws_sam_cli-*.whl "$folder/tools/wheels/sam"
    cp "$folder/tools/wheels/sam/samcli/local/rapid/aws-lambda-rie-$machine" "$rie"
    chmod 755 "$rie"
fi
exec python3 "$project/tests/startup.py" "$rie" "$folder"
