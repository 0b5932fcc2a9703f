"""The history of a date: what it served when, what each version changed, and rows that newer answers no longer had."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reingest.curtailment.exact import exactly
from reingest.curtailment.words import DEFINITION_NAMES, DefinitionName
from reingest.errors import NotFound
from reingest.store.database import Connection
from reingest.store.history import SpanServed, Tombstone, spans_served, tombstones


@dataclass(frozen=True, slots=True)
class Change:
    """New less old by one definition: MWh, GBP, records, and BTC by miner model where both are known."""

    energy_mwh: Decimal
    payment_gbp: Decimal
    records: int
    btc: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class SpanInHistory:
    """A span in which a version was served, and what its publish changed.

    Attributes:
        changed: By definition, against what was served just before; None of a first publish, or where either of the two
            is not known any more.
    """

    served: SpanServed
    changed: Mapping[DefinitionName, Change] | None


@dataclass(frozen=True, slots=True)
class DateHistory:
    """What a date served when, oldest first, and the rows that newer answers no longer had."""

    settlement_date: date
    served: Sequence[SpanInHistory]
    tombstones: Sequence[Tombstone]


def date_history(connection: Connection, settlement_date: date) -> DateHistory:
    """Return the history of a date.

    Raises:
        NotFound: it never served anything.
    """
    spans = spans_served(connection, settlement_date)
    if not spans:
        raise NotFound(
            f"{settlement_date} was never published",
            settlement_date=settlement_date,
            next_command="reingest date {date}",
        )
    served = [
        SpanInHistory(span, _changed(before, span)) for before, span in zip([None, *spans[:-1]], spans, strict=True)
    ]
    return DateHistory(settlement_date, served, tombstones(connection, settlement_date))


def _changed(old: SpanServed | None, new: SpanServed) -> dict[DefinitionName, Change] | None:
    # Between two spans nothing may have been served; then there is nothing that the later one changed.
    if old is None or not (old.known and new.known) or old.served_to != new.served_from:
        return None
    return {name: _change(old, new, name) for name in DEFINITION_NAMES if name in old.totals and name in new.totals}


def _change(old: SpanServed, new: SpanServed, definition: DefinitionName) -> Change:
    before, after = old.totals[definition], new.totals[definition]
    old_btc, new_btc = old.mining.get(definition, {}), new.mining.get(definition, {})
    with exactly():
        return Change(
            energy_mwh=after.energy_mwh - before.energy_mwh,
            payment_gbp=after.payment_gbp - before.payment_gbp,
            records=after.records - before.records,
            btc={model: new_btc[model] - old_btc[model] for model in sorted(old_btc.keys() & new_btc.keys())},
        )
