import json
import logging
import subprocess
import sys
from datetime import date
from uuid import UUID

import psycopg
import pytest

from reingest.cli import app, globals_first, main
from reingest.cli.edge import as_reingest_error, describe
from reingest.errors import (
    BadUsage,
    Bug,
    Conflict,
    DatabaseError,
    DatabaseUnreachable,
    Interrupted,
    PayloadRejected,
    ReingestError,
    every_error,
)
from reingest.log_context import about
from reingest.logs import JsonLines, configure_logs

SLOW = frozenset({"sqlmodel", "sqlalchemy", "alembic", "prefect", "starlette", "fastapi"})
EVERY_DATE_MODULE = (
    "reingest.cli.date",
    "reingest.cli.publish",
    "reingest.operations.reingest",
    "reingest.operations.publish_held",
    "reingest.operations.report_text",
    "reingest.store.server",
)


def modules_after(code: str) -> set[str]:
    """Return the top-level packages that a fresh interpreter has imported after the code."""
    listing = f"{code}\nimport sys\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    return {line.partition(".")[0] for line in done.stderr.splitlines()}


@pytest.mark.parametrize("error_class", every_error(), ids=lambda error: error.__name__)
def test_every_error_says_what_is_safe_and_what_is_next(error_class: type[ReingestError]) -> None:
    """Each error of the tree prints its code, sentence, date and period, what is safe now, and a command."""
    extra = {"reject_code": "empty_body"} if error_class is PayloadRejected else {}
    error = error_class("what happened", settlement_date=date(2024, 3, 31), period=46, **extra)
    first, dated, safe, following = describe(error).splitlines()

    assert first == f"reingest: {error.code}: what happened"
    assert dated == "Date: 2024-03-31, period 46"
    assert safe == f"Safe: {error.safe}"
    assert following.startswith(("Next: reingest ", "Next: make "))
    assert "{date}" not in following


def test_every_error_has_a_code_of_its_own() -> None:
    """No two errors share a code, and every exit code is one of the documented ones."""
    errors = every_error()

    assert len({error.code for error in errors}) == len(errors)
    assert {error.exit_code for error in errors} <= {2, 3, 4, 5, 69, 70, 130}


def test_an_error_without_a_date_has_no_date_line() -> None:
    """Where no date is concerned the line is left out."""
    assert describe(BadUsage("no")).splitlines() == [
        "reingest: bad_usage: no",
        "Safe: Nothing was begun and nothing has changed.",
        "Next: reingest --help",
    ]


@pytest.mark.parametrize(
    ("escaped", "expected", "exit_code"),
    [
        (Conflict("moved"), Conflict, 5),
        (psycopg.OperationalError("gone"), DatabaseUnreachable, 69),
        (psycopg.InterfaceError("closed"), DatabaseUnreachable, 69),
        (psycopg.errors.UniqueViolation("twice"), DatabaseError, 69),
        (ZeroDivisionError("by zero"), Bug, 70),
        (KeyboardInterrupt(), Interrupted, 130),
    ],
)
def test_whatever_escapes_becomes_an_error_of_the_tree(
    escaped: BaseException, expected: type[ReingestError], exit_code: int
) -> None:
    """Our own errors stay, the driver's are about the database, and anything else is a bug."""
    error = as_reingest_error(escaped)

    assert type(error) is expected
    assert error.exit_code == exit_code


