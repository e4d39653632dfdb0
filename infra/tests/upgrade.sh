#!/usr/bin/env bash
# upgrade.sh PYTHON WORK: a lake of version 0.1 with data becomes one of this version, without losing anything; destroy leaves
# its data, apply finds it again, and delete-data deletes it. Part of check.sh, which has the emulator, the stand-in provider, and
# a copy of infra/ in WORK/stack. PYTHON has botocore.
set -euo pipefail
python=$1 work=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
stack=$work/upgrade
export TF_VAR_name_prefix=upgraded TF_VAR_architecture=x86_64

logged() { "$@" >>"$work/upgrade.log" 2>&1; }
fail() { echo "$*"; exit 1; }
lake() { "$python" "$here/lake.py" "$@"; }
second_plan() { logged terraform plan -no-color -detailed-exitcode || fail "$1: a second plan is not empty"; }

mkdir -p "$stack/target" && cp -r "$work/stack/target/lambda" "$stack/target/lambda"
tar -xzf "$here/infra-0.1.tar.gz" -C "$stack"
printf 'terraform {\n  backend "local" {}\n}\n' >"$stack/infra/backend_override.tf"
cd "$stack/infra"
logged terraform init -no-color
logged terraform apply -no-color -auto-approve
lake put upgraded >"$work/before.json"

mv "$stack/infra" "$stack/infra-0.1"
cp -r "$work/stack/infra" "$stack/infra"
rm -rf "$stack/infra"/{.terraform,.terraform.lock.hcl,*.tfplan,terraform.tfstate*}
cp "$stack/infra-0.1/terraform.tfstate" "$stack/infra/"
cd "$stack/infra"
logged terraform init -no-color
logged terraform plan -no-color -out upgrade.tfplan
terraform show -json upgrade.tfplan >upgrade.json
"$python" "$here/lake.py" changes upgrade.json
logged terraform apply -no-color upgrade.tfplan
lake get upgraded "$work/before.json" || fail "the upgrade lost data"
second_plan "after the upgrade"
echo "upgraded: the data of a lake of version 0.1 is still there, and a second plan has no changes"

before=$(terraform state list)
if terraform destroy -no-color -auto-approve >"$work/refused.txt" 2>&1; then fail "destroy without force_destroy was not refused"; fi
grep -q 'prevent_destroy' "$work/refused.txt" || fail "destroy was refused for another reason: $(tail -n 20 "$work/refused.txt")"
[[ $(terraform state list) == "$before" ]] || fail "a destroy that is refused has changed something"
lake get upgraded "$work/before.json"
second_plan "after a destroy that was refused"

logged bash destroy.sh -no-color -auto-approve
lake get upgraded "$work/before.json" || fail "destroy lost data"
lake guarded upgraded || fail "destroy took something from the buckets"
if terraform state list | grep -vE '^data\.|\.data\.' | grep -vE 'aws_s3_bucket(_[a-z_]+)?\.lake|terraform_data\.keep'; then fail "destroy left more than the buckets"; fi
logged terraform plan -no-color -out again.tfplan
terraform show -json again.tfplan >again.json
"$python" "$here/lake.py" adds again.json
logged terraform apply -no-color again.tfplan
lake get upgraded "$work/before.json"
second_plan "after the lake came back"
echo "destroyed without its data, and found again: buckets, policies, versions and objects were left as they were"

mkdir -p "$work/bin"
printf '#!/bin/sh\nexec "%s" "%s" account\n' "$python" "$here/lake.py" >"$work/bin/aws"
chmod 755 "$work/bin/aws"
export PATH=$work/bin:$PATH
if echo 111122223333 | bash delete-data.sh >>"$work/upgrade.log" 2>&1; then fail "data was deleted for another account's number"; fi
lake get upgraded "$work/before.json"
if lake account | bash delete-data.sh -var name_prefix=another >>"$work/upgrade.log" 2>&1; then fail "another lake's options were taken"; fi
lake get upgraded "$work/before.json"
logged bash destroy.sh -no-color -auto-approve
lake account | logged bash delete-data.sh
[[ -z $(terraform state list) ]] || fail "delete-data left something: $(terraform state list)"
lake gone upgraded || fail "delete-data left a bucket"
echo "deleted with its data, for the number of its account only"
