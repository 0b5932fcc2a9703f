"""Child processes that end with their parent, and a sweep for those that could not.

On Linux the kernel sends a child SIGTERM when its parent dies, however it dies. That does not reach grandchildren, such
as the flow runs of a killed worker, and macOS has nothing like it. So every child carries a mark in its environment,
which its own children inherit, and the next start ends whatever still carries the mark. Unlike a recorded process
number, a mark cannot come to mean a stranger.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

MARK: Final = "REINGEST_UP"
"""The variable that marks a process as started by the `make up` of the home that it names."""

POLL_SECONDS: Final = 0.05
KILL_SECONDS: Final = 10.0
LOG_BYTES: Final = 10_000_000
_PR_SET_PDEATHSIG: Final = 1


@dataclass
class Child:
    """A process that belongs to this one.

    Attributes:
        environment: Its whole environment; nothing is inherited besides.
        log: What it prints; the one before is kept beside it once it is large.
    """

    name: str
    command: Sequence[str | Path]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts: list[float] = field(default_factory=list)

    @property
    def pid(self) -> int | None:
        """Its number while it runs, else None."""
        return self.process.pid if self.process is not None and self.process.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """How it ended: an exit code, or the signal's number, negative. None while it runs, or before it ever did."""
        return self.process.poll() if self.process is not None else None

    def start(self) -> None:
        """Start it; it may have run before."""
        _keep_small(self.log)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Out of reach of the terminal's Ctrl-C: the parent decides in which order its children end.
                start_new_session=True,
                preexec_fn=_bind_to_parent(os.getpid()),  # noqa: PLW1509  (this process has one thread)
            )
        self.starts.append(time.monotonic())

    def ask_to_end(self) -> None:
        """Send it SIGTERM, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def end(self, seconds: float = KILL_SECONDS) -> None:
        """End it, at the latest by force after `seconds`."""
        self.ask_to_end()
        if self.process is not None:
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def last_words(self, lines: int = 15) -> str:
        """Return the end of its log."""
        with suppress(OSError):
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        return ""


def marked(home: Path) -> list[psutil.Process]:
    """Return every process, whoever is its parent, that carries the mark of this home."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied, OSError):
            if process.environ().get(MARK) == str(home) and _is_at_work(process):
                found.append(process)
    return found


def sweep(home: Path, seconds: float = KILL_SECONDS) -> int:
    """End every process that carries the mark of this home, at the latest by force; return how many there were."""
    found = marked(home)
    _end(found, seconds)
    return len(found)


def end_descendants(pid: int, seconds: float = KILL_SECONDS) -> None:
    """End the children of a process, and theirs, at the latest by force."""
    with suppress(psutil.NoSuchProcess):
        found = psutil.Process(pid).children(recursive=True)
        _end(found, seconds)


def _end(processes: list[psutil.Process], seconds: float) -> None:
    _signal(processes, psutil.Process.terminate)
    left = _left_after(seconds, processes)
    _signal(left, psutil.Process.kill)
    _left_after(seconds, left)


def _left_after(seconds: float, processes: list[psutil.Process]) -> list[psutil.Process]:
    """Wait for their end, and return those that had not ended by then.

    One that nobody waited for has ended all the same, though psutil waits on: in a container there may be no init.
    """
    deadline = time.monotonic() + seconds
    while (left := [process for process in processes if _is_at_work(process)]) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return left


def _is_at_work(process: psutil.Process) -> bool:
    try:
        return process.is_running() and bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _signal(processes: Iterable[psutil.Process], send: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            send(process)


def _bind_to_parent(parent: int) -> Callable[[], None]:
    """Return what a new child does before its program begins: nothing here may import, log or wait."""
    # Looked up beforehand: between fork and exec as little as possible is done.
    prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None

    def bind() -> None:
        # A shell starts a background command with SIGINT ignored, and Prefect's worker stops itself by SIGINT.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it died before it could be bound to
                os._exit(1)

    return bind


def die_with_parent() -> None:
    """Have the kernel send this process SIGTERM when its parent dies; on macOS nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _keep_small(log: Path) -> None:
    with suppress(FileNotFoundError):
        if log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.old"))