def test_an_unknown_command_is_bad_usage_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    """A typing error ends with exit code 2, the likely command, and where help is."""
    assert main(["statu"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "reingest: bad_usage: No such command 'statu'. Did you mean 'status'?",
        "Safe: Nothing was begun and nothing has changed.",
        "Next: reingest --help",
    ]


def test_a_wrong_flag_points_to_the_command_s_help(capsys: pytest.CaptureFixture[str]) -> None:
    """A usage error inside a command names that command's help, as JSON where JSON was asked."""
    assert main(["run", "list", "--limit", "0", "--json"]) == 2
    error = json.loads(capsys.readouterr().err)["error"]

    assert (error["code"], error["exit_code"], error["next"]) == ("bad_usage", 2, "reingest run list --help")


@pytest.mark.parametrize("words", [[], ["run"], ["units"]])
def test_a_group_without_a_command_prints_its_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A group alone prints its help on stderr and ends with exit code 2."""
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"Usage: {' '.join(['reingest', *words])} [OPTIONS] COMMAND")


def test_help_and_version_end_well(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` lists every command, `--version` prints one line; both end with 0."""
    assert main(["--help"]) == 0
    helped = capsys.readouterr().out
    assert all(f"  {name} " in helped for name in app.COMMANDS)
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("reingest ")


def raising(error: BaseException) -> object:
    def act(*_: object, **__: object) -> None:
        raise error

    return act


def test_a_bug_leaves_its_traceback_in_the_log(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unforeseen exception ends with 70: a JSON line with the traceback, then a sentence."""
    monkeypatch.setattr("reingest.cli.config.load_settings_with_origins", raising(ZeroDivisionError("by zero")))
    assert main(["config", "show"]) == 70
    logged, *said = capsys.readouterr().err.splitlines()

    assert "ZeroDivisionError: by zero" in json.loads(logged)["traceback"]
    assert said[0] == "reingest: bug: ZeroDivisionError: by zero"
    assert said[-1] == "Next: reingest run list"


def test_an_interrupt_says_what_is_safe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with 130 and says that a date is whole or untouched."""
    monkeypatch.setattr("reingest.cli.config.load_settings_with_origins", raising(KeyboardInterrupt()))

    assert main(["config", "show"]) == 130
    assert "Safe: A date is published whole or not at all" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "moved"),
    [
        (["show", "2022", "--home", "x"], ["--home", "x", "show", "2022"]),
        (["show", "--log-level=DEBUG", "2022"], ["--log-level=DEBUG", "show", "2022"]),
        (["--database-url", "u", "show", "--home", "x"], ["--database-url", "u", "--home", "x", "show"]),
        (["show", "--home"], ["show", "--home"]),
        (["show", "--", "--home", "x"], ["show", "--", "--home", "x"]),
        ([], []),
    ],
)
def test_global_options_may_stand_anywhere(words: list[str], moved: list[str]) -> None:
    """Global options move to the front with their values; what follows `--` and what lacks a value stays."""
    assert globals_first(words) == moved


def test_help_imports_nothing_slow() -> None:
    """`reingest --help` imports no database, no HTTP client, no Arrow and no settings."""
    imported = modules_after("from reingest.cli import main; main(['--help'])")

    assert not imported & (SLOW | {"psycopg", "httpx", "pyarrow", "pydantic", "rich"})


def test_a_date_imports_no_orm_and_no_orchestrator() -> None:
    """Everything that `reingest date` imports leaves SQLModel, Alembic, Prefect and the web alone."""
    imported = modules_after(
        "from importlib import import_module as load\n" + "\n".join(f"load({name!r})" for name in EVERY_DATE_MODULE)
    )

    assert not imported & SLOW


def test_log_lines_are_json_and_say_what_they_are_about(capsys: pytest.CaptureFixture[str]) -> None:
    """A log line is one JSON object with level, message, run id and settlement date, on stderr."""
    configure_logs("INFO")
    with about(run_id=UUID(int=7), settlement_date=date(2024, 3, 31)), about():
        logging.getLogger("reingest.trial").info("seen %d", 3)
    logging.getLogger("reingest.trial").debug("too quiet")
    (line,) = capsys.readouterr().err.splitlines()
    said = json.loads(line)

    assert said.pop("time").endswith("+00:00")
    assert said == {
        "level": "INFO",
        "logger": "reingest.trial",
        "message": "seen 3",
        "run_id": "00000000-0000-0000-0000-000000000007",
        "settlement_date": "2024-03-31",
    }


def test_log_context_ends_with_its_block() -> None:
    """After the block a log line says nothing of the run."""
    with about(run_id=UUID(int=7)):
        pass
    record = logging.LogRecord("reingest", logging.INFO, __file__, 1, "after", None, None)

    assert "run_id" not in json.loads(JsonLines().format(record))
