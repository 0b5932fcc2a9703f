"""What is in a sealed plan. Its format never changes under its number.

| member | meaning |
|---|---|
| `format` | `reingest-plan 1` |
| `settlement_date`, `made_at`, `run_id` | the date, and when and by which run the plan was made |
| `periods`, `sides`, `force`, `reason` | what was asked; `periods` is null for the whole date |
| `basis_generation`, `basis_digest` | the date's generation, and the content digest that it served; null where none |
| `register_hash`, `definitions`, `mining_hash`, `code_version` | what the figures were made with, beside the payloads |
| `expected` | the totals that the date had to come to; `origin` is `asked` where the command line said so |
| `payloads` | each payload with its fetch; `carried` where it is the served version's own |
| `decision` | what a run would do: publish, hold or unchanged; `failed` names the checks that would hold it |
| `verification` | what the witnesses among the payloads make of it: verified, unverified or differs |
| `content_digest`, `totals` | what the payloads come to |
| `change` | totals less those served, and records added, removed and changed; null where nothing is served |
| `sha256` | the hash of all the rest |
"""

from datetime import date, datetime
from typing import Final, Literal

from reingest.curtailment.checks import ExpectedTotal
from reingest.curtailment.exact import plain
from reingest.curtailment.witness_rules import Verification
from reingest.curtailment.words import DefinitionName, Side
from reingest.operations.proofs.document import ProvenPayload, ProvenTotals
from reingest.operations.sealed_files import Exact, Sealed, Sha256

FORMAT: Final = "reingest-plan 1"


class PlannedPayload(ProvenPayload):
    """A payload of the plan, with the fetch that gave it; `carried` where it is the served version's own."""

    fetch_id: int
    carried: bool


class PlannedExpectation(Sealed):
    """A total that the date must come to: MWh and GBP, null where not checked, and how far off each may be."""

    origin: Literal["asked", "stored"]
    definition: DefinitionName
    energy_mwh: Exact | None
    payment_gbp: Exact | None
    energy_tolerance_mwh: Exact
    payment_tolerance_gbp: Exact

    def __str__(self) -> str:
        """Return it for people."""
        energy = self.energy_mwh is not None and f"{plain(self.energy_mwh)} ± {plain(self.energy_tolerance_mwh)} MWh"
        payment = (
            self.payment_gbp is not None and f"{plain(self.payment_gbp)} ± {plain(self.payment_tolerance_gbp)} GBP"
        )
        return " ".join(part for part in (self.definition, energy, payment) if part)

    @property
    def total(self) -> ExpectedTotal:
        """The expectation as a check takes it."""
        return ExpectedTotal(
            definition=self.definition,
            energy_mwh=self.energy_mwh,
            payment_gbp=self.payment_gbp,
            energy_tolerance_mwh=self.energy_tolerance_mwh,
            payment_tolerance_gbp=self.payment_tolerance_gbp,
        )


class PlannedDelta(Sealed):
    """What a total changes by: MWh and GBP."""

    energy_mwh: Exact
    payment_gbp: Exact


class PlannedChange(Sealed):
    """What the plan would change of what is served."""

    totals: dict[DefinitionName, PlannedDelta]
    added: int
    removed: int
    changed: int


class SealedPlan(Sealed):
    """A sealed plan; see the module."""

    format: Literal["reingest-plan 1"]
    settlement_date: date
    made_at: datetime
    run_id: str
    periods: tuple[int, ...] | None
    sides: tuple[Side, ...]
    force: bool
    reason: str | None
    basis_generation: int
    basis_digest: Sha256 | None
    register_hash: str
    definitions: tuple[str, ...]
    mining_hash: Sha256
    code_version: str
    expected: tuple[PlannedExpectation, ...]
    payloads: tuple[PlannedPayload, ...]
    decision: Literal["publish", "hold", "unchanged"]
    failed: tuple[str, ...]
    verification: Verification
    content_digest: Sha256
    totals: dict[DefinitionName, ProvenTotals]
    change: PlannedChange | None


def expectation(total: ExpectedTotal, origin: Literal["asked", "stored"]) -> PlannedExpectation:
    """Return an expectation as a plan has it."""
    return PlannedExpectation(
        origin=origin,
        definition=total.definition,
        energy_mwh=total.energy_mwh,
        payment_gbp=total.payment_gbp,
        energy_tolerance_mwh=total.energy_tolerance_mwh,
        payment_tolerance_gbp=total.payment_tolerance_gbp,
    )
