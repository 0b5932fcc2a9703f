"""`reingest status`: one line a date, one character a period; of a year one line a month, one character a date."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Annotated, Final

import typer

from reingest.calendar import settlement_date_of
from reingest.cli.arguments import AsCsv, AsJson, OptionalSpan
from reingest.cli.locks import lease_lines, lease_row, write_locks
from reingest.cli.output import Column, Output, colours_wanted, write_csv
from reingest.cli.output import as_json as json_text
from reingest.cli.reading import reading
from reingest.cli.year_board import LEGEND as YEAR_LEGEND
from reingest.cli.year_board import board_lines
from reingest.clock import utc_now
from reingest.errors import BadUsage, FutureDate
from reingest.operations.staging.staged_date import read_staged_date
from reingest.operations.staging.staged_text import staged_lines
from reingest.settings import load_settings
from reingest.spans import Span
from reingest.store.database import Connection
from reingest.store.fetches import newest_requests
from reingest.store.leases import date_key, leases
from reingest.store.staging import staged_dates
from reingest.store.status import DateStatus, MonthStatus, status_of_dates, status_of_months

CELLS: Final = {
    "fetched": "#",
    "confirmed_empty": "0",
    "not_published": "?",
    "failed": "!",
    "not_asked": "-",
    "none": ".",
}
LEGEND: Final = (
    "# fetched  0 confirmed empty  ? not published  ! failed  - not asked  . no version  * provisional  ~ stale"
)
MOST_PERIODS: Final = 50

_COLOURS: Final = {"#": "green", "0": "cyan", "?": "yellow", "!": "red", "-": "magenta"}
_MONTHS: Final = (
    Column("month", "month"),
    Column("published", "published", "count"),
    Column("expected", "of dates", "count"),
    Column("provisional", "provisional", "count"),
    Column("held", "with a held version", "count"),
    Column("stale", "stale", "count"),
)


_STAGED: Final = (
    Column("settlement_date", "date"),
    Column("periods", "periods", "count"),
    Column("stacks", "stacks", "count"),
    Column("first_staged_at", "first staged"),
    Column("last_staged_at", "last staged"),
    Column("staged_by", "by"),
)


def status(
    span: OptionalSpan = None,
    locks: Annotated[bool, typer.Option("--locks", help="Who holds which date, since when and until when.")] = False,
    staged: Annotated[bool, typer.Option("--staged", help="Of which dates periods are staged, and by whom.")] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show each period of a date or a month, each date of a year; without a span, how far each month is.

    Of one date also what is staged and not published: by whom, when, how old, and what is missing.
    """
    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    if locks and staged:
        raise BadUsage("--locks and --staged are two lists; choose one")
    if locks:
        _status_of_locks(output, span)
    elif staged:
        _status_of_staged(output, span)
    elif span is None:
        _status_of_months(output)
    else:
        _status_of_dates(output, span)


def _status_of_locks(output: Output, span: Span | None) -> None:
    if span is not None:
        raise BadUsage("--locks shows every lease; leave the date out", next_command="reingest status --locks")
    with reading() as connection:
        write_locks(output, leases(connection))


def _status_of_staged(output: Output, span: Span | None) -> None:
    if span is not None:
        raise BadUsage("--staged shows every date; leave the date out", next_command=f"reingest status {span}")
    with reading() as connection:
        dates = staged_dates(connection)
    rows = [asdict(one) for one in dates]
    after = ["", "What one of them lacks: reingest status D"] if dates else ["Nothing is staged."]
    output.write(rows, _STAGED, rows, after=after)


def _status_of_months(output: Output) -> None:
    with reading() as connection:
        months = status_of_months(connection)
    rows = [_month_row(month) for month in months]
    output.write(rows, _MONTHS, rows, after=_months_footing(months))


def _month_row(month: MonthStatus) -> dict[str, object]:
    return {
        "month": month.month.isoformat()[:7],
        "published": month.published,
        "expected": month.expected,
        "provisional": month.provisional,
        "held": month.held,
        "stale": month.stale,
    }


def _months_footing(months: Sequence[MonthStatus]) -> list[str]:
    if not months:
        return ["Nothing is published yet. Next: reingest date D"]
    return [
        "",
        f"{sum(month.published for month in months):,} dates published. One month in full: reingest status YYYY-MM",
    ]


