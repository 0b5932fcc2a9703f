"""A date's stacks and witnesses in memory: rendered as Elexon answers, read as Reingest reads, and judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from reingest.calendar import settlement_periods
from reingest.curtailment.stack_facts import Subject, stack_facts
from reingest.curtailment.stack_sums import stack_sums
from reingest.curtailment.statements import Statement
from reingest.curtailment.verdicts import Verdict
from reingest.curtailment.witnesses import HeldStacks, Witnesses, judge
from reingest.curtailment.words import SIDES, Side
from reingest.elexon.acceptance_volumes import read_acceptance_volumes
from reingest.elexon.cashflows import read_cashflows
from reingest.elexon.rows import stack_table
from reingest.elexon.stack import RawStack, read_stack
from reingest.elexon.system_prices import SystemPrice, read_system_prices
from reingest.standin import witnesses as derived
from reingest.standin.model import PeriodStack, StackSource, WireRecord, stack_record
from reingest.standin.register import Register
from reingest.standin.render import Document, render


@dataclass(frozen=True)
class Day:
    """A date as its answers say it.

    Attributes:
        records: The wire's records of each stack.
        stacks: The same as read.
        witnesses: What BOAV, DISEBSP and EBOCF say.
    """

    settlement_date: date
    records: Mapping[Subject, list[WireRecord]]
    stacks: Mapping[Subject, RawStack]
    witnesses: Witnesses
    wind_units: frozenset[str]

    def read(self, subject: Subject, records: Sequence[WireRecord]) -> RawStack:
        """Read records as the answer of one stack."""
        return read_records(self.settlement_date, subject, records)

    def verdict(
        self, instead: Mapping[Subject, RawStack | None] | None = None, *, witnesses: Witnesses | None = None
    ) -> Verdict:
        """Judge the date, with other answers in place of some, None for one that was never had; or by others."""
        stacks = {**self.stacks, **(instead or {})}
        raw = [stack for stack in stacks.values() if stack is not None]
        table = stack_table(raw)
        held = HeldStacks(
            settlement_date=self.settlement_date,
            sides=SIDES,
            facts=stack_facts(table.rows),
            answered={(stack.period, stack.side) for stack in raw},
            rejects=table.rejects,
            wind_units=self.wind_units,
        )
        return judge(held, stack_sums(table.rows, self.settlement_date), witnesses or self.witnesses)


def day_of(source: StackSource, settlement_date: date, register: Register) -> Day:
    """Return a date of a source of the stand-in, with the witnesses that the stand-in derives."""
    periods = [stack for one in settlement_periods(settlement_date) if (stack := source.period(one)) is not None]
    records: dict[Subject, list[WireRecord]] = {
        (stack.period.number, side): [stack_record(row, stack) for row in stack.side(side)]
        for stack in periods
        for side in SIDES
    }
    return Day(
        settlement_date=settlement_date,
        records=records,
        stacks={subject: read_records(settlement_date, subject, rows) for subject, rows in records.items()},
        witnesses=Witnesses(
            system_prices=_prices(periods, settlement_date),
            acceptance_volumes={side: _volumes(periods, side, register, settlement_date) for side in SIDES},
            cashflows={side: _cashflows(periods, side, register, settlement_date) for side in SIDES},
        ),
        wind_units=frozenset(register.ids(wind=True)),
    )


def read_records(settlement_date: date, subject: Subject, records: Sequence[WireRecord]) -> RawStack:
    """Read records as the answer of one stack."""
    period, side = subject
    body = _json("ISPSTACK", records)
    return read_stack(body, asked="json", settlement_date=settlement_date, period=period, side=side)


def _prices(periods: Sequence[PeriodStack], day: date) -> dict[int, SystemPrice]:
    body = _json("DISEBSP", [derived.system_price(stack) for stack in periods])
    return {price.period: price for price in read_system_prices(body, settlement_date=day)}


def _volumes(periods: Sequence[PeriodStack], side: Side, register: Register, day: date) -> tuple[Statement, ...]:
    records = [record for stack in periods for record in derived.acceptance_volumes(stack, side, register)]
    return read_acceptance_volumes(_json("BOAV", records), settlement_date=day)


def _cashflows(periods: Sequence[PeriodStack], side: Side, register: Register, day: date) -> tuple[Statement, ...]:
    records = [record for stack in periods for record in derived.cashflows(stack, side, register)]
    return read_cashflows(_json("EBOCF", records), settlement_date=day)


def _json(dataset: str, records: Sequence[WireRecord]) -> bytes:
    return render(Document(dataset, records), "json")
