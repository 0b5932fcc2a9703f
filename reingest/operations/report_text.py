"""The report as lines of plain text: for the terminal, the log, and the demo."""

from collections.abc import Iterable, Iterator

from reingest.curtailment.checks import Check
from reingest.operations.report import DateReport
from reingest.operations.report_parts import (
    CHECK_MARKS,
    TextTable,
    diff_sentence,
    diff_tables,
    difference_tables,
    ending,
    facts,
    next_step,
    wide_tables,
)


def report_lines(report: DateReport) -> Iterator[str]:
    """Yield the report, line by line: what happened, totals now and then, checks, what differs, what to do next."""
    yield f"{report.settlement_date}: {ending(report)} (run {report.run_id})"
    yield from (f"  note: {note}" for note in report.notes)
    yield ""
    yield from (f"  {word:<9} {fact}" for word, fact in facts(report))
    yield ""
    for totals in wide_tables(report):
        yield from _table(totals)
    yield ""
    yield from _checks(report.checks)
    for differing in difference_tables(report):
        yield ""
        yield from _table(differing)
    yield ""
    yield f"  {diff_sentence(report)}"
    for differences in diff_tables(report):
        yield from _table(differences, indent="    ")
    yield from _next(report)


def _table(table: TextTable, indent: str = "  ") -> Iterator[str]:
    """Yield the rows under their header, as wide as they need to be."""
    cells = [table.header, *table.rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(table.header))]
    for row in cells:
        first, *others = zip(row, widths, strict=True)
        line = "  ".join([first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)])
        yield f"{indent}{line}".rstrip()
    if table.left_out:
        yield f"{indent}and {table.left_out} more; all of them: --json"


def _checks(checks: Iterable[Check]) -> Iterator[str]:
    for check in checks:
        yield f"  {CHECK_MARKS[check.status]:<4}  {check.name}: {check.actual}"
        if check.status != "pass":
            yield f"        expected {check.expected}"
            yield from (f"        {part}" for part in check.detail.split("; ") if part)


def _next(report: DateReport) -> Iterator[str]:
    step = next_step(report)
    if step:
        yield ""
        yield f"  {step.sentence}"
        yield f"  Next: {step.command}"
