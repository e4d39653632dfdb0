"""Lakes for the tests of examples: the simulator, and the command line."""

import contextlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import textwrap
import time

PROJECT = pathlib.Path(__file__).resolve().parents[2]
BINARIES = pathlib.Path(os.environ["BINARIES"]).resolve()
# What tells a lake, AWS or Airflow where they are
OURS = re.compile(
    r"(AWS_|AIRFLOW|BATCH_|ILLUMINATE_|SNOWFLAKE_|PERSONAL_KEY|\w+_URL$|(MEMORY_BYTES|GLUE_DATABASE|REPORT_PAGES)$)"
)
ENVIRONMENT = {name: value for name, value in os.environ.items() if not OURS.match(name)}


@contextlib.contextmanager
def simulator(*options):
    """The settings of the simulated APIs, while they run."""
    with tempfile.TemporaryDirectory() as folder:
        url = pathlib.Path(folder, "url")
        process = subprocess.Popen(
            [BINARIES / "simulator", "--url-file", url, *options], env=ENVIRONMENT, stdout=subprocess.DEVNULL
        )
        try:
            deadline = time.monotonic() + 120
            while not url.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit("the simulator did not start")
                time.sleep(0.05)
            pairs = (shlex.split(line)[0].split("=", 1) for line in pathlib.Path(f"{url}.env").read_text().splitlines() if line)
            yield dict(pairs)
        finally:
            process.kill()
            process.wait()


def tributary(lake, *arguments, **settings):
    """What a command prints to standard output."""
    command = [BINARIES / "tributary", "--quiet", "--lake", lake, *arguments]
    return subprocess.run(command, env={**ENVIRONMENT, **settings}, check=True, stdout=subprocess.PIPE, text=True).stdout


def query(lake, sql):
    """The rows of a query."""
    return [json.loads(line) for line in tributary(lake, "query", "--json", sql).splitlines()]


def blocks(page, language):
    """The fenced blocks of a page, by language."""
    found = re.finditer(rf"^( *)```{language}\n(.*?)^\1```$", pathlib.Path(page).read_text(), re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block[2]) for block in found]
