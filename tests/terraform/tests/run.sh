#!/usr/bin/env bash
# run.sh DIR: unit tests of the stand-in provider, then the stack in wide/ (every implemented type) created, changed and
# destroyed. DIR is where setup.sh puts the provider and the emulator.
set -euo pipefail
[[ $# == 1 ]] || { echo "usage: $0 DIR" >&2; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
bed=$(cd "$1" && pwd)
source "$here/../emulator.sh"
bash "$here/../setup.sh" "$bed" >/dev/null
PYTHONPATH=$bed/provider AWS_STANDIN_SCHEMA=$bed/schema PYTHONDONTWRITEBYTECODE=1 \
  "$bed/venv/bin/python" -m unittest discover -s "$here"

work=$(mktemp -d -t aws-standin-tests.XXXXXX)
finish() {
  local status=$?
  trap - EXIT
  trap '' PIPE
  emulator_stop
  ((status == 0)) || { echo "--- end of terraform.log"; tail -n 60 "$work/terraform.log"; }
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

mkdir "$work/wide"
cp "$here"/wide/*.tf "$work/wide/"
cd "$work/wide"
lambda_package /bin/true "$work/one.zip"
lambda_package /bin/true "$work/two.zip" "differs"
emulator_start "$bed" "$work"
terraform() { command terraform "$@" -no-color >>"$work/terraform.log" 2>&1; }
step() {
  local vars=(-var "step=$1" -var "package=$work/$2.zip")
  terraform apply -auto-approve "${vars[@]}"
  terraform plan -detailed-exitcode "${vars[@]}" # status 2: not empty
  command terraform output -json checks | python3 -c '
import json, sys
wrong = [k for k, v in json.load(sys.stdin).items() if v is not True]
sys.exit(f"wrong values: {wrong}" if wrong else 0)'
  echo "step $1, package $2: applied, and a second plan is empty"
}
terraform init
step 1 one
step 2 one
step 3 two
terraform destroy -auto-approve -var step=3 -var "package=$work/two.zip"
echo "destroyed"
