import os
import pwd
import subprocess
import time
from pathlib import Path

import pytest

from reingest.errors import EmbeddedServerFailed
from reingest.store.embedded_place import Account, Place, choose_account, find_place, prepare_place, socket_folder
from reingest.store.embedded_process import disarm, is_server, read_postmaster, run, server_pid, spawn
from tests.support.processes import lives

POSTMASTER = "{pid}\n/data\n1767225600\n5432\n/sockets\n\n  1 2\n{state}\n"
ME = Account("me", os.geteuid(), os.getegid())
OTHER = Account("other", os.geteuid() + 1, os.getegid() + 1)


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """Return a folder inside one that only its owner may enter."""
    (tmp_path / "closed").mkdir(mode=0o700)
    return tmp_path / "closed" / "inner"


def as_user(monkeypatch: pytest.MonkeyPatch, uid: int, known: dict[str, int]) -> None:
    """Be user `uid` on a machine with the known accounts."""
    entries = {name: pwd.struct_passwd((name, "", each, each, "", "", "")) for name, each in known.items()}
    numbers = {entry.pw_uid: entry for entry in entries.values()}
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(pwd, "getpwnam", entries.__getitem__)
    monkeypatch.setattr(pwd, "getpwuid", numbers.__getitem__)


def test_an_account_may_enter_what_the_modes_allow(closed: Path) -> None:
    """Each parent counts, for owner, group and others; what is not there yet does not."""
    assert ME.may_enter(closed)
    assert not OTHER.may_enter(closed)
    of_the_group = Account("other", OTHER.uid, closed.parent.stat().st_gid)
    closed.parent.chmod(0o710)
    assert of_the_group._may_execute(closed.parent)
    assert not OTHER._may_execute(closed.parent)
    closed.parent.chmod(0o701)
    assert not of_the_group._may_execute(closed.parent)
    assert OTHER._may_execute(closed.parent)


def test_the_owner_is_judged_by_the_owner_s_bits(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that its own owner may not enter is closed, whatever others may."""
    closed.parent.chmod(0o077)
    monkeypatch.setattr(os, "geteuid", lambda: ME.uid + 5)
    assert not ME._may_execute(closed.parent)
    closed.parent.chmod(0o700)
    assert ME._may_execute(closed.parent)


@pytest.mark.parametrize(
    ("known", "chosen"), [({"postgres": 26, "nobody": 99}, "postgres"), ({"nobody": 99}, "nobody")]
)
def test_root_runs_the_server_as_an_account_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: dict[str, int], chosen: str
) -> None:
    """The account is `postgres`, else `nobody`."""
    as_user(monkeypatch, 0, known)
    assert choose_account(tmp_path).name == chosen


def test_root_without_an_account_to_run_as(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root makes no account; it is told what to do instead."""
    as_user(monkeypatch, 0, {"root": 0})
    with pytest.raises(EmbeddedServerFailed, match="DATABASE_URL"):
        choose_account(tmp_path)


def test_root_runs_a_user_s_server_as_that_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data that are there already decide: the server runs as their owner."""
    (tmp_path / "data").mkdir()
    os.chown(tmp_path / "data", 4321, -1) if os.geteuid() == 0 else None
    owner = (tmp_path / "data").stat().st_uid
    as_user(monkeypatch, 0, {"postgres": 26, "alice": owner})
    assert choose_account(tmp_path).name == "alice"


def test_a_user_is_refused_the_data_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data of another user are refused, with their owner."""
    (tmp_path / "data").mkdir()
    owner = (tmp_path / "data").stat().st_uid
    as_user(monkeypatch, owner + 1, {"bob": owner + 1})
    with pytest.raises(EmbeddedServerFailed, match=f"belongs to user {owner}"):
        choose_account(tmp_path)


def test_a_user_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container that runs as a bare number Postgres cannot start, and it is said why."""
    as_user(monkeypatch, 1234, {"root": 0})
    with pytest.raises(EmbeddedServerFailed, match="user 1234 has no name"):
        choose_account(tmp_path)


def test_a_closed_folder_points_to_the_place_in_use(closed: Path, tmp_path: Path) -> None:
    """The place elsewhere is written down, is the same next time, and is not another's."""
    closed.mkdir()
    place = prepare_place(closed, OTHER, tmp_path / "var")
    assert place.relocated
    assert find_place(closed) == place == prepare_place(closed, OTHER, tmp_path / "var")
    (closed / "moved-to").unlink()
    assert prepare_place(closed, OTHER, tmp_path / "var").base != place.base


def test_an_open_folder_is_the_place(closed: Path) -> None:
    """Where the account can enter, nothing lives elsewhere."""
    place = prepare_place(closed, ME, closed / "never")
    assert place == Place(closed, closed)
    assert not place.relocated


def test_the_runtime_folder_is_preferred_for_long_paths(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path too long gives a folder in XDG_RUNTIME_DIR, the same each time, or in the next that is short enough."""
    deep = open_folder / ("x" * 110)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(open_folder))
    found = socket_folder(Place(deep, deep), ME)
    assert found.parent == open_folder
    assert socket_folder(Place(deep, deep), ME) == found
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    elsewhere = socket_folder(Place(deep, deep), ME)
    assert elsewhere.parent not in {deep, open_folder}
    elsewhere.rmdir()


@pytest.mark.parametrize("content", ["", "2147483647\n", "x\n" * 8, None])
def test_a_pid_file_that_is_not_whole_is_none(tmp_path: Path, content: str | None) -> None:
    """A pid file that is missing, being written or damaged names no server, and is left as it is."""
    pid_file = tmp_path / "postmaster.pid"
    if content is not None:
        pid_file.write_text(content)
    assert read_postmaster(pid_file) is None
    assert server_pid(pid_file) is None
    disarm(pid_file, tmp_path)
    assert content is None or pid_file.read_text() == content


def test_only_the_number_of_a_stranger_is_disarmed(tmp_path: Path) -> None:
    """A living stranger's number goes; the shared memory in the same file, and a dead server's number, stay."""
    pid_file = tmp_path / "postmaster.pid"
    pid_file.write_text(POSTMASTER.format(pid=os.getpid(), state="ready"))
    disarm(pid_file, tmp_path)
    assert pid_file.read_text() == POSTMASTER.format(pid=2**31 - 1, state="ready")
    disarm(pid_file, tmp_path)
    assert pid_file.read_text() == POSTMASTER.format(pid=2**31 - 1, state="ready")


def test_what_is_not_a_server(tmp_path: Path) -> None:
    """This process, a process that has ended unnoticed, one without a command line and none at all are no servers."""
    with subprocess.Popen(["true"]) as ended:
        while lives(ended.pid):
            time.sleep(0.001)
        assert not is_server(ended.pid, tmp_path)
    assert not is_server(os.getpid(), tmp_path)
    assert not is_server(2, tmp_path)
    assert not is_server(2**31 - 1, tmp_path)


def test_a_program_that_fails_is_told_with_its_words(tmp_path: Path) -> None:
    """A failing program's own words are in the error, and so is one that is not there."""
    with pytest.raises(EmbeddedServerFailed, match="no such luck"):
        run(["/bin/sh", "-c", "echo no such luck >&2; exit 1"], ME, tmp_path, os.open(tmp_path, os.O_RDONLY))
    with pytest.raises(EmbeddedServerFailed, match="could not be run as me"):
        run([tmp_path / "missing"], ME, tmp_path, os.open(tmp_path, os.O_RDONLY))
    with pytest.raises(EmbeddedServerFailed, match="could not be started as me"):
        spawn(["true"], ME, tmp_path / "missing", tmp_path / "log")
