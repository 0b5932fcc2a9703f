"""The witnesses of a date heard: BOAV on volumes, DISEBSP on accepted totals, EBOCF on cashflows.

Pure: rows in, a verdict out. Only what both sides calculated in the final run is compared; a witness that could not be
had, that contradicts itself or that is early leaves things unverified, and never passes them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Protocol

from reingest.calendar import settlement_periods
from reingest.curtailment.accounts import Account, Circumstances, compare
from reingest.curtailment.exact import ZERO, exactly
from reingest.curtailment.stack_facts import StackFacts, Subject
from reingest.curtailment.stack_sums import Key, StackSums, UnitSubject
from reingest.curtailment.statements import Statement, account_of
from reingest.curtailment.verdicts import Reason, RuleVerdict, Verdict
from reingest.curtailment.witness_rules import VOLUME_TOLERANCE_MWH, WITNESS_RULES_V0, WitnessRules
from reingest.curtailment.words import Side


class SystemPrice(Protocol):
    """A period's DISEBSP row; None where it has null."""

    @property
    def created_at(self) -> datetime:
        """When Elexon calculated it."""

    @property
    def total_accepted_bid_volume(self) -> Decimal | None:
        """`totalAcceptedBidVolume`, MWh."""

    @property
    def total_accepted_offer_volume(self) -> Decimal | None:
        """`totalAcceptedOfferVolume`, MWh."""


class RejectedRow(Protocol):
    """A stack row that was not accepted."""

    @property
    def period(self) -> int:
        """Settlement period."""

    @property
    def side(self) -> Side:
        """The stack it stood in."""

    @property
    def bm_unit(self) -> str | None:
        """Elexon BM unit id; None where it has none or it could not be read."""


@dataclass(frozen=True, slots=True)
class HeldStacks:
    """A date's stacks, as witnesses are asked about them.

    Attributes:
        settlement_date: The calendar says which periods it has.
        sides: The stacks that were to be had.
        facts: What each stack says as a whole; one without accepted rows may be left out.
        answered: The stacks that were answered, those without rows among them.
        rejects: Rows that were not accepted.
        carried: Stacks that are not of this fetch.
        wind_units: The BM unit ids that count as wind.
    """

    settlement_date: date
    sides: Sequence[Side]
    facts: Mapping[Subject, StackFacts]
    answered: Collection[Subject]
    rejects: Collection[RejectedRow] = ()
    carried: Collection[Subject] = ()
    wind_units: Collection[str] = frozenset()

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Every stack that the date should have, from the calendar."""
        return tuple(
            (period.number, side) for period in settlement_periods(self.settlement_date) for side in self.sides
        )

    @property
    def unanswered(self) -> dict[Subject, Reason]:
        """The stacks that were not had."""
        return {subject: "not_fetched" for subject in self.subjects if subject not in self.answered}

    @property
    def circumstances(self) -> Circumstances:
        """What is known of the stacks beside their amounts."""
        rejected = frozenset((reject.period, reject.side, reject.bm_unit) for reject in self.rejects)
        return Circumstances(self.wind_units, rejected, self.carried)


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What the witnesses of a date say; a side left out, or None, could not be had.

    Attributes:
        system_prices: DISEBSP by period.
        acceptance_volumes: BOAV by side, in the order of the answer.
        cashflows: EBOCF by side, in the order of the answer.
    """

    system_prices: Mapping[int, SystemPrice] | None = None
    acceptance_volumes: Mapping[Side, Sequence[Statement]] = field(default_factory=dict)
    cashflows: Mapping[Side, Sequence[Statement]] = field(default_factory=dict)


def judge(stacks: HeldStacks, sums: StackSums, witnesses: Witnesses, rules: WitnessRules = WITNESS_RULES_V0) -> Verdict:
    """Return what the witnesses say of a date's stacks, by every rule of the set.

    Args:
        stacks: The date's stacks.
        sums: What they come to by unit, acceptance and pair; made with the set's `final_after`.
        witnesses: What could be had of BOAV, DISEBSP and EBOCF.
        rules: The set of rules.

    Raises:
        decimal.Inexact: a difference does not fit 160 digits.
    """
    return Verdict(
        rules.name,
        (
            judge_acceptance_volumes(stacks, sums, witnesses.acceptance_volumes, rules),
            judge_accepted_totals(stacks, witnesses.system_prices, rules, first_run=sums.first_run_stacks),
            judge_cashflows(stacks, sums, witnesses.cashflows, rules),
        ),
    )


