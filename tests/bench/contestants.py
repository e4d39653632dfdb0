"""How Tributary and each peer are run: every run starts in an empty folder."""

import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from measure import Cost, run

HERE = Path(__file__).resolve().parent
PEERS = {
    "DuckDB": ("duckdb", "with_duckdb.py"),
    "Polars": ("polars", "with_polars.py"),
    "pandas": ("pandas", "with_pandas.py"),
    "PySpark": ("pyspark", "with_pyspark.py"),
    "ClickHouse": ("chdb", "with_chdb.py"),
}


@dataclass
class Tributary:
    """The command line of this project: `clean`, then `aggregate`, two processes."""

    binary: Path
    name: str = "Tributary"

    def version(self) -> str:
        return subprocess.run([self.binary, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]

    def run(self, job, raw: Path, out: Path) -> dict[str, Cost]:
        config = raw.parent / "config"
        if config.exists():
            shutil.copytree(config, out / "config")
        costs = {"clean": self.step("clean", raw, out)}
        if job.has_models:
            paths = [compared.path.split("/") for compared in job.compared]
            models = [name for zone, _, name in paths if zone == "consumption"]
            selected = [part for name in models for part in ("--model", name)]
            costs["models"] = self.step("aggregate", raw, out, *selected)
            costs["whole"] = costs["clean"].followed_by(costs["models"])
        return costs

    def step(self, step: str, raw: Path, out: Path, *arguments: str) -> Cost:
        # The models that peers make as well, and no pages.
        environment = {"LAKE_URL": f"file:{out}", "RAW_URL": f"file:{raw}", "REPORT_PAGES": "off"}
        return run([str(self.binary), "--quiet", step, *arguments], out.parent / f"{out.name}.log", environment)


@dataclass
class Peer:
    """A script for another engine, one process per stage, and one that does both."""

    name: str

    def version(self) -> str:
        return importlib.metadata.version(PEERS[self.name][0])

    def missing(self) -> str | None:
        """Why it cannot run here, if so."""
        package = PEERS[self.name][0]
        if importlib.util.find_spec(package) is None:
            return f"the package {package} could not be installed"
        if self.name == "PySpark" and shutil.which("java") is None:
            return "there is no Java (in Debian: default-jre-headless)"
        return None

    def run(self, job, raw: Path, out: Path) -> dict[str, Cost]:
        costs = {"clean": self.stage(job, "clean", raw, out)}
        if not job.has_models:
            return costs
        costs["models"] = self.stage(job, "models", raw, out)
        if job.whole and not costs["clean"].failure and not costs["models"].failure:
            whole = out.parent / f"{out.name}-whole"
            whole.mkdir()
            costs["whole"] = self.stage(job, "whole", raw, whole)
            shutil.rmtree(whole)
        else:
            costs["whole"] = costs["clean"].followed_by(costs["models"])
        return costs

    def stage(self, job, stage: str, raw: Path, out: Path) -> Cost:
        script = HERE / "peers" / PEERS[self.name][1]
        command = [sys.executable, str(script), job.family, stage, str(raw), str(out)]
        return run(command, out.parent / f"{out.name}.log")
