"""Two accounts of the same amounts, the stacks' and a witness's, and what setting them beside each other says."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain

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

    A date has some 14,000 amounts, and to look one up costs more than to subtract two: so all are set against each
    other in one go, and which of them cannot be compared is asked only where something is unknown.

    Raises:
        decimal.Inexact: a difference does not fit 160 digits.
    """
    only_heard = witness.amounts.keys() - stacks.amounts.keys()
    left = _left(stacks, witness, only_heard)
    units = _by_unit(left)
    _leave_unsaid(units, stacks, witness)
    keys = chain(stacks.amounts, only_heard) if units else ()
    compared = {key[:2] for key in keys if key not in left}
    return RuleVerdict(
        rule=rule,
        compared=len(stacks.amounts) + len(only_heard) - len(left),
        differences=tuple(_differences(rule, stacks, witness, known, left)),
        unverified=tuple(_unverified(rule, units, compared, known)),
    )


def _left(stacks: Account, witness: Account, only_heard: Collection[Key]) -> dict[Key, Reason]:
    """Return what cannot be compared, and why."""
    left: dict[Key, Reason] = {}
    if witness.missing or stacks.unknown or witness.unknown:
        unknown = {**witness.unknown, **stacks.unknown}
        keys = chain(stacks.amounts, only_heard)
        reasons = ((key, witness.missing.get(key[:2]) or unknown.get(key[:3])) for key in keys)
        left |= {key: reason for key, reason in reasons if reason is not None}
    only_said = stacks.amounts.keys() - witness.amounts.keys() if witness.silent else ()
    for one_sided, silent in ((only_said, witness.silent), (only_heard, stacks.silent)):
        left |= {key: silent[key[:2]] for key in one_sided if key[:2] in silent and key not in left}
    return left


def _by_unit(left: Mapping[Key, Reason]) -> dict[UnitSubject, Counter[Reason]]:
    units: dict[UnitSubject, Counter[Reason]] = defaultdict(Counter)
    for key, reason in left.items():
        units[key[:3]][reason] += 1
    return units


def _leave_unsaid(left: dict[UnitSubject, Counter[Reason]], stacks: Account, witness: Account) -> None:
    """Note what cannot be compared although neither says an amount of it: silence of both is no agreement."""
    for account in (stacks, witness):
        for unit, reason in account.unknown.items():
            left[unit][reason] = left[unit][reason] or 1
    noted = {(*subject[:2], reason) for subject, reasons in left.items() for reason in reasons}
    for account in (stacks, witness):
        for (period, side), reason in account.missing.items():
            if (period, side, reason) not in noted:
                left[period, side, None][reason] = 1


def _differences(
    rule: WitnessRule, stacks: Account, witness: Account, known: Circumstances, left: Collection[Key]
) -> Iterator[Difference]:
    said, heard = stacks.amounts, witness.amounts
    with exactly(EXACT_CASHFLOW):
        off = {key: amount - heard.get(key, ZERO) for key, amount in said.items()}
        off |= {key: ZERO - heard[key] for key in heard.keys() - said.keys()}
    differing = [key for key, amount in off.items() if not -rule.tolerance <= amount <= rule.tolerance]
    for key in sorted((key for key in differing if key not in left), key=_place):
        is_wind = key[2] in known.wind_units
        yield Difference(rule.name, *key, said.get(key), heard.get(key), off[key], is_wind, known.cause_of(key))


def _place(key: Key) -> tuple[int, str, str, int, int]:
    period, side, unit, acceptance, pair = key
    return period, side, unit or "", acceptance or 0, pair or 0


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
