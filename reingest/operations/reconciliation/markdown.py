"""A reconciliation as Markdown: a calendar of its verdicts, and a table of the dates that differ."""

from collections.abc import Iterator, Sequence

from reingest.operations.reconciliation.calendar_table import calendar_markdown
from reingest.operations.reconciliation.report import ReconcileReport, due_sentence, next_command
from reingest.operations.reconciliation.words import (
    altogether,
    bitcoin_text,
    energy_text,
    payment_text,
    periods_text,
)
from reingest.store.reconciliation import JudgedDate


def reconcile_markdown(report: ReconcileReport) -> str:
    """Return the report: what was due, what it came to, the calendar, what moved, and what is left to do."""
    return "\n".join(_lines(report)) + "\n"


def differing_rows(report: ReconcileReport) -> list[dict[str, str]]:
    """Return a row of texts for every date that differs: its verdict, and the change in MWh, GBP and BTC by model."""
    models = sorted({model for one in report.differing for model in one.figures.btc})
    return [_row(one, models) for one in report.differing]


def _lines(report: ReconcileReport) -> Iterator[str]:
    yield f"# {report.sentence}"
    yield from ("", f"{due_sentence(report.dates)}.")
    if report.interrupted:
        yield from ("", f"Broken off: {report.interrupted} What was not come to stays due.")
    if any(one.figures.energy_mwh.change is not None for one in report.differing):
        yield from ("", f"The dates that differ move by {altogether(report.differing)} together.")
    yield from ("", calendar_markdown(report.dates))
    left = [(one, command) for one in report.dates if (command := next_command(one))]
    if left:
        yield from ("", "## Left to a person", "")
        yield from (f"- {one.settlement_date}, {one.verdict}: `{command}`" for one, command in left)


def _row(one: JudgedDate, models: Sequence[str]) -> dict[str, str]:
    figures = one.figures
    changes = {model: figures.btc[model].change if model in figures.btc else None for model in models}
    return {
        "date": one.settlement_date.isoformat(),
        "why": one.reason,
        "verdict": one.verdict or "",
        "version": str(one.version or ""),
        "MWh": energy_text(figures.energy_mwh.change),
        "GBP": payment_text(figures.payment_gbp.change),
        **{f"BTC {model}": bitcoin_text(change) for model, change in changes.items()},
        "periods": periods_text(one),
    }
