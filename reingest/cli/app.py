"""The command tree. A command's module is imported when the command is called, so that help and dates start fast."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, TypeAlias

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from reingest import __version__

GLOBAL_OPTIONS: Final = ("--home", "--database-url", "--log-level")
"""Options with a value that belong to `reingest` itself; they may stand anywhere on the line."""


Command: TypeAlias = Any
"""A command or a group as Typer builds it; its own type of that is private."""

# Plain help: boxes fold in narrow windows and pipes, and what draws them costs more time than all the rest.
_PLAIN: Final[dict[str, Any]] = {
    "add_completion": False,
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "context_settings": {"max_content_width": 120},
}

_UNCUT: Final = 1000
"""More characters than a command's first sentence has."""


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """Where a command lives, and the line that `reingest --help` says of it.

    Attributes:
        usual: Of a group, the command that is meant where none of the group is named.
    """

    module: str
    name: str
    describe: str
    usual: str = ""


COMMANDS: Final[Mapping[str, LazyCommand]] = {
    "date": LazyCommand("date", "date", "Re-ingest one settlement date, or plan it."),
    "range": LazyCommand("range", "app", "Re-ingest many dates as one run that can be resumed.", usual="run"),
    "reconcile": LazyCommand(
        "reconcile", "app", "Compare what is due with Elexon, and mend what differs.", usual="run"
    ),
    "apply": LazyCommand("apply", "apply", "Publish exactly what a sealed plan says, or refuse with what moved."),
    "publish": LazyCommand("publish", "publish", "Publish what is staged of a date, or a held version."),
    "restore": LazyCommand("restore", "restore", "Publish an older version's content again, as a new version."),
    "status": LazyCommand("status", "status", "What became of each period: one line a date, one character a period."),
    "show": LazyCommand("show", "show", "Totals, mining, periods and checks of a date, a month or a year."),
    "as-of": LazyCommand("as_of", "as_of", "What was served of a date, a month or a year at an instant in the past."),
    "versions": LazyCommand("versions", "versions", "The versions of a date, newest first."),
    "history": LazyCommand("history", "history", "What a date served when, what each publish changed, and rows gone."),
    "diff": LazyCommand("diff", "diff", "What differs between two versions of a date."),
    "why": LazyCommand("why", "why", "Why a date's figures changed between two of its versions."),
    "dump": LazyCommand("dump", "dump", "A version's content in one stable order, ending with its sha256."),
    "digest": LazyCommand("digest", "digest", "One hash of a date, month or year, to be compared with another site's."),
    "proof": LazyCommand("proof", "proof", "A small file that shows what a version says and was made from."),
    "verify-proof": LazyCommand("proof", "verify_proof", "Check a proof against the archive, without the database."),
    "audit": LazyCommand("audit", "audit", "Where a date's figures come from: run, payloads, files, rows, totals."),
    "replay": LazyCommand("replay", "replay", "What is served, rebuilt from the archive with the network denied."),
    "witnesses": LazyCommand("witnesses", "witnesses", "What Elexon's other datasets say of a date, and what differs."),
    "unlock": LazyCommand("unlock", "unlock", "End a lease whose holder is gone, or is to be stopped."),
    "changes": LazyCommand("changes", "changes", "Every publish after a position, in order: the feed for consumers."),
    "outbox": LazyCommand("outbox", "app", "Facts about publishes: list, deliver to the sinks, retry."),
    "notices": LazyCommand(
        "notices", "app", "What people were told of dates and sites: list, deliver, retry, try out."
    ),
    "doctor": LazyCommand("doctor", "doctor", "Do database, archive and files agree, and if not, what mends it."),
    "run": LazyCommand("run", "app", "Runs: who asked for what, and how it ended."),
    "units": LazyCommand("units", "app", "The register of BM units, and which of them count as wind."),
    "expected": LazyCommand("expected", "app", "Expected totals, which a date must come to."),
    "gaps": LazyCommand("gaps", "app", "Periods that the source will never publish, accepted by a person."),
    "mining": LazyCommand("mining", "app", "Bitcoin difficulty, which mining estimates are made from."),
    "metrics": LazyCommand("metrics", "metrics", "Counts and times in Prometheus' text format."),
    "db": LazyCommand("db", "app", "The embedded Postgres, and the schema."),
    "reset": LazyCommand("reset", "app", "Forget state, clear operations, or take dates away: three separate acts."),
    "purge": LazyCommand("purge", "app", "Versions that were never served, staged periods, old log lines: deleted."),
    "backup": LazyCommand("backup", "app", "What the database holds as one file, and back."),
    "stand-in": LazyCommand("stand_in", "app", "A local Elexon for tests, demos and drills."),
    "selftest": LazyCommand("selftest", "app", "Whether this installation works, tried on a made-up date."),
    "config": LazyCommand("config", "app", "The settings in force, and whether they work."),
}


