"""The edge of the process: what escapes a command becomes an exit code and a few plain lines on stderr."""

import json
import sys
from typing import Final

import typer

from reingest.errors import BadUsage, Bug, DatabaseError, DatabaseUnreachable, Interrupted, PlanMoved, ReingestError

ROOT_HELP: Final = "reingest --help"


def as_reingest_error(error: BaseException) -> ReingestError:
    """Return the error as one of the project's own, so that each has a code, what is safe, and a next command."""
    if isinstance(error, KeyboardInterrupt):
        return Interrupted()
    if isinstance(error, ReingestError):
        return error
    if isinstance(error, typer.TyperException):
        return _usage(error)
    database = _database(error)
    if database is not None:
        return database
    return Bug(f"{type(error).__name__}: {error}")


def is_help(error: BaseException) -> bool:
    """Tell whether the error is nothing but the help of a group that was called without a command."""
    context = getattr(error, "ctx", None)
    return isinstance(error, typer.TyperException) and context is not None and str(error) == context.get_help()


def report(error: ReingestError, *, as_json: bool) -> None:
    """Print the error to stderr: code, message, date and period, what is safe now, and the next command."""
    facts = error.as_dict()
    if as_json:
        line = json.dumps({"error": facts | {"exit_code": error.exit_code}}, ensure_ascii=False)
        print(line, file=sys.stderr)  # noqa: T201
        return
    print(describe(error), file=sys.stderr)  # noqa: T201


def describe(error: ReingestError) -> str:
    """Return the error for people, one fact a line."""
    lines = [f"reingest: {error.code}: {error}"]
    if error.settlement_date:
        period = f", period {error.period}" if error.period else ""
        lines.append(f"Date: {error.settlement_date}{period}")
    if isinstance(error, PlanMoved):
        lines += [f"Moved: {one}" for one in error.moved]
    return "\n".join([*lines, f"Safe: {error.safe}", f"Next: {error.next_command}"])


def _usage(error: typer.TyperException) -> BadUsage:
    message = getattr(error, "format_message", lambda: str(error))()
    context = getattr(error, "ctx", None)
    return BadUsage(message, next_command=f"{context.command_path} --help" if context else ROOT_HELP)


def _database(error: BaseException) -> ReingestError | None:
    """Return the error of a driver that slipped through; the driver is looked up, never imported for this."""
    psycopg = sys.modules.get("psycopg")
    if psycopg is None or not isinstance(error, psycopg.Error):
        return None
    broken = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return (DatabaseUnreachable if broken else DatabaseError)(str(error).strip())
