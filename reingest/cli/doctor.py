"""`reingest doctor`: do database, archive and files agree, and if not, what mends it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from reingest.cli.arguments import AsCsv, AsJson, OptionalSpan
from reingest.cli.output import Column, Output
from reingest.cli.progress import stage_progress
from reingest.errors import BadUsage

if TYPE_CHECKING:
    from reingest.operations.doctor.examine import Examination
    from reingest.operations.doctor.finding import Finding
    from reingest.operations.doctor.mending import Mended

COLUMNS: Final = (
    Column("severity", "severity"),
    Column("id", "finding"),
    Column("subject", "subject"),
    Column("found", "found"),
    Column("expected", "expected"),
    Column("command", "command"),
    Column("key", "key"),
)
_SHOWN: Final = 40


def doctor(
    span: OptionalSpan = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what changes no published figure, and look again.")] = False,
    mend: Annotated[
        str | None, typer.Option(metavar="ID", help="Mend findings of this kind although it changes what is served.")
    ] = None,
    explain: Annotated[
        str | None, typer.Option(metavar="KEY", help="Say why a finding is as it is; it is listed apart then.")
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it is stored with what you did.")] = "",
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave payloads unread and rows unhashed; only count in the database.")
    ] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Find where database, archive and files disagree; without a date, everywhere.

    Each finding has a stable id (docs/doctor.md) and the command that mends it. Exit code 0: consistent; 1: findings
    are left.
    """
    # Imported when it runs: `--help` needs none of it.
    from reingest.operations.doctor.consult import Consultation, consult
    from reingest.operations.doctor.site import Examined
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database

    if sum((fix, mend is not None, explain is not None)) > 1:
        raise BadUsage("--fix, --mend and --explain are three acts; choose one")
    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    examined = Examined(span.start, span.end, quick=quick) if span else Examined(quick=quick)
    wanted = Consultation(examined, fix=fix, mend=mend, explain=explain, reason=reason)
    settings = load_settings()
    with stage_progress() as progress:
        consulted = consult(settings, ensure_database(settings), wanted, progress)
    last = consulted.last
    output.write(
        consulted.as_dict(),
        COLUMNS if as_csv else (),
        [finding.as_dict() for finding in last.findings] if as_csv else (),
        before=[*_check_lines(last), *_mended_lines(consulted.mended), *_finding_lines(last.findings)],
        after=_footing(last, after_acts=consulted.after is not None or fix),
    )
    raise typer.Exit(0 if last.consistent else 1)


def _check_lines(examination: "Examination") -> Iterator[str]:
    for name, count in examination.checks.items():
        yield f"{'✗' if count else '✓'} {name}" + (f": {count}" if count else "")


def _mended_lines(mended: "Sequence[Mended]") -> Iterator[str]:
    if mended:
        yield ""
    for one in mended:
        yield f"{one.finding.id}  {one.finding.subject}: {one.done or f'left as it is, {one.left}'}"


def _finding_lines(findings: "Sequence[Finding]") -> Iterator[str]:
    for finding in findings[:_SHOWN]:
        yield ""
        yield f"{finding.kind.severity}  {finding.id}  {finding.subject}"
        yield f"    found     {finding.found}"
        yield f"    expected  {finding.expected}"
        yield f"    {finding.command}"
    if len(findings) > _SHOWN:
        yield ""
        yield f"and {len(findings) - _SHOWN} more; --csv lists them all"


def _footing(examination: "Examination", *, after_acts: bool) -> list[str]:
    looked = f"{examination.dates:,} dates, {examination.versions:,} versions, {examination.payloads:,} payloads"
    how = "counted, payloads unread" if examination.quick else "read and compared"
    known = f"; {len(examination.explained)} explained" if examination.explained else ""
    left = len(examination.findings)
    status = f"{left} finding{'s' if left > 1 else ''}" if left else "CONSISTENT"
    commands = _commands(examination.findings)
    others = f"  (and {len(commands) - 1} more)" if len(commands) > 1 else ""
    return [
        "",
        *([f"Next: {commands[0]}{others}"] if commands else []),
        f"{'Post-fix status: ' if after_acts else ''}{status}{known} ({looked} {how})",
    ]


def _commands(findings: "Iterable[Finding]") -> list[str]:
    """Return the commands that mend the findings, each once, those of `--fix` first."""
    ordered = sorted(findings, key=lambda finding: finding.mending != "fix")
    return list(dict.fromkeys(finding.command for finding in ordered))
