"""What BOAV and EBOCF state, row by row, and all of it as one account of a date's amounts."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from reingest.calendar import settlement_periods
from reingest.curtailment.accounts import Account
from reingest.curtailment.stack_facts import Subject
from reingest.curtailment.words import Side

if TYPE_CHECKING:
    from reingest.curtailment.stack_sums import Key, UnitSubject
    from reingest.curtailment.verdicts import Reason


class Statement(NamedTuple):
    """One row of a witness that has amounts by bid-offer pair.

    Attributes:
        period: Settlement period.
        bm_unit: Elexon BM unit id; None where the row names none.
        acceptance_id: The acceptance, not unique across units; None where the witness is not by acceptance.
        created_at: When Elexon calculated it, aware, UTC; None where it does not say.
        amounts: MWh or GBP by pair, -6 to 6; a pair of which nothing is said is left out.
    """

    period: int
    bm_unit: str | None
    acceptance_id: int | None
    created_at: datetime | None
    amounts: Mapping[int, Decimal]


def account_of(
    stated: Mapping[Side, Iterable[Statement]],
    subjects: Collection[Subject],
    settlement_date: date,
    final_after: timedelta,
) -> Account:
    """Return what the rows of a witness say together.

    A row that comes again counts once, and of rows of several calculation runs the last counts: a source that repeats
    itself is no contradiction. Two rows of one run that say different things are: whatever the stack says, one of them
    is wrong, so neither accuses it nor clears it, and their unit is unknown.

    Args:
        stated: The rows by side; a side left out could not be had.
        subjects: The stacks that the date should have.
        settlement_date: The calendar says when its periods begin.
        final_after: From a period's start: what was calculated earlier is not compared.
    """
    finals = {period.number: period.start + final_after for period in settlement_periods(settlement_date)}
    amounts: dict[Key, Decimal] = {}
    unknown: dict[UnitSubject, Reason] = {}
    silent: dict[Subject, Reason] = {subject: "not_published" for subject in subjects if subject[1] in stated}
    for side, statements in stated.items():
        last, contradicted = _last(statements)
        for period in {statement.period for statement in last}:
            silent.pop((period, side), None)
        for period, unit, acceptance, created_at, by_pair in last:
            if created_at is None or created_at < finals[period]:
                unknown[period, side, unit] = silent[period, side] = "first_run"
            elif unit is None and any(by_pair.values()):
                # It may be what the witness does not say of a unit that it should name.
                unknown[period, side, unit] = silent[period, side] = "no_unit"
            for pair, amount in by_pair.items():
                amounts[period, side, unit, acceptance, pair] = amount
        for period, unit in contradicted:
            unknown[period, side, unit] = "contradicting"
    missing: dict[Subject, Reason] = {subject: "no_witness" for subject in subjects if subject[1] not in stated}
    return Account(amounts, unknown, silent, missing)


def _last(statements: Iterable[Statement]) -> tuple[Collection[Statement], set[tuple[int, str | None]]]:
    """Return the last statement about each subject, and the units of which two of one run contradict each other."""
    last: dict[tuple[int, str | None, int | None], Statement] = {}
    contradicted: set[tuple[int, str | None, int | None]] = set()
    for statement in statements:
        subject = statement[:3]
        other = last.setdefault(subject, statement)
        if other is statement:
            continue
        if other.created_at == statement.created_at:
            if other.amounts != statement.amounts:
                contradicted.add(subject)
        elif _is_later(statement, other):
            last[subject] = statement
            contradicted.discard(subject)
    return last.values(), {subject[:2] for subject in contradicted}


def _is_later(one: Statement, other: Statement) -> bool:
    """Tell whether it was calculated later; what does not say when is the earliest."""
    return one.created_at is not None and (other.created_at is None or one.created_at > other.created_at)
