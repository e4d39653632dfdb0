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

# A lake that was deployed by hand is as it was when GitHub deploys it with the same settings; without any it is not touched.
before=$(terraform state list)
workflow() { PREFIX=upgraded "$python" "$here/workflow.py" "$1" examples/github/deploy.yml . >"$work/workflow.txt" 2>&1; }
if workflow apply; then fail "GitHub deploys without the settings of the lake"; fi
grep -q 'lake.auto.tfvars is not there' "$work/workflow.txt" || fail "GitHub fails for another reason: $(tail -n 20 "$work/workflow.txt")"
printf 'architecture = "x86_64"\ndashboard = true\n' >lake.auto.tfvars
workflow plan || fail "GitHub's plan fails: $(tail -n 20 "$work/workflow.txt")"
grep -q 'No changes' "$work/workflow.txt" || fail "GitHub would change a lake that was deployed by hand: $(tail -n 20 "$work/workflow.txt")"
workflow apply || fail "GitHub's apply fails: $(tail -n 20 "$work/workflow.txt")"
grep -q '0 added, 0 changed, 0 destroyed' "$work/workflow.txt" || fail "GitHub changed a lake that was deployed by hand: $(tail -n 20 "$work/workflow.txt")"
rm lake.auto.tfvars
[[ $(terraform state list) == "$before" ]] || fail "GitHub's deployment has changed something"
echo "deployed by the GitHub example: no changes, with the settings of the lake; refused without them"

if terraform destroy -no-color -auto-approve >"$work/refused.txt" 2>&1; then fail "destroy without force_destroy was not refused"; fi
grep -q 'prevent_destroy' "$work/refused.txt" || fail "destroy was refused for another reason: $(tail -n 20 "$work/refused.txt")"
[[ $(terraform state list) == "$before" ]] || fail "a destroy that is refused has changed something"
lake get upgraded "$work/before.json"
second_plan "after a destroy that was refused"

# Other names, as of a deployment without its prefix, are refused by the plan: an apply would begin with empty buckets.
for other in name_prefix=another region_in_names=true region=eu-north-1 'buckets={"raw":"another-raw"}' force_destroy=true; do
  if terraform apply -no-color -auto-approve -var "$other" >"$work/refused.txt" 2>&1; then fail "an apply with $other was not refused"; fi
  grep -q 'prevent_destroy' "$work/refused.txt" || fail "$other was refused for another reason: $(tail -n 20 "$work/refused.txt")"
  [[ $(terraform state list) == "$before" ]] || fail "an apply with $other that is refused has changed something"
done
lake get upgraded "$work/before.json"
lake guarded upgraded
second_plan "after applies that were refused"

# What README.md says of a lake that may be thrown away from now on
logged terraform state rm module.lake.terraform_data.keep module.lake.terraform_data.names
logged terraform plan -no-color -var force_destroy=true || fail "without its guards a lake cannot be made one to throw away"
logged terraform apply -no-color -auto-approve
[[ $(terraform state list) == "$before" ]] || fail "the guards are not put back"
echo "refused before anything was changed: destroy, and apply under another prefix, region or bucket"

# What is used by then: an image, and what people asked in Athena
lake push upgraded

logged bash destroy.sh -no-color -auto-approve
lake images upgraded && fail "destroy left the repository of images"
lake get upgraded "$work/before.json" || fail "destroy lost data"
lake guarded upgraded || fail "destroy took something from the buckets"
if terraform state list | grep -vE '^data\.|\.data\.' | grep -vE 'aws_s3_bucket(_[a-z_]+)?\.lake|aws_athena_workgroup\.lake|terraform_data\.(keep|names)'; then fail "destroy left more than the buckets and the workgroup"; fi
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
