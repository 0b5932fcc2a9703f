"""The stages of a date, in order: the same list is planned, executed, and wrapped by the Prefect flow.

    lease ─► fetch ─► derive ─► diff ─► verify ─► stage ─► publish

A run that applies a sealed plan reads its payloads instead of asking, and is compared with it before it stages.

A plan runs the stages up to `verify` and stops, so it cannot differ from a run: it writes archive files, fetch rows
and its own run row, and changes nothing that is stored or served of the date.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from reingest.curtailment.definitions import definitions_for
from reingest.curtailment.diff import NO_DIFFERENCE, RecordDiff, diff_records
from reingest.curtailment.records import CurtailmentRecord
from reingest.operations.date_run import DateRun
from reingest.operations.doctor.precheck import precheck
from reingest.operations.facts import derive_facts, mining_inputs, require_periods
from reingest.operations.fetching import fetch_date
from reingest.operations.hearing import hear_witnesses
from reingest.operations.outbox.delivering import know_configured_sinks
from reingest.operations.outlook import outlook_of
from reingest.operations.plans.applying import compare_basis, require_planned
from reingest.operations.publishing import publish_decision, stage_decision
from reingest.operations.staging.taking import find_staged
from reingest.operations.units import register_for
from reingest.operations.verifying import decide, verify_date
from reingest.operations.waiting import lease_in_turn
from reingest.store.expected import expected_totals
from reingest.store.mining_inputs import miner_models
from reingest.store.runs import add_run_events
from reingest.store.versions import abandon_leftovers, current_version, records_of


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a date.

    Attributes:
        describe: What it does, for people.
        planned: Whether a plan runs it too.
        sealed: Whether only a run that applies a sealed plan has it.
    """

    name: str
    describe: str
    act: Callable[[DateRun], Awaitable[None]]
    planned: bool = True
    sealed: bool = False


async def take_lease(run: DateRun) -> None:
    """Take the date's lease for the run, waiting for it if asked, and abandon what dead runs left open.

    Raises:
        Locked: another live run holds the date.
    """
    run.lease = await lease_in_turn(run)
    leftovers = abandon_leftovers(run.connection, run.settlement_date)
    if leftovers:
        run.note(f"{leftovers} version(s) left open by a run that died were abandoned")


async def read_basis(run: DateRun) -> None:
    """Read what the run builds on: the served version, register, mining inputs and expected totals.

    Raises:
        StagedIncomplete: what is staged is to be published, and a period is missing.
    """
    run.current = current_version(run.connection, run.settlement_date)
    _precheck(run)
    if run.request.source == "staged":
        find_staged(run)
    else:
        run.sides = run.request.sides_with(run.current)
    run.register = await register_for(run)
    run.mining_inputs = mining_inputs(
        run.settlement_date, run.services.difficulty.epochs(run.connection), miner_models(run.connection)
    )
    stored = expected_totals(run.connection, run.settlement_date)
    asked = {total.definition for total in run.request.expected}
    # What is said on the command line stands in for what is stored by the same definition.
    run.expected = (*run.request.expected, *(total for total in stored if total.definition not in asked))
    compare_basis(run)


def _precheck(run: DateRun) -> None:
    """Look at what is served before anything is built on it; what is wrong is said, and stops nothing."""
    checked = precheck(run.connection, run.settlement_date)
    for sentence in checked.sentences:
        run.note(sentence)
    add_run_events(run.connection, run.run, [("basis", "precheck", checked.as_detail())])


async def derive(run: DateRun) -> None:
    """Derive the date's facts from its payloads, then hear its witnesses.

    Raises:
        PartialDate: some periods could not be had; what was fetched is kept.
        SourceError: none could be had; the first period's own error.
    """
    _derive(run)
    run.release_stacks()
    hear_witnesses(run)


def _derive(run: DateRun) -> None:
    """Derive the facts; the inputs, which hold the stacks too, end with this."""
    inputs = run.inputs
    run.facts = derive_facts(inputs)
    require_periods(inputs, run.facts)


async def compare(run: DateRun) -> None:
    """Compare the facts with what is served, row by row; where nothing is, there is nothing to differ from."""
    if run.current.id is None:
        run.diff = NO_DIFFERENCE
    elif run.says_the_same:
        run.diff = NO_DIFFERENCE  # `verify` looks whether the stored rows are what was published
    else:
        run.diff = _difference_from(run, records_of(run.connection, run.current.id))
    run.outlook = outlook_of(run)


def _difference_from(run: DateRun, old: Sequence[CurtailmentRecord]) -> RecordDiff:
    both = set(run.sides) & set(run.current.sides or run.sides)
    return diff_records(old, run.require_facts().content.records, definitions_for(both))


async def verify(run: DateRun) -> None:
    """Check the facts, and decide what becomes of them."""
    verify_date(run)
    decide(run)
    if run.decision == "publish" and run.says_the_same and run.current.id is not None:
        # The stored rows may not be what was published: then these differ, though the content is the same.
        run.diff = _difference_from(run, records_of(run.connection, run.current.id))


async def hold_to_plan(run: DateRun) -> None:
    """Let nothing be published but what the sealed plan says.

    Raises:
        PlanMoved: something is not as it was when the plan was made; it names everything.
    """
    require_planned(run)


async def stage(run: DateRun) -> None:
    """Write the candidate beside the served version, unless there is nothing to write."""
    run.still_ours()
    stage_decision(run)


async def publish(run: DateRun) -> None:
    """Publish, hold or confirm, as decided."""
    run.still_ours()
    know_configured_sinks(run.settings, run.connection)
    publish_decision(run)


STAGES: Final = (
    Stage("lease", "take the right to change the date", take_lease, planned=False),
    Stage("basis", "read what is served now, the register, the mining inputs, the expected totals", read_basis),
    Stage("fetch", "ask Elexon, archive every answer, read it", fetch_date),
    Stage("derive", "records, period outcomes, totals, mining", derive),
    Stage("diff", "compare with the served version", compare),
    Stage("verify", "check, and decide", verify),
    Stage("sealed", "compare with the sealed plan", hold_to_plan, planned=False, sealed=True),
    Stage("stage", "write the candidate beside the served version", stage, planned=False),
    Stage("publish", "swap it in, hold it, or confirm the served one", publish, planned=False),
)


def stages_of(run: DateRun) -> tuple[Stage, ...]:
    """Return the stages that this run goes through."""
    request = run.request
    return tuple(
        stage
        for stage in STAGES
        if (stage.planned or not request.plan) and (request.sealed is not None or not stage.sealed)
    )
