"""A range's cost card and report as GitHub-flavoured Markdown, and its dates as rows of a table: for Prefect's UI."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final
from uuid import UUID

from reingest.curtailment.exact import ZERO, exact_sum, exactly, plain
from reingest.curtailment.words import DEFAULT_DEFINITION
from reingest.operations.figures_text import bitcoin, signed_energy, signed_money
from reingest.operations.ranges.report import DateEnd, RangeReport, resume_command
from reingest.operations.report_tables import Rows

_FENCE: Final = "```"


def begun_markdown(range_id: UUID, card: Iterable[str]) -> str:
    """Return what a flow run says as it begins: what it will cost, and how to go on where it crashes."""
    lines = [
        "# What the range will cost",
        "",
        _FENCE,
        *card,
        _FENCE,
        "",
        "Its dates are written down. Where this flow run crashes or is cancelled, another one goes on with it that has",
        f"`{range_id}` in its field *Resume*, and so does",
        "",
        f"{_FENCE}sh",
        resume_command(range_id),
        _FENCE,
    ]
    return "\n".join(lines) + "\n"


def range_markdown(report: RangeReport) -> str:
    """Return how many dates ended how, by how much figures moved, and what to do next."""
    return "\n".join(_lines(report)) + "\n"


def other_rows(report: RangeReport) -> Rows:
    """Return one row for every date that is not as it should be, in order."""
    return [_row(end) for end in report.ends if not end.is_well]


def changed_rows(report: RangeReport) -> Rows:
    """Return one row for every served figure that moved, or would where a date is held or planned, exact.

    A date's first figures change no history.
    """
    return [
        {
            "Date": end.settlement_date.isoformat(),
            "Outcome": end.outcome or "",
            "Definition": change.definition,
            "Figure": change.figure,
            "Before": plain(change.before),
            "After": "" if change.after is None else plain(change.after),
        }
        for end in report.ends
        for change in end.changes
        if change.before is not None
    ]


def _lines(report: RangeReport) -> Iterator[str]:
    dates = [end.settlement_date for end in report.ends]
    yield f"# {min(dates)} to {max(dates)}: {report.state}"
    yield from ("", f"Range `{report.range_id}`", "", "| outcome | dates |", "|:--|--:|")
    yield from (f"| {outcome} | {count:,} |" for outcome, count in report.counts.most_common())
    yield from _moved_lines(report)
    if report.error is not None:
        yield from ("", f"Interrupted by {report.error.code}:", "", _FENCE, str(report.error), _FENCE)
    if report.left:
        yield from ("", f"{len(report.left):,} dates are not as they should be; the table `other-dates` has each with")
        yield "its next command."
    next_command = report.next_command or f"reingest range show {report.range_id}"
    yield from ("", "Next:", "", f"{_FENCE}sh", next_command, _FENCE)


def _moved_lines(report: RangeReport) -> Iterator[str]:
    moved = {figure: by for figure, by in _moved(report).items() if by}
    if moved:
        did = "would move" if report.plan else "moved"
        yield from ("", f"Figures of dates that were served before {did} by, {DEFAULT_DEFINITION}:", "")
        yield from (f"- {figure}: {_shown(figure, by)}" for figure, by in moved.items())


def _moved(report: RangeReport) -> dict[str, Decimal]:
    """Return by how much each figure moved in all, by the default definition."""
    changes = [
        change
        for end in report.ends
        if end.is_well
        for change in end.changes
        if change.definition == DEFAULT_DEFINITION and change.before is not None
    ]
    with exactly():
        return {
            figure: exact_sum((one.after or ZERO) - (one.before or ZERO) for one in changes if one.figure == figure)
            for figure in sorted({change.figure for change in changes})
        }


def _shown(figure: str, by: Decimal) -> str:
    if figure == "energy_mwh":
        return f"{signed_energy(by)} MWh"
    return signed_money(by) if figure == "payment_gbp" else f"{bitcoin(by)} BTC"


def _row(end: DateEnd) -> dict[str, str]:
    return {
        "Date": end.settlement_date.isoformat(),
        "Outcome": end.outcome or "pending",
        "Code": end.error.code if end.error else "",
        "What": end.error.text if end.error else "",
        "Next": end.error.next_command if end.error else "",
    }