def judge_acceptance_volumes(
    stacks: HeldStacks,
    sums: StackSums,
    witness: Mapping[Side, Sequence[Statement]],
    rules: WitnessRules = WITNESS_RULES_V0,
) -> RuleVerdict:
    """Compare volumes with BOAV's, by unit, acceptance and pair."""
    held = Account(sums.volumes, _first_run(sums), _silent(sums), stacks.unanswered)
    heard = account_of(_asked(witness, stacks), stacks.subjects, stacks.settlement_date, rules.final_after)
    return compare(rules.acceptance_volumes, held, heard, stacks.circumstances)


def judge_cashflows(
    stacks: HeldStacks,
    sums: StackSums,
    witness: Mapping[Side, Sequence[Statement]],
    rules: WitnessRules = WITNESS_RULES_V0,
) -> RuleVerdict:
    """Compare volume times price times TLM with EBOCF's cashflows, by unit and pair."""
    unknown = dict.fromkeys(sums.unpriced, _NULL) | _first_run(sums)
    held = Account(sums.cashflows, unknown, _silent(sums), stacks.unanswered)
    heard = account_of(_asked(witness, stacks), stacks.subjects, stacks.settlement_date, rules.final_after)
    return compare(rules.cashflows, held, heard, stacks.circumstances)


def judge_accepted_totals(
    stacks: HeldStacks,
    witness: Mapping[int, SystemPrice] | None,
    rules: WitnessRules = WITNESS_RULES_V0,
    *,
    first_run: Collection[Subject] = (),
) -> RuleVerdict:
    """Compare the accepted volume of each stack with DISEBSP's, all units together.

    A stack that was answered without rows comes to zero; when it was calculated, only DISEBSP says.

    Args:
        stacks: The date's stacks; the earliest `createdDateTime` of each decides of which run it is.
        witness: DISEBSP by period.
        rules: The set of rules.
        first_run: Stacks that are known to hold a row of the first run, or one that does not say of which it is.
    """
    finals = {period.number: period.start + rules.final_after for period in settlement_periods(stacks.settlement_date)}
    late: dict[UnitSubject, Reason] = {
        (*subject, None): _FIRST_RUN
        for subject, facts in stacks.facts.items()
        if subject in first_run or facts.created_first is None or facts.created_first < finals[subject[0]]
    }
    amounts = {_whole(subject): _accepted(stacks.facts.get(subject)) for subject in stacks.answered}
    held = Account(amounts, late, {}, stacks.unanswered)
    return compare(rules.accepted_totals, held, _totals_account(stacks, witness, finals), stacks.circumstances)


def accepted_volume(witness: SystemPrice, side: Side) -> Decimal | None:
    """Return what the witness says that a side's accepted rows come to, MWh; None where it has null."""
    return witness.total_accepted_bid_volume if side == "bid" else witness.total_accepted_offer_volume


def comes_to(stack: StackFacts, said: Decimal) -> bool:
    """Tell whether a stack's accepted rows come to what a witness says, MWh, up to the tolerance."""
    with exactly():
        return -VOLUME_TOLERANCE_MWH <= stack.accepted_mwh - said <= VOLUME_TOLERANCE_MWH


_FIRST_RUN: Final[Reason] = "first_run"
_NULL: Final[Reason] = "null_figure"


def _asked(witness: Mapping[Side, Sequence[Statement]], stacks: HeldStacks) -> dict[Side, Sequence[Statement]]:
    """Return what a witness says of the sides that were to be had; of the others there is nothing to compare."""
    return {side: statements for side, statements in witness.items() if side in stacks.sides}


def _first_run(sums: StackSums) -> dict[UnitSubject, Reason]:
    return {unit: _FIRST_RUN for unit in sums.first_run_units if unit[2] is not None}


def _silent(sums: StackSums) -> dict[Subject, Reason]:
    return dict.fromkeys(sums.first_run_stacks, _FIRST_RUN)


def _whole(subject: Subject) -> Key:
    return (*subject, None, None, None)


def _accepted(facts: StackFacts | None) -> Decimal:
    return ZERO if facts is None else facts.accepted_mwh


def _totals_account(
    stacks: HeldStacks, witness: Mapping[int, SystemPrice] | None, finals: Mapping[int, datetime]
) -> Account:
    if witness is None:
        return Account({}, missing=dict.fromkeys(stacks.subjects, "no_witness"))
    amounts: dict[Key, Decimal] = {}
    unknown: dict[UnitSubject, Reason] = {}
    for period, side in stacks.subjects:
        price = witness.get(period)
        said = None if price is None else accepted_volume(price, side)
        if said is not None:
            amounts[_whole((period, side))] = said
        if price is None:
            unknown[period, side, None] = "not_published"
        elif price.created_at < finals[period]:
            unknown[period, side, None] = "first_run"
        elif said is None:
            unknown[period, side, None] = "null_figure"
    return Account(amounts, unknown)
