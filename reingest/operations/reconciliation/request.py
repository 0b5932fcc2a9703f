"""What is asked of a reconciliation: by which policy, within which limits, how many dates at once."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from reingest.curtailment.checks import ChangeLimits
from reingest.errors import BadUsage
from reingest.settings import ReconcilePolicy, Settings


@dataclass(frozen=True, slots=True)
class ReconcileRequest:
    """A reconciliation as asked.

    Attributes:
        policy: `report` plans every date that is due, so that nothing served changes; `repair` re-ingests it.
        limits: How far a repair may move the served figures of a date; one beyond them is held for a person.
        jobs: How many dates at once.
        flow_run_id: The Prefect flow run that asks, if one does.
    """

    policy: ReconcilePolicy
    limits: ChangeLimits | None = None
    jobs: int = 1
    flow_run_id: UUID | None = None

    @property
    def repairs(self) -> bool:
        """Whether differences are mended, and not only reported."""
        return self.policy == "repair"


@dataclass(frozen=True, slots=True)
class AskedPolicy:
    """What a person says of the policy, in a command or a form; None, or no plan, leaves it to the settings.

    Attributes:
        plan: Only report, this once.
        within_payment: GBP, either way.
        within_energy: MWh, either way.
    """

    policy: ReconcilePolicy | None = None
    plan: bool = False
    within_payment: Decimal | None = None
    within_energy: Decimal | None = None


def reconcile_request(
    settings: Settings, asked: AskedPolicy, *, jobs: int = 1, flow_run_id: UUID | None = None
) -> ReconcileRequest:
    """Return what is asked, with the settings where nothing is said.

    Raises:
        BadUsage: a plan that repairs, limits where nothing is repaired, or a limit below zero.
    """
    limits = ChangeLimits(asked.within_payment, asked.within_energy)
    if asked.plan and asked.policy == "repair":
        raise BadUsage("a plan changes nothing, so it repairs nothing; leave one of the two out")
    policy = "report" if asked.plan else asked.policy or settings.reconcile_policy
    if policy == "report":
        if limits != ChangeLimits():
            raise BadUsage("limits are for repairs; without a repair there is nothing that could go beyond them")
        return ReconcileRequest(policy, jobs=jobs, flow_run_id=flow_run_id)
    if any(limit is not None and limit < 0 for limit in (limits.payment_gbp, limits.energy_mwh)):
        raise BadUsage("a limit is zero or more: it counts either way")
    return ReconcileRequest(policy, _limits(settings, limits), jobs=jobs, flow_run_id=flow_run_id)


def _limits(settings: Settings, asked: ChangeLimits) -> ChangeLimits | None:
    limits = ChangeLimits(
        payment_gbp=_either(asked.payment_gbp, settings.reconcile_within_gbp),
        energy_mwh=_either(asked.energy_mwh, settings.reconcile_within_mwh),
    )
    return None if limits == ChangeLimits() else limits


def _either(asked: Decimal | None, otherwise: Decimal | None) -> Decimal | None:
    return otherwise if asked is None else asked
