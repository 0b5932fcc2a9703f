"""The command line: `reingest`. Thin: what a command does stands in `operations` and `store`."""

import logging
import sys
from collections.abc import Sequence

from reingest.errors import BadUsage, Bug, Interrupted
from reingest.tuning import tune_process

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; return its exit code.

    This is the process's edge: whatever escapes a command ends as an exit code (`reingest.errors`), a sentence, what
    is safe now, and the command to run next. Nothing is raised.

    Args:
        arguments: Words after the program's name; None takes them from the process.
    """
    tune_process()
    from reingest.cli.app import root_command

    words = globals_first(sys.argv[1:] if arguments is None else arguments)
    try:
        code = root_command().main(args=words, prog_name="reingest", standalone_mode=False, obj=words)
    except (Exception, KeyboardInterrupt) as escaped:  # noqa: BLE001  (the edge: nothing may pass it)
        return _report(escaped, as_json="--json" in words)
    if code == Interrupted.exit_code:  # how Typer says that the keyboard stopped it
        return _report(Interrupted(), as_json="--json" in words)
    return code if isinstance(code, int) else 0


def _report(escaped: BaseException, *, as_json: bool) -> int:
    """Give the operator a sentence and, where the fault is ours, the log a traceback; return the exit code."""
    from reingest.cli.edge import as_reingest_error, is_help, report

    if is_help(escaped):
        print(escaped, file=sys.stderr)  # noqa: T201
        return BadUsage.exit_code
    error = as_reingest_error(escaped)
    if isinstance(error, Bug):
        logging.getLogger(__name__).critical("%s", error, exc_info=escaped)
    report(error, as_json=as_json)
    return error.exit_code


def globals_first(words: Sequence[str]) -> list[str]:
    """Return the words with the global options moved to the front, so that they may stand anywhere.

    `reingest show 2022-01-01 --home DIR` means `reingest --home DIR show 2022-01-01`. What follows `--` stays.
    """
    from reingest.cli.app import GLOBAL_OPTIONS

    end = words.index("--") if "--" in words else len(words)
    front: list[str] = []
    rest: list[str] = []
    remaining = iter(words[:end])
    for word in remaining:
        name, joined, _ = word.partition("=")
        value = next(remaining, None) if name in GLOBAL_OPTIONS and not joined else ""
        if name not in GLOBAL_OPTIONS or value is None:  # without a value it stays, to be refused where it stands
            rest.append(word)
        else:
            front += [word, value] if value else [word]
    return [*front, *rest, *words[end:]]