def _status_of_dates(output: Output, span: Span) -> None:
    today = settlement_date_of(utc_now())
    if span.start > today:
        raise FutureDate(f"{span} has not begun; today is {today}", settlement_date=span.start)
    with reading() as connection:
        # A date that has not begun has no state, so a year under way ends today.
        dates = status_of_dates(connection, span.start, min(span.end, today + timedelta(days=1)))
        more = _of_one_date(connection, span.start) if span.kind == "day" else None
    if output.json:
        whole = [_document(one) for one in dates]
        typer.echo(json_text(whole[0] | more.document if more else whole))
    elif output.csv:
        keys = ["settlement_date", "state", "version", "held_version", "provisional", "stale", "verification"]
        write_csv([*keys, *map(str, range(1, MOST_PERIODS + 1))], map(_wide_row, dates))
    else:
        typer.echo("\n".join([*_table(span, dates), *(more.lines if more else ())]))


def _table(span: Span, dates: Sequence[DateStatus]) -> list[str]:
    if span.kind == "year":
        next_month = f"One month in full: reingest status {span.start.year}-MM"
        return [*board_lines(dates), "", YEAR_LEGEND, _summary(dates), next_month]
    return [*grid_lines(dates), "", LEGEND, _summary(dates)]


@dataclass(frozen=True, slots=True)
class _OneDate:
    """What is told of a date that is asked alone: its newest requests, what is staged of it, and who holds it."""

    document: dict[str, object]
    lines: Sequence[str]


def _of_one_date(connection: Connection, settlement_date: date) -> _OneDate:
    held = next((one for one in leases(connection) if one.key == date_key(settlement_date)), None)
    asked = newest_requests(connection, settlement_date)
    lines = []
    if asked is not None and asked.retried:
        retried = f"{asked.retried} of them retried, {asked.most_attempts} attempts at most"
        limit = f"{load_settings().attempts} are allowed"
        lines.append(f"Run {asked.run_id}: {asked.requests} requests answered, {retried} ({limit})")
    staged = read_staged_date(connection, settlement_date)
    lines += staged_lines(staged)
    if held is not None:
        lines += lease_lines(held)
    document: dict[str, object] = {
        "requests": asked,
        "staged": staged.as_dict() if staged.stacks else None,
        "lease": lease_row(held) if held else None,
    }
    return _OneDate(document, lines)


def grid_lines(dates: Iterable[DateStatus]) -> list[str]:
    """Return a heading and one line a date: its state, and a character a period."""
    ruler = "".join(f"{number:<6}" for number in range(1, MOST_PERIODS, 6)).rstrip()
    return [f"{'date':<10}  {'state':<10}  {ruler}", *map(_grid_line, dates)]


def _grid_line(one: DateStatus) -> str:
    cells = "".join(CELLS[outcome] for outcome in one.periods.values()) or CELLS["none"] * 48
    version = one.version if one.version is not None else one.held_version
    mark = ("*" if one.provisional else "") + ("~" if one.stale else "")
    word = {"published": f"v{version}{mark}", "held": f"held v{version}", "none": "-"}[one.state]
    beside = f"  v{one.held_version} held" if one.state == "published" and one.held_version is not None else ""
    contradicted = "  differs from a witness" if one.verification == "differs" else ""
    return f"{one.settlement_date}  {word:<10}  {_paint(cells)}{beside}{contradicted}"


def _paint(cells: str) -> str:
    if not colours_wanted():
        return cells
    runs = ("".join(run) for _, run in groupby(cells))
    return "".join(typer.style(run, fg=_COLOURS.get(run[0])) for run in runs)


def _summary(dates: Sequence[DateStatus]) -> str:
    counts = {
        "published": sum(one.state == "published" for one in dates),
        "provisional": sum(one.provisional for one in dates),
        "stale by the register": sum(one.stale for one in dates),
        "verified": sum(one.verification == "verified" for one in dates),
        "contradicted by a witness": sum(one.verification == "differs" for one in dates),
        "with a held version": sum(one.held_version is not None for one in dates),
        "with nothing": sum(one.state == "none" for one in dates),
    }
    summary = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"{len(dates)} date{'s' if len(dates) != 1 else ''}: {summary}"


def _document(one: DateStatus) -> dict[str, object]:
    return {
        "settlement_date": one.settlement_date,
        "state": one.state,
        "version": one.version,
        "held_version": one.held_version,
        "provisional": one.provisional,
        "stale": one.stale,
        "verification": one.verification,
        "periods": one.periods,
    }


def _wide_row(one: DateStatus) -> dict[str, object]:
    return _document(one) | {str(number): outcome for number, outcome in one.periods.items()}
