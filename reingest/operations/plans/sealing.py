"""Seal a plan: what a run found, and everything that it found it from."""

from collections.abc import Iterator
from typing import Literal

from reingest import __version__
from reingest.clock import utc_now
from reingest.curtailment.exact import exactly
from reingest.errors import Bug
from reingest.operations.date_run import DateRun, Progress
from reingest.operations.plans.document import (
    FORMAT,
    PlannedChange,
    PlannedDelta,
    PlannedExpectation,
    PlannedPayload,
    SealedPlan,
    expectation,
)
from reingest.operations.proofs.document import proven_totals
from reingest.operations.reingest import go_through, no_progress, open_date_run
from reingest.operations.report import DateReport
from reingest.operations.request import DateRequest
from reingest.settings import Settings
from reingest.store.fetches import fetches_by_id


async def plan_date(
    settings: Settings, database_url: str, request: DateRequest, progress: Progress = no_progress
) -> tuple[DateReport, SealedPlan]:
    """Plan a date, and seal the plan.

    Raises:
        ReingestError: what `reingest_date` raises.
    """
    async with open_date_run(settings, database_url, request, progress) as run:
        report = await go_through(run)
        return report, seal_plan(run)


def seal_plan(run: DateRun) -> SealedPlan:
    """Return what a planned run would do, with everything that it depends on."""
    facts, mining = run.require_facts(), run.mining_inputs
    if mining is None:
        raise Bug("a plan went through without mining inputs", settlement_date=run.settlement_date)
    return SealedPlan(
        format=FORMAT,
        settlement_date=run.settlement_date,
        made_at=utc_now(),
        run_id=str(run.run.id),
        periods=run.request.periods,
        sides=tuple(run.sides),
        force=run.request.force,
        reason=run.request.reason,
        basis_generation=run.basis_generation,
        basis_digest=run.current.content_hash,
        register_hash=run.require_register().hash,
        definitions=tuple(definition.named for definition in run.definitions),
        mining_hash=mining.hash,
        code_version=__version__,
        expected=tuple(expectations(run)),
        payloads=tuple(_payloads(run)),
        decision=run.decision,
        failed=tuple(check.name for check in run.failed_checks),
        verification=run.verification,
        content_digest=facts.content_hash,
        totals=proven_totals(facts.totals, facts.content.mining),
        change=_change(run),
    )


def expectations(run: DateRun) -> Iterator[PlannedExpectation]:
    """Yield the totals that a run is held to, those of its request and those that are stored."""
    asked = {total.definition for total in run.request.expected}
    for total in run.expected:
        origin: Literal["asked", "stored"] = "asked" if total.definition in asked else "stored"
        yield expectation(total, origin)


def _payloads(run: DateRun) -> Iterator[PlannedPayload]:
    carried = {fetched.fetch_id: fetched.carried for fetched in run.fetched.values() if fetched.fetch_id is not None}
    prices = [] if run.system_prices_fetch_id is None else [run.system_prices_fetch_id]
    for fetch in fetches_by_id(run.connection, [*carried, *prices, *run.witness_fetch_ids]):
        yield PlannedPayload(
            dataset=fetch.dataset,
            period=fetch.period,
            side=fetch.side,
            wire=fetch.wire,
            sha256=fetch.payload_sha256,
            fetch_id=fetch.id,
            carried=carried.get(fetch.id, False),
        )


def _change(run: DateRun) -> PlannedChange | None:
    if run.diff is None or run.current.id is None:
        return None
    days = {one.definition: one for one in run.outlook if one.span == "day"}
    with exactly():
        totals = {
            name: PlannedDelta(
                energy_mwh=one.new.energy_mwh - one.served.energy_mwh,
                payment_gbp=one.new.payment_gbp - one.served.payment_gbp,
            )
            for name, one in days.items()
            if one.served is not None
        }
    return PlannedChange(
        totals=totals, added=len(run.diff.added), removed=len(run.diff.removed), changed=len(run.diff.changed)
    )
