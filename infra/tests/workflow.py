"""workflow.py plan|apply DEPLOY_YML DIR: run the steps of that job of the GitHub example that call Terraform, as a runner
would, in DIR. Terraform is the real one but for `init`, whose arguments are looked at: the state is here and not in S3. Ends as
the step does."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

INIT = r"""#!/bin/sh
if [ "$1" = init ]; then
  for argument; do echo "$argument" >>"$INIT_ARGUMENTS"; done
else
  exec "$REAL_TERRAFORM" "$@" -no-color
fi
"""


def main(job, path, directory):
    workflow = yaml.safe_load(pathlib.Path(path).read_text(encoding="utf-8"))
    prefix = os.environ["PREFIX"]
    variables = {"AWS_REGION": os.environ["AWS_REGION"], "PREFIX": prefix, "STATE_BUCKET": "state"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_VAR_")}
    environment |= {
        name: re.sub(r"\$\{\{ vars\.(\w+) \}\}", lambda found: variables[found[1]], value)
        for name, value in workflow["env"].items()
    }
    steps = [step for step in workflow["jobs"][job]["steps"] if step.get("working-directory") == "infra"]
    assert len(steps) == 1, steps
    script = steps[0]["run"]
    # What a runner would put into the script as it is, a shell would run.
    assert "${{" not in script, script
    with tempfile.TemporaryDirectory() as scratch:
        stub, arguments = pathlib.Path(scratch, "terraform"), pathlib.Path(scratch, "arguments")
        stub.write_text(INIT, encoding="utf-8")
        stub.chmod(0o755)
        arguments.touch()
        environment |= {
            "REAL_TERRAFORM": subprocess.run(["which", "terraform"], check=True, capture_output=True, text=True).stdout.strip(),
            "INIT_ARGUMENTS": str(arguments),
            "PATH": f"{scratch}:{environment['PATH']}",
        }
        status = subprocess.run(["bash", "-e", "-c", script], cwd=directory, env=environment).returncode
        given = arguments.read_text(encoding="utf-8").split("\n")
    if status == 0:
        # The deployer has rights to PREFIX/ alone.
        for wanted in (f"-backend-config=key={prefix}/terraform.tfstate", "-backend-config=bucket=state", "-lockfile=readonly"):
            assert wanted in given, f"{wanted} is not among {given}"
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
