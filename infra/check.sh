#!/usr/bin/env bash
# check.sh DIR: check this folder. Works on a copy; what it downloads (checkov, the stand-in) goes to DIR and stays there.
#
# 1. fmt, validate, `terraform test` with a mocked provider      2. checkov
# 3. the IAM list, apply, a second plan without changes, destroy: on an emulator on this machine
#
# TRIBUTARY_TERRAFORM_STANDIN  folder of an offline stand-in for hashicorp/aws, which brings the emulator (setup.sh, emulator.sh).
#                              Unset: the provider comes from the registry, and step 3 is skipped.
# Without terraform all of it is skipped, unless CI is set: then that is a failure.
set -euo pipefail
[[ $# == 1 ]] || { echo "usage: $0 DIR" >&2; exit 2; }
infra=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)
standin=${TRIBUTARY_TERRAFORM_STANDIN:-}
checkov_version=3.3.30

say() { printf 'infra: %s\n' "$*"; }

if ! command -v terraform >/dev/null; then
  say "SKIPPED: all checks, as there is no terraform (1.11 or later)"
  [[ -z ${CI:-} ]] || { say "that is a failure, as CI is set"; exit 1; }
  exit 0
fi

work=$(mktemp -d -t tributary-infra.XXXXXX)
emulator_stop() { :; }
finish() {
  local status=$?
  trap - EXIT
  trap '' PIPE
  emulator_stop
  if ((status)); then
    for log in "$work"/*.log; do
      [[ ! -s $log ]] || { echo "--- end of ${log##*/}"; tail -n 60 "$log"; }
    done
  fi
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

logged() { "$@" >>"$work/terraform.log" 2>&1; }

# A copy without a lock file or state, and with empty packages where `make package` would leave them
mkdir -p "$work/stack/target/lambda"
(cd "$infra" && tar -c --exclude .terraform --exclude .terraform.lock.hcl --exclude '*.tfstate*' --exclude '*_override.tf' --exclude '*.tfvars' .) |
  (mkdir "$work/stack/infra" && tar -x -C "$work/stack/infra")
printf 'terraform {\n  backend "local" {}\n}\n' >"$work/stack/infra/backend_override.tf"
python3 - "$work/stack/target/lambda" <<'EOF'
import sys, zipfile
for name in ("ingest", "clean", "aggregate"):
    bootstrap = zipfile.ZipInfo("bootstrap", (2020, 1, 1, 0, 0, 0))
    bootstrap.external_attr = 0o100755 << 16
    with zipfile.ZipFile(f"{sys.argv[1]}/{name}.zip", "w") as package:
        package.writestr(bootstrap, "#!/bin/sh\nexit 1\n")
EOF
cd "$work/stack/infra"
unset TF_DATA_DIR TF_WORKSPACE
export PYTHONDONTWRITEBYTECODE=1 TF_IN_AUTOMATION=1 TF_INPUT=0 CHECKPOINT_DISABLE=1

if [[ -n $standin ]]; then
  bash "$standin/setup.sh" "$dir/standin" >/dev/null
  export TF_CLI_CONFIG_FILE=$dir/standin/terraformrc
fi

terraform fmt -check -diff -recursive . || { say "run \`terraform fmt -recursive infra\`"; exit 1; }
logged terraform init -no-color
terraform validate -no-color >"$work/validate.log" 2>&1
say "formatted and valid"

terraform test -no-color >"$work/test.log" 2>&1
say "terraform test: $(tail -n 1 "$work/test.log")"

if [[ ! -x $dir/checkov-$checkov_version/bin/checkov ]]; then
  python3 -m venv "$dir/checkov-$checkov_version"
  "$dir/checkov-$checkov_version/bin/pip" install --quiet --disable-pip-version-check "checkov==$checkov_version"
fi
"$dir/checkov-$checkov_version/bin/checkov" -d . --framework terraform --quiet --compact --skip-download >"$work/checkov.log" 2>&1
! grep -q 'Parsing errors: [1-9]' "$work/checkov.log" || { say "checkov cannot read a file"; exit 1; }
say "checkov: $(grep -o 'Passed checks.*' "$work/checkov.log" || echo "no finding")"

if [[ -z $standin ]]; then
  say "SKIPPED: the IAM list, apply and destroy on an emulator, as TRIBUTARY_TERRAFORM_STANDIN is not set"
  exit 0
fi

source "$standin/emulator.sh"
emulator_start "$dir/standin" "$work"
export TF_VAR_architecture=x86_64 TF_VAR_force_destroy=true

logged terraform plan -no-color -out first.tfplan
terraform show -json first.tfplan >first.json
python3 tests/iam.py first.json tests/iam_allowed.json | sed 's/^/infra: IAM: /'
python3 tests/iam_test.py first.json | sed 's/^/infra: IAM: /'

logged terraform apply -no-color first.tfplan
say "applied: $(grep -o 'Resources: .*' "$work/terraform.log" | tail -n 1)"

logged terraform plan -no-color -detailed-exitcode || { say "a second plan is not empty"; exit 1; }
say "second plan: no changes"

logged terraform destroy -no-color -auto-approve
[[ -z $(terraform state list) ]] || { say "destroy left something"; terraform state list; exit 1; }
say "destroyed: $(grep -o 'Resources: .*' "$work/terraform.log" | tail -n 1)"
