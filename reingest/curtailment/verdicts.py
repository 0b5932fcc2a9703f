"""What witnesses say of a date: where they agree, where they contradict and by how much, and what nobody could tell."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from reingest.curtailment.witness_rules import RuleName, Verification, WitnessRule
from reingest.curtailment.words import Side

Reason = Literal["no_witness", "not_published", "not_fetched", "first_run", "contradicting", "no_unit", "null_figure"]

REASONS: Final[dict[Reason, str]] = {
    "no_witness": "the witness could not be had",
    "not_published": "the witness says nothing of the period",
    "not_fetched": "the stack was not had",
    "first_run": "it was calculated before its period's final run, or does not say when",
    "contradicting": "the witness says it twice, and each time otherwise",
    "no_unit": "the witness does not say of which BM unit it is",
    "null_figure": "a price, a loss multiplier or a total is null, so that the figure is unknown",
}
"""Why something could not be compared, in one line each."""

Cause = Literal["rejected", "carried"]
"""What may have caused a difference and is said elsewhere: a row was rejected, or the stack is of an earlier fetch."""


class Difference(NamedTuple):
    """One contradiction between the stacks and a witness.

    Attributes:
        rule: By which rule it was found.
        period: Settlement period.
        side: The stack.
        bm_unit: Elexon BM unit id; None where the rule is about all units together.
        acceptance_id: The acceptance; None where the rule is not by acceptance.
        pair_id: The bid-offer pair; None where the rule is not by pair.
        stack: What the stack's rows come to, in the rule's unit; None where it has none.
        witness: What the witness says; None where it says nothing of it.
        difference: Stack minus witness, exactly; nothing counts as zero.
        is_wind: Whether the unit is a wind unit.
        cause: What may have caused it and is said elsewhere; None where nothing explains it.
    """

    rule: RuleName
    period: int
    side: Side
    bm_unit: str | None
    acceptance_id: int | None
    pair_id: int | None
    stack: Decimal | None
    witness: Decimal | None
    difference: Decimal
    is_wind: bool
    cause: Cause | None


class Unverified(NamedTuple):
    """What could not be compared, and why.

    Attributes:
        rule: By which rule.
        period: Settlement period.
        side: The stack.
        bm_unit: Elexon BM unit id; None where it is the whole stack, or nobody says whose it is.
        reason: A word of `REASONS`.
        amounts: How many amounts, at least 1.
        is_wind: Whether the unit is a wind unit.
    """

    rule: RuleName
    period: int
    side: Side
    bm_unit: str | None
    reason: Reason
    amounts: int
    is_wind: bool


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """What one witness says by one rule.

    Attributes:
        rule: The rule.
        compared: How many amounts were compared, those that differ among them.
        differences: All contradictions, by period, side, unit, acceptance and pair.
        unverified: All that could not be compared, in the same order.
    """

    rule: WitnessRule
    compared: int
    differences: tuple[Difference, ...]
    unverified: tuple[Unverified, ...]

    @property
    def status(self) -> Verification:
        """`verified` only where something was compared, all of it agrees and nothing was left."""
        if self.differences:
            return "differs"
        return "unverified" if self.unverified or not self.compared else "verified"

    @property
    def not_compared(self) -> Mapping[Reason, int]:
        """How many amounts could not be compared, by reason."""
        counted: Counter[Reason] = Counter()
        for one in self.unverified:
            counted[one.reason] += one.amounts
        return counted


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all witnesses say of a date.

    Attributes:
        rules: The name of the set of rules.
        verdicts: One for each rule, in the set's order.
    """

    rules: str
    verdicts: tuple[RuleVerdict, ...]

    @property
    def status(self) -> Verification:
        """`differs` where any rule does, `verified` where all are, else `unverified`."""
        found = {verdict.status for verdict in self.verdicts}
        if "differs" in found:
            return "differs"
        return "verified" if found == {"verified"} else "unverified"

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Every contradiction, rule by rule."""
        return tuple(one for verdict in self.verdicts for one in verdict.differences)

    @property
    def unverified(self) -> tuple[Unverified, ...]:
        """Everything that could not be compared, rule by rule."""
        return tuple(one for verdict in self.verdicts for one in verdict.unverified)

    def by(self, rule: RuleName) -> RuleVerdict:
        """Return the verdict of one rule."""
        return next(verdict for verdict in self.verdicts if verdict.rule.name == rule)
