#!/usr/bin/env bash
# destroy.sh [TERRAFORM OPTION ...]: take the lake down and leave its data. Buckets stay as they are, with their policies,
# versions and encryption, and in Terraform's state, so that the next apply finds them again; Athena's workgroups, which hold what
# people have asked and saved, stay with them. delete-data.sh deletes both.
#
# A lake that was applied with force_destroy = true may be thrown away: all of it goes. Needs `terraform init` first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

state=$(terraform state list)
if [[ -z $state ]]; then
  echo "destroy: there is nothing in the state"
  exit 0
fi
if ! grep -q '^module\.lake\.' <<<"$state"; then
  echo "destroy: this lake is of version 0.1: \`make deploy\` first, which gives everything its new place" >&2
  exit 1
fi
buckets=$(grep -E '(^|\.)aws_s3_bucket\.lake\[' <<<"$state" || true)
disposable=
while read -r address; do
  [[ -z $address ]] || ! terraform state show -no-color "$address" | grep -qE '^ *force_destroy *= true' || disposable=1
done <<<"$buckets"
if [[ -n $disposable ]]; then
  echo "destroy: force_destroy was applied, so the data goes as well"
  exec terraform destroy "$@"
fi

# What buckets consist of, workgroups, and what refuses to destroy them
kept='(^|\.)(terraform_data\.(keep|names)|aws_athena_workgroup\.(lake|analyst)|aws_s3_bucket(_policy|_versioning|_public_access_block|_server_side_encryption_configuration|_ownership_controls|_lifecycle_configuration|_logging)?\.lake)$'
# An address without its index stands for all of them.
targets=()
# shellcheck disable=SC2001 # an index at the end of each line: ${state//...} knows no lines
while read -r address; do
  targets+=("-target=$address")
done < <(sed 's/\[[^]]*\]$//' <<<"$state" | grep -vE '(^|\.)data\.' | grep -vE "$kept" | sort -u)
if ((${#targets[@]})); then
  terraform destroy "${targets[@]}" "$@"
fi
echo
echo "destroy: the lake is down. Its buckets are left as they were, with all data; \`make deploy\` finds them again:"
while read -r address; do
  [[ -z $address ]] || terraform state show -no-color "$address" | sed -n 's/^ *bucket *= "\(.*\)"$/  \1/p'
done <<<"$buckets"
echo "To delete the data as well: \`make delete-data\`."
