"""arm64.py: what can be shown of the arm64 packages without a machine of that kind. Run from the project's folder.

* All dependencies of the functions resolve for aarch64-unknown-linux-gnu.
* No code of this project is for one processor, and no setting asks for one's features.
* The only C and assembly is that of crates that are known to build for arm64.
* The workflow for GitHub builds the packages natively on arm64.
"""

import json
import pathlib
import re
import subprocess
import sys

TARGET = "aarch64-unknown-linux-gnu"
# Crates with code of other languages. ring has assembly for both processors, zstd-sys is plain C (its assembly is for
# x86-64 alone, and left out elsewhere).
NATIVE = {"ring", "zstd-sys"}
# What is for one processor in Rust or a setting of the compiler
ONE_PROCESSOR = re.compile(r"arch::(x86|x86_64|aarch64)\b|target-cpu|target_feature|\basm!")
FUNCTIONS = ("functions", "shared")


def main():
    metadata = subprocess.run(
        ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", TARGET],
        check=True,
        stdout=subprocess.PIPE,
    )
    metadata = json.loads(metadata.stdout)
    resolved = {node["id"] for node in metadata["resolve"]["nodes"]}
    native = {package["name"] for package in metadata["packages"] if package["id"] in resolved and package["links"]}
    if native - NATIVE:
        return f"not known to build for arm64: {sorted(native - NATIVE)}"
    files = [path for folder in FUNCTIONS for path in pathlib.Path(folder).rglob("*") if path.suffix in (".rs", ".toml", ".sh")]
    files += [path for path in map(pathlib.Path, ["Cargo.toml", "Makefile", ".cargo/config.toml"]) if path.exists()]
    for path in files:
        if found := ONE_PROCESSOR.search(path.read_text(encoding="utf-8")):
            return f"{path}: {found.group(0)} is for one processor"
    workflow = pathlib.Path("infra/examples/github/deploy.yml").read_text(encoding="utf-8")
    if "ubuntu-24.04-arm" not in workflow or "make package ARCHITECTURE=arm64" not in workflow:
        return "the workflow does not build natively on arm64"
    if loose := re.findall(r"uses: \S+@(?![0-9a-f]{40} )\S*", workflow):
        return f"actions that are not pinned by commit: {loose}"
    print(
        f"arm64: {len(resolved)} packages resolve, {', '.join(sorted(native))} have code of other languages, "
        "and both know arm64"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