class _Loaded(Mapping[str, Command]):
    """The commands by name; each is imported when it is asked for."""

    def __getitem__(self, name: str) -> Command:
        return load_command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class LazyGroup(TyperGroup):
    """A group that lists its commands without importing them."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401  (whatever the base class takes)
        """Take the commands from `COMMANDS`."""
        super().__init__(**attributes)
        self.commands = _Loaded()  # type: ignore[assignment]  # it is only read

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002  (the types are private)
        """Write the list of commands from the table, not from the modules."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.describe) for name, command in COMMANDS.items()])


class WholeSentencesGroup(TyperGroup):
    """A group that lists its commands with their whole first sentence, in as many lines as it takes."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002  (the types are private)
        """Write the list of commands; the base class cuts what one line cannot hold."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(_UNCUT)) for name, one in self.commands.items()])


class UsualCommandGroup(WholeSentencesGroup):
    """A group in which a first word that names no command is the first word of its usual one.

    `reingest range 2025-01` is `reingest range run 2025-01`, and `reingest reconcile` is `reingest reconcile run`.
    """

    usual: ClassVar[str]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  (the types are private)
        """Put the usual command where no command, and not the group's help, is asked for."""
        none_is_help = not args and self.no_args_is_help
        if not none_is_help and not (args and (args[0] in self.commands or args[0] == "--help")):
            args = [self.usual, *args]
        return super().parse_args(ctx, args)


def _group_class(usual: str) -> type[TyperGroup]:
    return type("Group", (UsualCommandGroup,), {"usual": usual}) if usual else WholeSentencesGroup


def load_command(name: str) -> Command:
    """Import a command, or a group of them.

    Raises:
        KeyError: there is no such command.
    """
    entry = COMMANDS[name]
    found = getattr(import_module(f"reingest.cli.{entry.module}"), entry.name)
    outer = typer.Typer(**_PLAIN)
    if isinstance(found, typer.Typer):
        outer.add_typer(found, name=name, help=entry.describe, cls=_group_class(entry.usual))
        return get_group(outer).commands[name]
    outer.command(name)(found)
    return get_command(outer)


def every_command() -> Iterator[tuple[str, Command]]:
    """Yield every command with its full name, a group before its commands; this imports them all."""
    yield "reingest", root_command()
    for name in COMMANDS:
        command = load_command(name)
        yield f"reingest {name}", command
        for inner, subcommand in getattr(command, "commands", {}).items():
            yield f"reingest {name} {inner}", subcommand


app = typer.Typer(cls=LazyGroup, no_args_is_help=True, **_PLAIN)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"reingest {__version__}")
        raise typer.Exit


@app.callback()
def reingest(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Data, archive and embedded database (REINGEST_HOME).")
    ] = None,
    database_url: Annotated[
        str | None, typer.Option(metavar="URL", help="A Postgres of your own (DATABASE_URL).")
    ] = None,
    log_level: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="DEBUG, INFO, WARNING or ERROR (REINGEST_LOG_LEVEL).")
    ] = None,
    version: Annotated[  # noqa: ARG001  (its callback acts)
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Rebuild one settlement date of GB wind-curtailment data from Elexon, prove the result, and swap it in."""
    if "--help" in (context.obj or ()):  # help must work with settings that do not
        return
    from reingest.logs import configure_logs
    from reingest.settings import load_settings, use_flags

    use_flags(home=home, database_url=database_url, log_level=log_level and log_level.upper())
    configure_logs(load_settings().log_level)


def root_command() -> Command:
    """Return the whole command tree; calling its `main` runs the command line."""
    return get_command(app)
