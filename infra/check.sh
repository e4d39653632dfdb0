#!/usr/bin/env bash
# check.sh DIR: check this folder. Works on a copy; what it downloads (checkov, providers) goes to DIR and stays there.
#
# 1. fmt, validate, `terraform test` with a mocked provider      2. checkov
# 3. the IAM list, apply, a second plan without changes, what people are told (tests/messages.py), destroy: on an emulator here
# 4. a lake of version 0.1 becomes one of this version, is taken down, comes back, and is deleted: tests/upgrade.sh, there as well
#
# Step 1 uses the real AWS provider where its registry answers, and an offline stand-in (tests/terraform) elsewhere; step 3, the
# emulator's, always the stand-in. TRIBUTARY_PROVIDER=standin asks no registry, =registry makes it an error that none answers.
# Without terraform or python3 with venv all of it is skipped.
set -euo pipefail
[[ $# == 1 ]] || { echo "usage: $0 DIR" >&2; exit 2; }
infra=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)
standin=$infra/../tests/terraform
checkov_version=3.3.30
source "$infra/../tests/skip.sh"

say() { printf 'infra: %s\n' "$*"; }
skip() { skipped infra "$*"; exit 0; }

wanted=${TRIBUTARY_PROVIDER:-}
[[ $wanted =~ ^(|standin|registry)$ ]] || { say "TRIBUTARY_PROVIDER is neither standin nor registry: $wanted"; exit 2; }
command -v terraform >/dev/null || skip "there is no terraform (1.11 or later)"
python3 -c 'import ensurepip, venv' 2>/dev/null || skip "there is no python3 with venv (make setup)"
bash "$standin/setup.sh" "$dir/standin" >/dev/null || skip "packages of the stand-in provider cannot be fetched from PyPI"

work=$(mktemp -d -t tributary-infra.XXXXXX)
# shellcheck disable=SC2317,SC2329 # finish calls it where emulator.sh has not brought its own
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

(cd "$standin/tests" && PYTHONPATH=$dir/standin/provider AWS_STANDIN_SCHEMA=$dir/standin/schema \
  "$dir/standin/venv/bin/python" -m unittest) >"$work/standin.log" 2>&1
say "the stand-in provider passes its own tests"

# `make image` and Terraform name the same image where neither is told.
tag=$(sed -n 's/^IMAGE_TAG ?= //p' "$infra/../Makefile")
grep -A4 '^variable "image_tag"' modules/lake/variables.tf | grep -qF "\"$tag\"" ||
  { say "the Makefile's IMAGE_TAG $tag is not the default of variable image_tag"; exit 1; }

# Only what the caller of make gives goes before terraform.tfvars.
asked() {
  env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CARGO_TARGET_DIR -u REGION -u PREFIX -u ARCHITECTURE -u IMAGE_TAG "$@" |
    sed -n 's/^terraform -chdir=infra apply *//p' | xargs
}
deploy=(make --no-print-directory -n -C "$infra/.." deploy)
[[ -z $(asked "${deploy[@]}") && $(asked PREFIX=mine "${deploy[@]}" REGION=eu-north-1) == '-var region=eu-north-1 -var name_prefix=mine' ]] ||
  { say "make deploy gives Terraform other variables than it was given: $(asked PREFIX=mine "${deploy[@]}" REGION=eu-north-1)"; exit 1; }

terraform fmt -check -diff -recursive . || { say "run \`terraform fmt -recursive infra\`"; exit 1; }

# Settings of a lake that GitHub deploys are committed, those of one machine are not.
if git -C "$infra" rev-parse --git-dir >/dev/null 2>&1; then
  if ! git -C "$infra" check-ignore -q terraform.tfvars || git -C "$infra" check-ignore -q lake.auto.tfvars; then
    say "git ignores lake.auto.tfvars, or does not ignore terraform.tfvars"
    exit 1
  fi
fi

# A registry that cannot be reached fails at once or, behind a firewall, after the client's time-out. The provider is large: it is
# kept, and a download that stalls is given up.
from_registry() {
  mkdir -p "$dir/plugins"
  TF_PLUGIN_CACHE_DIR=$dir/plugins TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE=1 \
    TF_REGISTRY_CLIENT_TIMEOUT=10 TF_REGISTRY_DISCOVERY_RETRY=1 timeout 900 terraform init -no-color >"$work/registry.log" 2>&1
}
from_standin() {
  rm -rf .terraform .terraform.lock.hcl
  export TF_CLI_CONFIG_FILE=$dir/standin/terraformrc
  logged terraform init -no-color
}
if [[ $wanted != standin ]] && from_registry; then
  say "the AWS provider: $(grep -o 'hashicorp/aws v[0-9.]*' "$work/registry.log" | head -n 1), from the registry"
elif [[ $wanted == registry ]]; then
  say "the registry gives no AWS provider"
  exit 1
else
  from_standin
  say "the AWS provider: the stand-in, as ${wanted:+TRIBUTARY_PROVIDER is }${wanted:-the registry gives none}"
fi
terraform validate -no-color >"$work/validate.log" 2>&1
say "formatted and valid"

terraform test -no-color >"$work/test.log" 2>&1
say "terraform test: $(tail -n 1 "$work/test.log")"
(
  cd modules/lake
  terraform init -no-color >>"$work/registry.log" 2>&1
  terraform test -no-color >"$work/module_test.log" 2>&1
  rm -rf .terraform .terraform.lock.hcl
)
say "terraform test of the module: $(tail -n 1 "$work/module_test.log")"

if [[ ! -x $dir/checkov-$checkov_version/bin/checkov ]]; then
  python3 -m venv "$dir/checkov-$checkov_version"
  "$dir/checkov-$checkov_version/bin/pip" install --quiet --disable-pip-version-check "checkov==$checkov_version"
fi
"$dir/checkov-$checkov_version/bin/checkov" -d . --framework terraform --quiet --compact --skip-download >"$work/checkov.log" 2>&1
! grep -q 'Parsing errors: [1-9]' "$work/checkov.log" || { say "checkov cannot read a file"; exit 1; }
say "checkov: $(grep -o 'Passed checks.*' "$work/checkov.log" || echo "no finding")"

from_standin
# shellcheck source=tests/terraform/emulator.sh
source "$standin/emulator.sh"
emulator_start "$dir/standin" "$work"
export TF_VAR_architecture=x86_64 TF_VAR_force_destroy=true TF_VAR_dashboard=true
export TF_VAR_analysts='{trusted = ["111122223333"], standard = true}'
export TF_VAR_slack='{team = "T0123ABCD", channel = "C0123ABCD"}' TF_VAR_digest='{}' # with all rights that can be asked for here

logged terraform plan -no-color -out first.tfplan
terraform show -json first.tfplan >first.json
python3 tests/iam.py first.json tests/iam_allowed.json | sed 's/^/infra: IAM: /'
python3 tests/iam_test.py first.json | sed 's/^/infra: IAM: /'
python3 tests/cost_test.py first.json | sed 's/^/infra: cost: /'

logged terraform apply -no-color first.tfplan
say "applied: $(grep -o 'Resources: .*' "$work/terraform.log" | tail -n 1)"

logged terraform plan -no-color -detailed-exitcode || { say "a second plan is not empty"; exit 1; }
say "second plan: no changes"

"$dir/standin/venv/bin/python" tests/messages.py first.json "$infra/../docs/commands.md" | sed 's/^/infra: messages: /'

logged terraform destroy -no-color -auto-approve
[[ -z $(terraform state list) ]] || { say "destroy left something"; terraform state list; exit 1; }
say "destroyed: $(grep -o 'Resources: .*' "$work/terraform.log" | tail -n 1)"

unset TF_VAR_force_destroy TF_VAR_analysts TF_VAR_slack TF_VAR_digest
bash "$infra/tests/upgrade.sh" "$dir/standin/venv/bin/python" "$work" | sed 's/^/infra: /'
