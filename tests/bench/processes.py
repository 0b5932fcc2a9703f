"""One `reingest` process, as a person starts it, with what it cost."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.days import in_megabytes


@dataclass(frozen=True, slots=True)
class Process:
    """What one `reingest` process cost: wall and CPU seconds, and the most memory that it held, in MB."""

    wall: float
    cpu: float
    megabytes: float


def run_process(environment: Mapping[str, str], *words: str) -> Process:
    """Run a command from the start of its process to the end.

    Raises:
        RuntimeError: it did not end with 0.
    """
    command = [str(Path(sys.executable).with_name("reingest")), *words]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, cwd=environment["REINGEST_HOME"])
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return Process(wall, used.ru_utime + used.ru_stime, in_megabytes(used.ru_maxrss))
