# shellcheck shell=bash
# Source this file, then:
#   emulator_start DIR WORK    start MiniStack from DIR (made by setup.sh) on a free loopback port, its files and log under
#                              WORK, and export what Terraform and the AWS SDKs need to use it and the stand-in provider
#   emulator_stop              stop it, by its process id
EMULATOR_PID=

emulator_start() {
  local dir=$1 work=$2 port
  port=$("$dir/venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN TF_DATA_DIR TF_WORKSPACE
  export AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
  export AWS_REGION=${AWS_REGION:-eu-west-1}
  export AWS_DEFAULT_REGION=$AWS_REGION TF_CLI_CONFIG_FILE=$dir/terraformrc TF_IN_AUTOMATION=1 TF_INPUT=0
  mkdir -p "$work/tmp"
  BIND_HOST=127.0.0.1 GATEWAY_PORT=$port MINISTACK_REGION=$AWS_REGION IOT_MTLS_ENABLED=0 TMPDIR=$work/tmp \
    "$dir/venv/bin/ministack" >"$work/emulator.log" 2>&1 &
  EMULATOR_PID=$!
  # Half a second on an idle machine; a busy one gets two minutes.
  for _ in {1..1200}; do
    kill -0 "$EMULATOR_PID" 2>/dev/null || break
    if (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return 0; fi
    sleep 0.1
  done
  echo "the emulator did not start: see $work/emulator.log" >&2
  return 1
}

emulator_stop() {
  [[ -n $EMULATOR_PID ]] || return 0
  kill "$EMULATOR_PID" 2>/dev/null || true
  wait "$EMULATOR_PID" 2>/dev/null || true
  EMULATOR_PID=
}

# lambda_package BOOTSTRAP ZIP [TEXT]: the same bytes for the same binary (and text, to make a package that differs)
lambda_package() {
  python3 - "$@" <<'EOF'
import sys, zipfile
info = zipfile.ZipInfo("bootstrap", (2020, 1, 1, 0, 0, 0))
info.external_attr = 0o100755 << 16
info.compress_type = zipfile.ZIP_DEFLATED
with zipfile.ZipFile(sys.argv[2], "w") as z:
    z.writestr(info, open(sys.argv[1], "rb").read())
    for text in sys.argv[3:]:
        z.writestr(zipfile.ZipInfo("note", (2020, 1, 1, 0, 0, 0)), text)
EOF
}
