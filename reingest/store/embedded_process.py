"""The embedded server's processes: who may start one, how it is run, whether it is alive.

Postgres has its own interlock, `postmaster.pid`, and trusts a process number in it for as long as any process has that
number. In a container numbers come again, and a dead child that nobody waits for keeps its own, so a server killed
there would never start again. `disarm` mends that, and nothing else is done to Postgres's files.
"""

import fcntl
import os
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from reingest.checkpoints import checkpoint
from reingest.errors import EmbeddedServerFailed

if TYPE_CHECKING:
    from reingest.store.embedded_place import Account

LOCK_SECONDS = 120.0
POLL_SECONDS = 0.01
COMMAND_LINE_TRIES = 10
# No process has it: Linux counts to 2**22, macOS to 99,999. Postgres takes it for a process that has ended.
NO_PROCESS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What `postmaster.pid` says of the server that wrote it."""

    pid: int
    started_at: datetime
    socket_folder: Path
    state: str

    def answers(self) -> bool:
        """Tell whether something listens on the socket; a stale file fails here, without a look at processes."""
        with closing(socket.socket(socket.AF_UNIX)) as probe:
            return probe.connect_ex(str(self.socket_folder / ".s.PGSQL.5432")) == 0


def read_postmaster(pid_file: Path) -> Postmaster | None:
    """Return what the pid file says, or None where there is none, or one that is still being written."""
    try:
        lines = pid_file.read_text(encoding="utf-8").splitlines()
        pid, _, started, _, folder, _, _, state = lines[:8]
        return Postmaster(int(pid), datetime.fromtimestamp(int(started), UTC), Path(folder), state.strip())
    except (OSError, ValueError):
        return None


def server_pid(pid_file: Path) -> int | None:
    """Return the number of the live server of this cluster, or None."""
    try:
        pid = int(pid_file.read_text(encoding="utf-8").split(maxsplit=1)[0])
    except (OSError, ValueError, IndexError):
        return None
    return pid if is_server(pid, pid_file.parent) else None


def is_server(pid: int, data: Path) -> bool:
    """Tell whether the process is a living postmaster of this cluster, and not merely something with that number."""
    try:
        process = psutil.Process(pid)
        for _ in range(COMMAND_LINE_TRIES):
            if command := process.cmdline():
                return str(data) in command
            # For an instant, between shell and server, a process has none; a kernel's thread never has.
            time.sleep(POLL_SECONDS)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        # A zombie is a NoSuchProcess here.
        pass
    return False


def disarm(lock_file: Path, data: Path) -> None:
    """Make a stale lock file harmless where its number lives on in a zombie, or in a stranger.

    Only the number is changed: the file also names the shared memory by which Postgres sees that children of the dead
    server are still at work on the data, and refuses to start beside them.
    """
    try:
        first, *rest = lock_file.read_text(encoding="utf-8").splitlines(keepends=True)
        # In a socket's lock file the number of a server that runs in single-user mode is negative.
        pid = abs(int(first))
    except (OSError, ValueError):
        return
    if psutil.pid_exists(pid) and not is_server(pid, data):
        replace_file(lock_file, "".join((f"{NO_PROCESS}\n", *rest)))


def replace_file(path: Path, text: str) -> None:
    """Give a file another content, whole or not at all; owner and mode of the one it replaces stay.

    Half a lock file keeps Postgres from ever starting again, and half a path leads elsewhere.
    """
    unfinished = path.with_name(f"{path.name}.new")
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(text)
        if path.exists():
            was = path.stat()
            unfinished.chmod(was.st_mode & 0o777)
            if was.st_uid != os.geteuid():
                os.chown(unfinished, was.st_uid, was.st_gid)
        file.flush()
        os.fsync(file.fileno())
    checkpoint("server_file_written")
    unfinished.replace(path)
    checkpoint("server_file_replaced")
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the folder's entries are on disk."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def run(command: Sequence[str | Path], account: "Account", folder: Path, lock: int) -> None:
    """Run a program to its end as the account.

    It inherits the lock: should this process be killed, the lock stays held until the program has ended too.

    Raises:
        EmbeddedServerFailed: it could not be started, or failed; with what it said.
    """
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, pass_fds=(lock,), **_surroundings(account, folder)
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedServerFailed(f"{command[0]} could not be run as {account.name}: {error}") from error
    if done.returncode != 0:
        raise EmbeddedServerFailed(f"{shlex.join(map(str, command))} failed: {(done.stderr or done.stdout).strip()}")


def spawn(command: Sequence[str | Path], account: "Account", folder: Path, log: Path) -> int:
    """Start a program that outlives this process, and return its number.

    A shell starts it in the background and ends, so that it is nobody's child: killed later, it leaves no zombie here.
    It has its own session, out of reach of the terminal's Ctrl-C, and of this process's files only the log.

    Raises:
        EmbeddedServerFailed: the account cannot be taken on.
    """
    shell = ("/bin/sh", "-c", 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!', "sh", log, *command)
    try:
        done = subprocess.run(
            shell, check=True, capture_output=True, text=True, start_new_session=True, **_surroundings(account, folder)
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedServerFailed(f"{command[0]} could not be started as {account.name}: {error}") from error
    return int(done.stdout)


def _surroundings(account: "Account", folder: Path) -> dict[str, Any]:
    """Return account, folder and environment of a program: none of this process's PG* variables reach it."""
    given: dict[str, Any] = {
        "cwd": folder,
        "env": {"PATH": os.defpath, "LC_ALL": "C"},
        "stdin": subprocess.DEVNULL,
        "umask": 0o077,
    }
    if not account.is_current:
        given |= {"user": account.uid, "group": account.gid, "extra_groups": []}
    return given


@contextmanager
def file_lock(path: Path, seconds: float = LOCK_SECONDS) -> Iterator[int]:
    """Hold an exclusive lock for the block, and give its file number; the kernel frees it when its holders are gone.

    Raises:
        EmbeddedServerFailed: others held it for all of `seconds`, or the folder cannot be written.
    """
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise EmbeddedServerFailed(f"{path} cannot be opened: {error.strerror}") from error
    try:
        if os.geteuid() == 0:
            # Root in a user's folder leaves a lock that the user can take.
            owner = path.parent.stat()
            os.fchown(lock, owner.st_uid, owner.st_gid)
        _wait_for(lock, path, seconds)
        yield lock
    finally:
        os.close(lock)


def _wait_for(lock: int, path: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise EmbeddedServerFailed(f"another process has held {path} for {seconds:.0f} s") from None
            time.sleep(POLL_SECONDS)
        else:
            return
