"""The named SQL blocks: each is known to the migrated schema, and the loader knows each name once."""

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import psycopg
import pytest

from reingest.store import sql
from reingest.store.database import Connection, connect

OWNERS = "owner_"
"""How the names of blocks begin that the owner of the tables runs, and the application may not."""
PARAMETER = re.compile(r"%\((\w+)\)s")


@pytest.fixture
def application(database_url: str) -> Iterator[Connection]:
    with connect(database_url, purpose="test") as connection:
        yield connection


@pytest.fixture
def owner(database_url: str) -> Iterator[Connection]:
    with connect(database_url, purpose="test", role=None) as connection:
        yield connection


def test_every_block_fits_the_schema(application: Connection, owner: Connection) -> None:
    """Postgres plans each block as the role that runs it: its tables, columns, types and rights are there."""
    faults = {
        name: fault
        for name in sorted(sql.query_names())
        if (fault := fault_of(name, owner if name.startswith(OWNERS) else application))
    }
    assert faults == {}


def test_the_application_may_not_do_what_the_owner_does(application: Connection) -> None:
    """Each block that is the owner's is refused to the application: what was published is not its to take away."""
    owners = [name for name in sql.query_names() if name.startswith(OWNERS)]
    assert owners
    assert [name for name in owners if "permission denied" not in str(fault_of(name, application))] == []


def test_a_name_stands_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two blocks of one name are a fault of the code, told at the first look."""
    for file in ("one.sql", "two.sql"):
        (tmp_path / file).write_text("-- name: same\nselect 1;\n", encoding="utf-8")
    monkeypatch.setattr(resources, "files", lambda _package: tmp_path)
    with pytest.raises(KeyError, match="two SQL blocks are named same"):
        sql._blocks.__wrapped__()


def test_a_block_keeps_its_comment() -> None:
    """What a block is for travels with it, so that the server's log can tell."""
    assert sql.query("held_twin").startswith("-- A held candidate of the same content is not made twice.")


def test_an_unknown_block_is_a_fault() -> None:
    """A name that no file has is a KeyError, not an empty query."""
    with pytest.raises(KeyError):
        sql.query("no_such_block")


def fault_of(name: str, application: Connection) -> str | None:
    """Return what Postgres has against the block; nothing is run but a COPY without rows."""
    block = sql.query(name)
    try:
        if re.search(r"^copy ", block, re.MULTILINE):
            with application.cursor() as cursor, cursor.copy(block):
                pass
        else:
            application.execute(f"explain\n{block}", dict.fromkeys(PARAMETER.findall(block)))
    except psycopg.Error as error:
        return str(error)
    return None


def test_every_block_is_used() -> None:
    """No block is left over: the package's code names each one."""
    package = Path(sql.__file__).parents[2]
    code = "\n".join(path.read_text("utf-8") for path in package.rglob("*.py"))
    unused = {name for name in sql.query_names() if f'"{name}"' not in code}
    assert unused == {f"{span}s_of_{what}" for span in ("month", "year") for what in ("totals", "mining")}  # composed
