"""The report, or the error in its place, as GitHub-flavoured Markdown: what an operator reads in Prefect's UI.

Prefect renders headings, lists, tables, code and images; not Mermaid, and no `<svg>` or `<details>`. An image shows
only by its URL, so that a picture travels inside it.
"""

import re
from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from reingest.curtailment.checks import Check
from reingest.errors import ReingestError
from reingest.operations.report import DateReport
from reingest.operations.report_parts import (
    CHECK_MARKS,
    TextTable,
    diff_sentence,
    diff_tables,
    difference_tables,
    ending,
    facts,
    mining_tables,
    next_step,
    served_sentence,
    totals_tables,
)

_MARKS: Final = re.compile(r"([\\`*_{}\[\]<>|~#$&!])")


def report_markdown(report: DateReport) -> str:
    """Return the report: outcome, what is served, what to do next, totals now and then, checks, what differs."""
    return "\n".join(_report_lines(report))


def error_markdown(error: ReingestError) -> str:
    """Return the error that ended a run: what happened, with which date and period, what is safe, what to do next."""
    return "\n".join(_error_lines(error))


def picture_markdown(picture: str, describe: str) -> str:
    """Return an SVG picture as a Markdown image that carries it.

    Args:
        picture: The SVG document.
        describe: What it shows, for those who cannot see it.
    """
    return f"![{_escaped(describe)}](data:image/svg+xml;base64,{b64encode(picture.encode()).decode()})\n"


def _report_lines(report: DateReport) -> Iterator[str]:
    yield f"# {report.settlement_date}: {_escaped(ending(report))}"
    yield from ("", f"**{served_sentence(report)}**")
    step = next_step(report)
    if step:
        yield from ("", _escaped(step.sentence), "", *_command(step.command))
    if report.notes:
        yield ""
        yield from (f"- {_escaped(note)}" for note in report.notes)
    yield from ("", "## Totals")
    for totals in totals_tables(report):
        yield from _table(totals)
    # Apart from the totals: together they would be wider than the page.
    yield from _mining(report)
    yield from ("", "## Checks")
    yield from _checks(report.checks)
    for differing in difference_tables(report):
        yield from _table(differing)
    yield from ("", "## What differs", "", _escaped(diff_sentence(report)))
    for differences in diff_tables(report):
        yield from _table(differences)
    yield from ("", "## The run", "")
    yield from (f"- {word}: {_escaped(fact)}" for word, fact in facts(report))
    yield f"- run: `{report.run_id}`"
    yield ""


def _error_lines(error: ReingestError) -> Iterator[str]:
    period = f", period {error.period}" if error.period else ""
    subject = f"{error.settlement_date}{period}: " if error.settlement_date else ""
    yield f"# {subject}{_escaped(error.code)}"
    yield from ("", f"**{_escaped(error.sentence)}**")
    if error.detail:
        yield from ("", _escaped(error.detail))
    yield from ("", f"Safe: {_escaped(error.safe)}", "", "Next:", "", *_command(error.next_command), "")


def _command(command: str) -> tuple[str, ...]:
    return "```sh", command, "```"


def _table(table: TextTable) -> Iterator[str]:
    yield from ("", _row(table.header))
    yield _row([":--", *["--:"] * (len(table.header) - 1)], escape=False)
    yield from map(_row, table.rows)
    if table.left_out:
        yield from ("", f"and {table.left_out} more; all of them are in the run's tables.")


def _mining(report: DateReport) -> Iterator[str]:
    tables = [*mining_tables(report)]
    if tables:
        yield from ("", "## What the energy could have mined")
    for table in tables:
        yield from _table(table)


def _checks(checks: Collection[Check]) -> Iterator[str]:
    yield from ("", _row(["check", "", "found", "expected"]))
    yield _row([":--"] * 4, escape=False)
    for check in checks:
        yield _row([check.name, CHECK_MARKS[check.status], check.actual, check.expected])
    said = [check for check in checks if check.status != "pass" and check.detail]
    if said:
        yield ""
        yield from (f"- {_escaped(check.name)}: {_escaped(check.detail)}" for check in said)


def _row(cells: Iterable[str], *, escape: bool = True) -> str:
    return f"| {' | '.join(_escaped(cell) if escape else cell for cell in cells)} |"


def _escaped(text: str) -> str:
    """Return the text so that Markdown shows it as it is, on one line."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
