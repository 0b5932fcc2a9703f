"""`reingest replay`: what is served, rebuilt from the archive with the network denied, and compared."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from reingest import __version__
from reingest.cli.arguments import AsCsv, AsJson, settlement_date
from reingest.cli.figure_tables import figure_table
from reingest.cli.output import Column, Output
from reingest.cli.progress import stage_progress
from reingest.curtailment.exact import EXACT_CASHFLOW, exactly
from reingest.curtailment.reasons import MEASURES
from reingest.errors import BadUsage, NotFound
from reingest.lake.archive import Archive
from reingest.settings import load_settings
from reingest.store.server import ensure_database
from reingest.tuning import keep_imports

if TYPE_CHECKING:
    from reingest.operations.replaying import FigureMove, ReplayedDate

MOST_JOBS: Final = 64
_FIGURE: Final = ("measure", "definition", "model", "served", "rebuilt", "change")
_CSV: Final = tuple(Column(key, key) for key in ("settlement_date", "version", "outcome", "causes", *_FIGURE))


def replay(
    start: Annotated[date, typer.Argument(parser=settlement_date, metavar="START", help="The first date.")],
    end: Annotated[
        date | None, typer.Argument(parser=settlement_date, metavar="END", help="The last date; START by default.")
    ] = None,
    jobs: Annotated[int, typer.Option(metavar="N", min=1, max=MOST_JOBS, help="How many processes work at once.")] = 1,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Rebuild what is served from START to END out of the archive, and compare it byte for byte.

    The network is denied to it and nothing is written: what a changed parser or definition would do to any date is
    seen before anything is published. Exit code 0: every date that is served is equal; 1: some differ.
    """
    from reingest.operations.replay import replay as replay_dates

    keep_imports()
    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    dates = _dates(start, end or start)
    settings = load_settings()
    database_url, archive = ensure_database(settings), Archive(settings.archive_folder)
    with stage_progress() as progress:
        replayed = replay_dates(database_url, archive, dates, progress, jobs)
    counts: Counter[str] = Counter(one.outcome for one in replayed)
    if not counts["equal"] and not counts["differs"]:
        raise NotFound(f"nothing is served from {dates[0]} to {dates[-1]}")
    rows = [row for one in replayed for row in _rows(one)] if as_csv else []
    output.write(_document(replayed, counts), _CSV if as_csv else (), rows, before=[*_lines(replayed, counts)])
    raise typer.Exit(1 if counts["differs"] else 0)


def _dates(start: date, end: date) -> list[date]:
    if end < start:
        raise BadUsage(f"{end} is before {start}")
    return [start + timedelta(days=offset) for offset in range((end - start).days + 1)]


def _document(replayed: "Sequence[ReplayedDate]", counts: Counter[str]) -> dict[str, object]:
    return {
        "start": replayed[0].settlement_date,
        "end": replayed[-1].settlement_date,
        "code_version": __version__,
        "exit_code": 1 if counts["differs"] else 0,
        "equal": counts["equal"],
        "differs": counts["differs"],
        "not_served": counts["not_served"],
        "dates": [_date_document(one) for one in replayed],
    }


def _date_document(one: "ReplayedDate") -> dict[str, object]:
    return {
        "settlement_date": one.settlement_date,
        "outcome": one.outcome,
        "version": one.version,
        "code_version": one.code_version,
        "causes": one.causes,
        "figures": [_figure(move) for move in one.figures],
        "records": {name: len(getattr(one.records, name)) for name in ("added", "removed", "changed")},
        "by_period": one.records.by_period,
        "by_unit": one.records.by_unit,
    }


def _figure(move: "FigureMove") -> dict[str, object]:
    served, rebuilt = move.served, move.rebuilt
    with exactly(EXACT_CASHFLOW):
        change = None if served is None or rebuilt is None else rebuilt - served
    return move.figure._asdict() | {"served": served, "rebuilt": rebuilt, "change": change}


def _rows(one: "ReplayedDate") -> Iterator[dict[str, object]]:
    """Yield a row a figure that differs; one row of its own for a date where none does."""
    row: dict[str, object] = {"settlement_date": one.settlement_date, "version": one.version, "outcome": one.outcome}
    row["causes"] = [cause.kind for cause in one.causes]
    yield from (row | _figure(move) for move in one.figures)
    if not one.figures:
        yield row


def _lines(replayed: "Sequence[ReplayedDate]", counts: Counter[str]) -> Iterator[str]:
    for one in replayed:
        version = f"version {one.version}  " if one.version is not None else ""
        yield f"{one.settlement_date}  {version}{one.outcome.replace('_', ' ')}"
        for cause in one.causes:
            yield f"    {cause.kind}: {cause.detail}"
        yield from (f"    {line}" for line in _figure_lines(one))
    yield ""
    differing = next((one.settlement_date for one in replayed if one.outcome == "differs"), None)
    if differing:
        yield f"Next: reingest date {differing} --source archive --plan"
    yield (
        f"{counts['equal']:,} equal, {counts['differs']:,} differ, {counts['not_served']:,} not served;"
        f" replayed by reingest {__version__}"
    )


def _figure_lines(one: "ReplayedDate") -> Iterator[str]:
    headings = {key: key for key in ("served", "rebuilt", "change")}
    for measure in MEASURES:
        yield from figure_table(measure, headings, map(_figure, one.figures))
