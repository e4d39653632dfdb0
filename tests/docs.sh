#!/bin/sh
# tests/docs.sh BINARIES FOLDER: runs the commands of docs/moving/*.md and compares what they print (tests/docs/run.py).
# `tributary` and the simulated APIs are those in BINARIES; Python with pyarrow, the AWS command line and an S3 emulator
# are installed into FOLDER, from PyPI. Where they cannot be, it is noted as skipped.
set -eu
project=$(cd "$(dirname "$0")/.." && pwd)
binaries=$(cd "$1" && pwd)
mkdir -p "$2"
folder=$(cd "$2" && pwd)
. "$project/tests/skip.sh"
skip() { skipped docs "$1"; exit 0; }

command -v python3 >/dev/null || skip "there is no python3"
if ! cmp -s "$project/tests/docs/requirements.txt" "$folder/installed"; then
    python3 -m venv --clear "$folder/python" 2>"$folder/log" || skip "there is no python3 with venv (make setup installs it)"
    "$folder/python/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --requirement "$project/tests/docs/requirements.txt" ||
        skip "failed to install its packages from PyPI"
    cp "$project/tests/docs/requirements.txt" "$folder/installed"
fi
python=$folder/python/bin/python

# A check that cannot fail shows nothing: each of these pages has one mistake.
for page in "$project"/tests/docs/wrong/*.md; do
    if "$python" "$project/tests/docs/run.py" --lines 30 "$page" >"$folder/log" 2>&1; then
        echo "$page is wrong, and passed" >&2
        exit 1
    fi
    expected=$(sed -n 's/^<!-- fails with: \(.*\) -->$/\1/p' "$page")
    if [ -z "$expected" ] || ! grep -qF -- "$expected" "$folder/log"; then
        echo "$page failed with something else than \"$expected\":" >&2
        cat "$folder/log" >&2
        exit 1
    fi
done

work=$(mktemp -d)
servers=
finish() {
    status=$?
    trap - EXIT
    for server in $servers; do kill "$server" 2>/dev/null || true; done
    for server in $servers; do wait "$server" 2>/dev/null || true; done
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# until_ready PROCESS LOG COMMAND...: waits until the command succeeds, as long as the process lives.
until_ready() {
    process=$1 log=$2
    shift 2
    tries=1200
    until "$@"; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ] || ! kill -0 "$process" 2>/dev/null; then
            cat "$log" >&2
            exit 1
        fi
        sleep 0.1
    done
}

"$binaries/simulator" --url-file "$work/url" >"$work/simulator.log" 2>&1 &
simulator=$!
servers=$simulator
until_ready "$simulator" "$work/simulator.log" test -s "$work/url"

port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir "$work/s3"
(
    cd "$work/s3"
    exec env BIND_HOST=127.0.0.1 GATEWAY_PORT="$port" MINISTACK_REGION=eu-west-1 IOT_MTLS_ENABLED=0 TMPDIR="$work/s3" \
        "$folder/python/bin/ministack"
) >"$work/s3.log" 2>&1 &
s3=$!
servers="$servers $s3"

# Nothing of the caller's environment: no lake, no account, no settings.
run() {
    (
        # shellcheck source=/dev/null # the simulator writes it
        . "$work/url.env"
        exec env -i PATH="$folder/python/bin:$binaries:/usr/local/bin:/usr/bin:/bin" HOME="$work" LANG=C.UTF-8 TZ=UTC \
            IRCELINE_URL="$IRCELINE_URL" ILLUMINATE_URL="$ILLUMINATE_URL" ILLUMINATE_CLIENT_ID="$ILLUMINATE_CLIENT_ID" \
            ILLUMINATE_CLIENT_SECRET="$ILLUMINATE_CLIENT_SECRET" CODETRACK_URL="$CODETRACK_URL" \
            AWS_ENDPOINT_URL="http://127.0.0.1:$port" AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1 \
            AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_EC2_METADATA_DISABLED=true "$@"
    )
}
answers() { run aws s3 ls >"$work/ls.log" 2>&1; }
until_ready "$s3" "$work/s3.log" answers

run python3 "$project/tests/docs/run.py" --lines 120 "$project"/docs/moving/*.md
