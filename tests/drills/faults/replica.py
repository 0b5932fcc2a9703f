"""A standby by streaming replication that lags behind, made with the embedded server's own programs."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import psycopg

from reingest.store import embedded_place
from reingest.store.embedded import EmbeddedPostgres
from reingest.store.embedded_place import Account, choose_account, install_folder
from reingest.store.migrate import upgrade
from tests.drills.faults.fault import Ground
from tests.support.days import DATE
from tests.support.sites import Ran, Site

READY_SECONDS = 60.0


def run_on_a_replica(ground: Ground) -> Ran:
    """Read a date on a standby while it lags, run the date there, and let it catch up; return the run."""
    with tempfile.TemporaryDirectory(prefix="reingest-test-", dir="/tmp") as name, _pair(Path(name).resolve()) as pair:
        primary = Site(pair.primary_url, ground.site.home.parent / "primary", ground.site.elexon_url)
        standby = Site(pair.standby_url, primary.home, ground.site.elexon_url)
        upgrade(primary.database_url)
        assert primary.date(DATE).exit_code == 0
        whole = primary.dump(DATE)
        pair.start_standby()
        assert standby.dump(DATE) == whole
        _as_owner(standby, "select pg_wal_replay_pause()")
        assert primary.date(DATE, "--side", "bid").exit_code == 0
        newer = primary.dump(DATE)
        assert newer != whole
        assert standby.dump(DATE) == whole
        ran = standby.date(DATE)
        _as_owner(standby, "select pg_wal_replay_resume()")
        _wait_for(lambda: standby.dump(DATE) == newer, "the standby catches up")
        assert primary.dump(DATE) == newer
        return ran


@dataclass
class _Pair:
    """A primary that runs, and a standby that is made of it."""

    folder: Path
    account: Account
    binaries: Path
    primary_url: str
    standby: "subprocess.Popen[bytes] | None" = None

    @property
    def standby_url(self) -> str:
        return f"postgresql://reingest@/reingest?host={quote(str(self.folder / 'standby-run'), safe='')}"

    def start_standby(self) -> None:
        """Copy the primary, and start the copy as its standby."""
        sockets = parse_qs(urlsplit(self.primary_url).query)["host"][0]
        data = self.account.make_private(self.folder / "standby")
        run = self.account.make_private(self.folder / "standby-run")
        copy: list[str | Path] = [self.binaries / "pg_basebackup", "-h", sockets, "-U", "reingest", "-D", data]
        copy += ["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
        subprocess.run(copy, check=True, capture_output=True, **self._as_account())
        server: list[str | Path] = [self.binaries / "postgres", "-D", data, f"--unix_socket_directories={run}"]
        server += ["--listen_addresses=", "--fsync=off", "--port=5432"]
        with (self.folder / "standby.log").open("wb") as log:
            self.standby = subprocess.Popen(server, stdout=log, stderr=log, **self._as_account())
        _wait_for(self._answers, f"the standby answers, see {self.folder / 'standby.log'}")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.standby_url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _as_account(self) -> dict[str, Any]:
        if self.account.is_current:
            return {}
        return {"user": self.account.uid, "group": self.account.gid, "extra_groups": [], "cwd": "/"}


@contextmanager
def _pair(folder: Path) -> Iterator[_Pair]:
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "primary", settings={"fsync": "off"})
    url = server.start()
    account = choose_account(folder / "primary")
    if not account.is_current:
        os.chown(folder, account.uid, account.gid)
    pair = _Pair(folder, account, install_folder(account, embedded_place.RELOCATED_UNDER) / "bin", url)
    try:
        yield pair
    finally:
        if pair.standby is not None:
            pair.standby.send_signal(signal.SIGQUIT)
            pair.standby.wait()
        server.stop(immediate=True)
        shutil.rmtree(folder / "standby", ignore_errors=True)


def _as_owner(site: Site, statement: str) -> None:
    with psycopg.connect(site.database_url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _wait_for(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {READY_SECONDS:.0f} s"
        time.sleep(0.05)
