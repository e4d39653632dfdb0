#!/bin/sh
# tests/localstack.sh FOLDER: run the tests of storage, events and queues against LocalStack itself, as a plain process.
# It is installed into FOLDER: a hundred Python packages, which need Python 3.13. Skipped where it cannot be installed or
# started, and with TRIBUTARY_LOCALSTACK=0.
#
# A LocalStack of your own needs none of this: AWS_ENDPOINT_URL=http://127.0.0.1:4566 make test
set -eu
folder=$1
project=$(cd "$(dirname "$0")/.." && pwd)
. "$project/tests/skip.sh"
skip() { skipped localstack "$1"; exit 0; }
# The variable is permission enough, in CI as well.
[ "${TRIBUTARY_LOCALSTACK:-1}" != 0 ] || CI='' skip "TRIBUTARY_LOCALSTACK is 0"
# pyenv's shim is there for versions that are not chosen, and then fails.
python=$(command -v python3.13 || true)
pyenv=$(pyenv root 2>/dev/null || echo "${PYENV_ROOT:-$HOME/.pyenv}")
# shellcheck disable=SC2012 # names of versions have no odd characters
"$python" -c '' 2>/dev/null || python=$(ls -d "$pyenv"/versions/3.13.*/bin/python3.13 2>/dev/null | tail -n 1)
[ -n "$python" ] || skip "there is no python3.13"

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if ! cmp -s "$project/tests/localstack.lock" "$folder/installed"; then
    "$python" -m venv --clear "$folder/python"
    "$folder/python/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$project/tests/localstack.lock" ||
        skip "failed to install its packages from PyPI"
    cp "$project/tests/localstack.lock" "$folder/installed"
fi

port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
work=$(mktemp -d)
(
    cd "$work"
    # Its own default server would listen on all interfaces.
    exec env OVERRIDE_IN_DOCKER=0 GATEWAY_SERVER=hypercorn GATEWAY_LISTEN=127.0.0.1:"$port" FILESYSTEM_ROOT="$work" TMPDIR="$work" \
        DISABLE_EVENTS=1 SKIP_SSL_CERT_DOWNLOAD=1 DNS_ADDRESS=0 "$folder/python/bin/python" -m localstack.runtime.main
) >"$work/log" 2>&1 &
localstack=$!
finish() {
    status=$?
    trap - EXIT
    kill "$localstack" 2>/dev/null || true
    # It does not always end when it is asked to.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        kill -0 "$localstack" 2>/dev/null || break
        sleep 1
    done
    kill -9 "$localstack" 2>/dev/null || true
    wait "$localstack" 2>/dev/null || true
    [ "$status" -eq 0 ] || tail -n 40 "$work/log" >&2
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Its health check proves nothing: a call does.
endpoint=http://127.0.0.1:$port
tries=600
until "$python" - "$endpoint" 2>/dev/null <<'PYTHON'
import sys, urllib.request
scope = "Credential=test/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0"
request = urllib.request.Request(sys.argv[1], headers={"Authorization": f"AWS4-HMAC-SHA256 {scope}"})
sys.exit(b"ListAllMyBucketsResult" not in urllib.request.urlopen(request, timeout=5).read())
PYTHON
do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ] || ! kill -0 "$localstack" 2>/dev/null; then
        tail -n 20 "$work/log" >&2
        skip "it did not start"
    fi
    sleep 0.5
done
cd "$project"
TRIBUTARY_TEST_ENDPOINT=$endpoint ${CARGO:-cargo} test --locked --workspace --test store --test s3_lake --test events
echo "localstack: storage, events and queues work as on the other emulator"
