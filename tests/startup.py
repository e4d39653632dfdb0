"""startup.py RIE FOLDER: milliseconds from the start of each function to its first poll, and exit 1 beyond the limits."""

import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile

LIMITS = {"ingest": 15, "clean": 15, "aggregate": 40}
RUNS = 15


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def init_duration(rie, bootstrap, lake):
    """What the emulator logs of the initialization. (The `Init Duration` of its last line is another thing.)"""
    address, api = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    command = [
        rie,
        "--log-level",
        "info",
        "--runtime-interface-emulator-address",
        address,
        "--runtime-api-address",
        api,
        bootstrap,
    ]
    environment = {"PATH": os.environ["PATH"], "LAKE_URL": f"file:{lake}", "AWS_LAMBDA_FUNCTION_NAME": "function"}
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            url = f"http://{address}/2015-03-31/functions/function/invocations"
            for _ in range(100):
                try:
                    urllib.request.urlopen(urllib.request.Request(url, b"{}"), timeout=30).read()
                    break
                except OSError:
                    time.sleep(0.05)
        finally:
            process.terminate()
            process.wait()
        log.seek(0)
        found = re.search(r"INIT REPORT\(durationMs: ([0-9.]+)\)", log.read())
        if not found:
            raise SystemExit(f"{bootstrap} did not poll")
        return float(found[1])


def main(rie, folder):
    late = []
    with tempfile.TemporaryDirectory() as work:
        lake = pathlib.Path(work, "lake")
        for name, limit in LIMITS.items():
            package = pathlib.Path(folder, f"{name}.zip")
            if not package.exists():
                print(f"{name}: {package} is missing: run `make package`")
                late.append(name)
                continue
            with zipfile.ZipFile(package) as archive:
                bootstrap = archive.extract("bootstrap", pathlib.Path(work, name))
            os.chmod(bootstrap, 0o755)
            times = [init_duration(rie, bootstrap, lake) for _ in range(RUNS)]
            median = statistics.median(times)
            spread = f"least {min(times):.1f}, most {max(times):.1f}, of {RUNS}"
            print(f"{name}: start to first poll {median:.1f} ms ({spread}); limit {limit} ms")
            if median > limit:
                late.append(name)
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
