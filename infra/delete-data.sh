#!/usr/bin/env bash
# delete-data.sh [TERRAFORM OPTION ...]: delete the lake with all its data, every version of every object. Names the account and
# asks for its number. Needs `terraform init` first, and the AWS CLI.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

state=$(terraform state list)
if [[ -n $state ]] && ! grep -q '^module\.lake\.' <<<"$state"; then
  echo "delete-data: this lake is of version 0.1: \`make deploy\` first, which gives everything its new place" >&2
  exit 1
fi
addresses=()
while read -r address; do
  addresses+=("$address")
done < <(grep -E '(^|\.)aws_s3_bucket\.lake\[' <<<"$state" || true)
((${#addresses[@]})) || { echo "delete-data: the state has no bucket"; exit 1; }
command -v aws >/dev/null || { echo "delete-data: the AWS CLI is missing: it says which account this is" >&2; exit 1; }
account=$(aws sts get-caller-identity --query Account --output text)

echo "This deletes for good, in AWS account $account:"
for address in "${addresses[@]}"; do
  terraform state show -no-color "$address" | sed -n 's/^ *bucket *= "\(.*\)"$/  \1 and every version of every object in it/p'
done
echo "  and whatever else is left of this lake."
printf 'To go on, type the number of the account: '
read -r typed || typed=
if [[ $typed != "$account" ]]; then
  echo "delete-data: that is not $account: nothing was changed"
  exit 1
fi

# A bucket is emptied, and a workgroup that was used goes, only if the state says that it may. Nothing else may change with that: options that are not those of
# the deployment would make other buckets.
targets=()
for resource in aws_s3_bucket.lake aws_athena_workgroup.lake aws_athena_workgroup.analyst; do
  if found=$(grep -oE "^(.*\.)?${resource/./\\.}(\[|$)" <<<"$state" | head -n 1); then
    targets+=("-target=${found%[}")
  fi
done
plan=$(mktemp)
trap 'rm -f "$plan"' EXIT
terraform plan -input=false -out="$plan" "${targets[@]}" "$@" -var force_destroy=true >/dev/null
if terraform show -no-color "$plan" | grep -E '^ +# .*(aws_[a-z_0-9]+\.).* (will be created|will be destroyed|must be replaced)'; then
  echo "delete-data: these options are not those of the deployment: nothing was changed" >&2
  exit 1
fi
terraform apply -input=false "$plan"
guards=()
while read -r guard; do
  guards+=("$guard")
done < <(grep -oE '^(.*\.)?terraform_data\.(keep|names)\[' <<<"$state" | sed 's/\[$//' | sort -u)
((!${#guards[@]})) || terraform state rm "${guards[@]}"
terraform destroy -input=false -auto-approve "$@" -var force_destroy=true
echo "delete-data: the lake and its data are gone"
