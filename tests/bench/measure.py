"""What a command costs: CPU of its whole process tree, wall time and peak memory.

CPU is user and system time of the process and of all its children that it waited for; the peak is the largest resident
set of one of these processes. This process must stay small: a child's peak is never below that of the one that starts it.
"""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

# No single run may take longer.
TIMEOUT_SECONDS = 2400
# A run that leaves the machine less memory than this is ended, before the system ends something else.
SPARE_MB = 1024


@dataclass
class Cost:
    """CPU and wall seconds, peak memory in MB; or why there is none."""

    cpu: float = 0.0
    wall: float = 0.0
    peak: float = 0.0
    failure: str | None = None

    def followed_by(self, other: "Cost") -> "Cost":
        """What both cost, one after the other."""
        failure = self.failure or other.failure
        return Cost(self.cpu + other.cpu, self.wall + other.wall, max(self.peak, other.peak), failure)


def run(command: list[str], log: Path, environment: dict[str, str] | None = None) -> Cost:
    """Runs a command to its end; what it prints goes to `log`."""
    begun = time.monotonic()
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        status, usage = _wait(process.pid, begun)
    wall = time.monotonic() - begun
    cost = Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)
    if status != 0:
        cost.failure = _why(log, status)
    return cost


def _wait(pid: int, begun: float):
    """Waits for a child, and ends it and what it started where it takes too long or too much."""
    while True:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), usage
        taken = time.monotonic() - begun
        if taken > TIMEOUT_SECONDS or (taken > 2 and _available_mb() < SPARE_MB):
            os.killpg(pid, 9)
        time.sleep(0.002 if taken < 2 else 0.02)


def _available_mb() -> int:
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("MemAvailable"))


def _why(log: Path, status: int) -> str:
    """The last line of a log that says something."""
    if status == -9:
        return f"ended: it took more than {TIMEOUT_SECONDS} s or all of the memory"
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    named = [line for line in lines if "rror" in line]
    return (named or lines or [f"exit status {status}"])[-1][:200]
