"""Two accounts of the same amounts, the stacks' and a witness's, and what setting them beside each other says."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from reingest.curtailment.exact import EXACT_CASHFLOW, ZERO, exactly
from reingest.curtailment.stack_facts import Subject
from reingest.curtailment.stack_sums import Key, UnitSubject
from reingest.curtailment.verdicts import Cause, Difference, Reason, RuleVerdict, Unverified
from reingest.curtailment.witness_rules import WitnessRule


@dataclass(frozen=True, slots=True)
class Account:
    """What one source says of a date's amounts.

    Attributes:
        amounts: What it says of each, MWh or GBP.
        unknown: Units of which it cannot be taken at its word, and why.
        silent: Stacks in which its saying nothing of an amount proves nothing, and why.
        missing: Stacks that it could not be asked about at all, and why.
    """

    amounts: Mapping[Key, Decimal]
    unknown: Mapping[UnitSubject, Reason] = field(default_factory=dict)
    silent: Mapping[Subject, Reason] = field(default_factory=dict)
    missing: Mapping[Subject, Reason] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of the stacks beside their amounts.

    Attributes:
        wind_units: The BM unit ids that count as wind.
        rejected: Units of which a row was rejected; None for a row that names none.
        carried: Stacks that are not of this fetch.
    """

    wind_units: Collection[str]
    rejected: frozenset[UnitSubject]
    carried: Collection[Subject]

    def cause_of(self, key: Key) -> Cause | None:
        """Return what may have caused a difference and is said elsewhere."""
        period, side, unit = key[:3]
        if (period, side) in self.carried:
            return "carried"
        if unit is None:
            return "rejected" if (period, side) in {rejected[:2] for rejected in self.rejected} else None
        return "rejected" if {(period, side, unit), (period, side, None)} & self.rejected else None


def compare(rule: WitnessRule, stacks: Account, witness: Account, known: Circumstances) -> RuleVerdict:
    """Return what the witness says of the stacks; an amount that one of them leaves out counts as zero there.

    Raises:
        decimal.Inexact: a difference does not fit 160 digits.
    """
    compared: list[Key] = []
    left: dict[UnitSubject, Counter[Reason]] = defaultdict(Counter)
    for key in sorted(stacks.amounts.keys() | witness.amounts.keys(), key=_place):
        reason = _reason(key, stacks, witness)
        if reason is None:
            compared.append(key)
        else:
            left[key[:3]][reason] += 1
    _leave_unsaid(left, stacks, witness)
    return RuleVerdict(
        rule=rule,
        compared=len(compared),
        differences=tuple(_differences(rule, compared, stacks, witness, known)),
        unverified=tuple(_unverified(rule, left, {key[:2] for key in compared}, known)),
    )


def _place(key: Key) -> tuple[int, str, str, int, int]:
    period, side, unit, acceptance, pair = key
    return period, side, unit or "", acceptance or 0, pair or 0


def _reason(key: Key, stacks: Account, witness: Account) -> Reason | None:
    """Say why the amount cannot be compared, None where it can."""
    subject, unit = key[:2], key[:3]
    reason = witness.missing.get(subject) or stacks.unknown.get(unit) or witness.unknown.get(unit)
    if reason is None and key not in witness.amounts:
        reason = witness.silent.get(subject)
    if reason is None and key not in stacks.amounts:
        reason = stacks.silent.get(subject)
    return reason


def _leave_unsaid(left: dict[UnitSubject, Counter[Reason]], stacks: Account, witness: Account) -> None:
    """Note what cannot be compared although neither says an amount of it: silence of both is no agreement."""
    for account in (stacks, witness):
        for unit, reason in account.unknown.items():
            left[unit][reason] = left[unit][reason] or 1
        for (period, side), reason in account.missing.items():
            if not any(reason in reasons for subject, reasons in left.items() if subject[:2] == (period, side)):
                left[period, side, None][reason] = 1


def _differences(
    rule: WitnessRule, compared: Collection[Key], stacks: Account, witness: Account, known: Circumstances
) -> Iterator[Difference]:
    with exactly(EXACT_CASHFLOW):
        for key in compared:
            said, heard = stacks.amounts.get(key), witness.amounts.get(key)
            difference = (said or ZERO) - (heard or ZERO)
            if not -rule.tolerance <= difference <= rule.tolerance:
                is_wind = key[2] in known.wind_units
                yield Difference(rule.name, *key, said, heard, difference, is_wind, known.cause_of(key))


def _unverified(
    rule: WitnessRule,
    left: Mapping[UnitSubject, Counter[Reason]],
    compared: Collection[Subject],
    known: Circumstances,
) -> Iterator[Unverified]:
    """Yield what was left, a stack of which nothing was compared as one where a single reason says it all."""
    stacks: dict[Subject, list[Unverified]] = defaultdict(list)
    for (period, side, unit), reasons in left.items():
        for reason, amounts in reasons.items():
            is_wind = unit in known.wind_units
            stacks[period, side].append(Unverified(rule.name, period, side, unit, reason, amounts, is_wind))
    for (period, side), found in sorted(stacks.items()):
        if (period, side) in compared or len(found) == 1 or len({one.reason for one in found}) > 1:
            yield from sorted(found, key=lambda one: (one.bm_unit or "", one.reason))
        else:
            amounts, is_wind = sum(one.amounts for one in found), any(one.is_wind for one in found)
            yield Unverified(rule.name, period, side, None, found[0].reason, amounts, is_wind)
