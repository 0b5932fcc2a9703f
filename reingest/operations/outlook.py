"""The outlook: what the day, its month and its year come to now, and what they come to with the new facts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from reingest.curtailment.exact import ZERO, exactly
from reingest.curtailment.words import DefinitionName
from reingest.operations.date_run import DateRun
from reingest.store.served import Span, Spans, served_mining, served_totals


@dataclass(frozen=True, slots=True)
class Figures:
    """What a span comes to by one definition: MWh, GBP, records, and BTC by miner model.

    Attributes:
        mining: Empty where no date of the span has known difficulty.
    """

    energy_mwh: Decimal
    payment_gbp: Decimal
    records: int
    mining: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Outlook:
    """One span by one definition: what is served now (None where nothing is), and what the new facts make of it."""

    span: Span
    definition: DefinitionName
    served: Figures | None
    new: Figures


def outlook_of(run: DateRun) -> list[Outlook]:
    """Return the outlook of the day, month and year of the run's date, by definition."""
    spans = spans_of(run.settlement_date)
    served, new_day = _served(run, spans), _new_day(run)
    return [
        Outlook(
            span,
            name,
            served.get((span, name)),
            _with_new_day(served.get((span, name)), served.get(("day", name)), new),
        )
        for span in spans
        for name, new in new_day.items()
    ]


def spans_of(settlement_date: date) -> Spans:
    """Return the day, month and year of a date, each as its first day and the first day after it."""
    month = settlement_date.replace(day=1)
    year = month.replace(month=1)
    return {
        "day": (settlement_date, settlement_date + timedelta(days=1)),
        "month": (month, (month + timedelta(days=31)).replace(day=1)),
        "year": (year, year.replace(year=year.year + 1)),
    }


def _served(run: DateRun, spans: Spans) -> dict[tuple[Span, DefinitionName], Figures]:
    mining = served_mining(run.connection, spans)
    return {
        (total.span, total.definition): Figures(
            total.energy_mwh, total.payment_gbp, total.records, mining.get((total.span, total.definition), {})
        )
        for total in served_totals(run.connection, spans)
    }


def _new_day(run: DateRun) -> dict[DefinitionName, Figures]:
    facts = run.require_facts()
    return {
        name: Figures(
            totals.energy_mwh,
            totals.payment_gbp,
            totals.records,
            {model: btc for (definition, model), btc in facts.mining.items() if definition == name},
        )
        for name, totals in facts.totals.items()
    }


def _with_new_day(span: Figures | None, old_day: Figures | None, new_day: Figures) -> Figures:
    """Return the span with the old day's figures taken out and the new day's put in."""
    if span is None:
        return new_day
    old = old_day or Figures(ZERO, ZERO, 0, {})
    models = span.mining.keys() | new_day.mining.keys()
    with exactly():
        return Figures(
            energy_mwh=span.energy_mwh - old.energy_mwh + new_day.energy_mwh,
            payment_gbp=span.payment_gbp - old.payment_gbp + new_day.payment_gbp,
            records=span.records - old.records + new_day.records,
            mining={
                model: span.mining.get(model, ZERO) - old.mining.get(model, ZERO) + new_day.mining.get(model, ZERO)
                for model in sorted(models)
            },
        )
