"""The rules by which witnesses are heard: which identities are checked, from when on, and how far off is still equal.

A named, versioned set, recorded with each verdict, so that a calibration on live data becomes a set of another name and
leaves it known by which rules an older date was judged.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final, Literal

from reingest.curtailment.outcomes import FIRST_RUN_ENDS

WitnessDataset = Literal["BOAV", "DISEBSP", "EBOCF"]
RuleName = Literal["acceptance_volumes", "accepted_totals", "cashflows"]

Verification = Literal["verified", "unverified", "differs"]
"""What witnesses say of a date or of a rule: `verified` where all agree, `differs` where any contradicts, else
`unverified`. What could not be compared is never a pass."""

VERIFICATIONS: Final[tuple[Verification, ...]] = ("verified", "unverified", "differs")


@dataclass(frozen=True, slots=True)
class WitnessRule:
    """One identity between the stack and a witness.

    Attributes:
        name: Stable, for machines.
        dataset: Elexon's name of the witness.
        unit: What is compared is in.
        tolerance: How far off it may be, either way; inclusive.
        describe: One sentence for people.
    """

    name: RuleName
    dataset: WitnessDataset
    unit: Literal["MWh", "GBP"]
    tolerance: Decimal
    describe: str


@dataclass(frozen=True, slots=True)
class WitnessRules:
    """A set of rules, to be named wherever its verdict is.

    Attributes:
        name: What the set is called; another tolerance or another rule is another name.
        final_after: From a period's start: only what was calculated then or later, on both sides, is compared.
        acceptance_volumes: Volume by BM unit, acceptance and pair.
        accepted_totals: Accepted volume by period.
        cashflows: Cashflow by BM unit and pair.
    """

    name: str
    final_after: timedelta
    acceptance_volumes: WitnessRule
    accepted_totals: WitnessRule
    cashflows: WitnessRule

    @property
    def rules(self) -> tuple[WitnessRule, ...]:
        """The rules, in the order in which a verdict lists them."""
        return (self.acceptance_volumes, self.accepted_totals, self.cashflows)


VOLUME_TOLERANCE_MWH: Final = Decimal("0.000001")
CASHFLOW_TOLERANCE_GBP: Final = Decimal("0.01")

WITNESS_RULES_V0: Final = WitnessRules(
    name="v0",
    final_after=FIRST_RUN_ENDS,
    acceptance_volumes=WitnessRule(
        name="acceptance_volumes",
        dataset="BOAV",
        unit="MWh",
        tolerance=VOLUME_TOLERANCE_MWH,
        describe="Volume by period, side, BM unit, acceptance and pair is BOAV's pair volume.",
    ),
    accepted_totals=WitnessRule(
        name="accepted_totals",
        dataset="DISEBSP",
        unit="MWh",
        tolerance=VOLUME_TOLERANCE_MWH,
        describe="Volume of all rows with an acceptance by period and side is DISEBSP's accepted total.",
    ),
    cashflows=WitnessRule(
        name="cashflows",
        dataset="EBOCF",
        unit="GBP",
        tolerance=CASHFLOW_TOLERANCE_GBP,
        describe="Volume times originalPrice times TLM by period, side, BM unit and pair is EBOCF's pair cashflow.",
    ),
)
"""The identities of Elexon's settlement, not yet calibrated on live data."""
