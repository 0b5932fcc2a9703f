"""How far a date's figures moved, in words: with signs, in MWh, GBP and BTC."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from reingest.curtailment.exact import exact_sum
from reingest.operations.figures_text import period_ranges, signed_energy, signed_money
from reingest.store.reconciliation import JudgedDate


def energy_text(change: Decimal | None) -> str:
    """Return a change of energy, such as `+1.500 MWh`; a dash where it is not known."""
    return "-" if change is None else f"{signed_energy(change)} MWh"


def payment_text(change: Decimal | None) -> str:
    """Return a change of payment, such as `-£12.30`; a dash where it is not known."""
    return "-" if change is None else signed_money(change)


def bitcoin_text(change: Decimal | None) -> str:
    """Return a change of BTC, such as `+0.00120000`; a dash where it is not known."""
    return "-" if change is None else f"{change:+z,.8f}"


def change_text(one: JudgedDate) -> str:
    """Return how far a date moved, and in which periods; empty where neither is known."""
    return ", ".join(_parts(one))


def altogether(dates: Iterable[JudgedDate]) -> str:
    """Return how far dates moved together, such as `+3.000 MWh, -£12.30`; of those whose change is known."""
    moves = [(one.figures.energy_mwh.change, one.figures.payment_gbp.change) for one in dates]
    energy = exact_sum(change for change, _ in moves if change is not None)
    payment = exact_sum(change for _, change in moves if change is not None)
    return f"{energy_text(energy)}, {payment_text(payment)}"


def periods_text(one: JudgedDate) -> str:
    """Return the settlement periods that differ, such as `1-4,17`; a dash where none is known to."""
    return period_ranges(one.figures.periods) if one.figures.periods else "-"


def _parts(one: JudgedDate) -> Iterator[str]:
    figures = one.figures
    if figures.energy_mwh.change is not None:
        yield energy_text(figures.energy_mwh.change)
    if figures.payment_gbp.change is not None:
        yield payment_text(figures.payment_gbp.change)
    for model, moved in sorted(figures.btc.items()):
        if moved.change is not None:
            yield f"{bitcoin_text(moved.change)} BTC by {model}"
    if figures.periods:
        yield f"periods {period_ranges(figures.periods)}"
