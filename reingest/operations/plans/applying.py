"""Apply a sealed plan: the stages of a date, from the payloads that the plan names, to exactly what it says, or not.

Whatever is not as it was when the plan was made is collected on the way, and told all at once, before anything is
written.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, get_args

from reingest import __version__
from reingest.elexon.requests import WitnessDataset
from reingest.errors import ArchiveError, BadUsage, PayloadRejected, PlanMoved
from reingest.operations.archived import read_archived, take_archived_prices
from reingest.operations.date_inputs import MiningInputs
from reingest.operations.date_run import DateRun
from reingest.operations.plans.document import PlannedPayload, SealedPlan, expectation
from reingest.operations.request import DateRequest
from reingest.store.contents import version_facts
from reingest.store.fetches import Fetch, fetches_by_id
from reingest.store.mining_inputs import rates_of_version
from reingest.store.seals import payloads_of_version
from reingest.store.units import register_named

_WITNESSES: Final[tuple[WitnessDataset, ...]] = get_args(WitnessDataset)
_BUILT_FROM: Final = frozenset({"ISPSTACK", "DISEBSP"})
"""The datasets whose payloads a version is built from; witnesses judge it."""


def request_of(plan: SealedPlan, wait_seconds: float = 0) -> DateRequest:
    """Return the request that applies a plan, waiting so long for another run of the date to end.

    Raises:
        BadUsage: the plan is one to hold the date.
    """
    if plan.decision == "hold":
        raise BadUsage(
            f"the plan found that the date would be held by {', '.join(plan.failed)}; a hold is not applied: "
            "`reingest date` holds the version, and `reingest publish` publishes it, with a reason",
            settlement_date=plan.settlement_date,
            next_command="reingest date {date}",
        )
    return DateRequest(
        settlement_date=plan.settlement_date,
        periods=plan.periods,
        sides=plan.sides,
        source="archive",
        expected=tuple(one.total for one in plan.expected if one.origin == "asked"),
        reason=plan.reason,
        force=plan.force,
        wait_seconds=wait_seconds,
        sealed=plan,
    )


def compare_basis(run: DateRun) -> None:
    """Note what moved of what a plan was made from; where the plan was applied before, build on what that used."""
    plan = run.request.sealed
    if plan is None:
        return
    run.note(f"this applies the plan of {plan.made_at:%Y-%m-%d %H:%M:%SZ}")
    if _was_applied(run, plan):
        run.note(f"the plan was applied before, as version {run.current.number}")
        return
    run.moved += [f"{what}: {then} in the plan, {now} now" for what, then, now in _basis(run, plan) if then != now]


def take_planned(run: DateRun, plan: SealedPlan) -> None:
    """Read the payloads of a plan into the run.

    Raises:
        PlanMoved: one of them is missing, altered, or cannot be read any more.
    """
    fetches = {fetch.id: fetch for fetch in fetches_by_id(run.connection, [one.fetch_id for one in plan.payloads])}
    lost: defaultdict[str, list[PlannedPayload]] = defaultdict(list)
    for one in plan.payloads:
        if (fault := _take(run, one, fetches)) is not None:
            lost[fault].append(one)
    if lost:
        raise _moved(run, [f"{_first_of(payloads)}: {fault}" for fault, payloads in lost.items()])


def require_planned(run: DateRun) -> None:
    """Let a run go on to publish only what its plan says.

    Raises:
        PlanMoved: something is not as it was; it names everything.
    """
    plan = run.request.sealed
    if plan is None:
        return
    found = run.require_facts().content_hash
    moved = [] if found == plan.content_digest else [f"the content: {plan.content_digest} in the plan, {found} now"]
    if run.verification != plan.verification:
        moved.append(f"what the witnesses make of it: {plan.verification} in the plan, {run.verification} now")
    moved += [f"the check {one.name} fails: {one.actual}, expected {one.expected}" for one in run.failed_checks]
    if run.moved or moved:
        raise _moved(run, moved)


def _moved(run: DateRun, also: list[str]) -> PlanMoved:
    return PlanMoved(moved=[*run.moved, *also], settlement_date=run.settlement_date)


def _basis(run: DateRun, plan: SealedPlan) -> Iterator[tuple[str, object, object]]:
    yield "the date's generation", plan.basis_generation, run.basis_generation
    yield "what the date serves", plan.basis_digest or "nothing", run.current.content_hash or "nothing"
    yield "the register", plan.register_hash, run.require_register().hash
    yield "the definitions", _listed(plan.definitions), _listed(one.named for one in run.definitions)
    yield "the mining inputs", plan.mining_hash, run.mining_inputs.hash if run.mining_inputs else "none"
    yield "Reingest", plan.code_version, __version__
    then = sorted(str(expectation(one.total, "stored")) for one in plan.expected)
    now = sorted(str(expectation(one, "stored")) for one in run.expected)
    yield "the expected totals", _listed(then), _listed(now)


def _was_applied(run: DateRun, plan: SealedPlan) -> bool:
    """Tell whether the date serves what the plan says, published from the plan's own basis and payloads.

    Then the run builds on what that version names, so that it finds it unchanged whatever has moved since.
    """
    current = run.current
    if current.id is None or current.number is None or current.content_hash != plan.content_digest:
        return False
    named = {one.named for one in plan.payloads if one.dataset in _BUILT_FROM}
    served = {one for one in payloads_of_version(run.connection, current.id) if one.dataset in _BUILT_FROM}
    if current.generation != plan.basis_generation + 1 or served != named:
        return False
    version = version_facts(run.connection, run.settlement_date, current.number)
    register = register_named(run.connection, version.register_id, version.register_hash)
    if register is None:
        return False
    known = version.mining_state == "available"
    rates = rates_of_version(run.connection, current.id, run.settlement_date) if known else None
    run.register, run.mining_inputs = register, MiningInputs(rates, version.mining_inputs_hash)
    run.expected = tuple(one.total for one in plan.expected)
    run.request = replace(run.request, force=False)
    return True


def _take(run: DateRun, planned: PlannedPayload, fetches: Mapping[int, Fetch]) -> str | None:
    """Read one payload into the run; return what is wrong with it, if anything is."""
    fetch = fetches.get(planned.fetch_id)
    if fetch is None or (fetch.dataset, fetch.period, fetch.side, fetch.payload_sha256) != (
        planned.dataset, planned.period, planned.side, planned.sha256,
    ):  # fmt: skip
        return "this database has no such fetch"
    try:
        _read_into(run, fetch, carried=planned.carried)
    except (ArchiveError, PayloadRejected) as error:
        return str(error)
    return None


def _read_into(run: DateRun, fetch: Fetch, *, carried: bool) -> None:
    """Read an archived answer into the run: a stack, a witness, or the system prices.

    Raises:
        ArchiveError: the payload is missing or altered.
        PayloadRejected: it cannot be read any more.
    """
    if fetch.dataset == "ISPSTACK":
        stack = replace(read_archived(run.archive, run.settlement_date, fetch), carried=carried)
        if isinstance(stack.error, PayloadRejected):
            raise stack.error
        run.add([stack])
    elif fetch.dataset in _WITNESSES and fetch.side is not None:
        run.archive.get(fetch.payload_sha256)  # it is there; what it says is heard when the facts are derived
        run.witness_fetch_ids.append(fetch.id)
    else:
        take_archived_prices(run, [fetch])


def _first_of(payloads: Sequence[PlannedPayload]) -> str:
    """Return the first of some payloads in words, and how many others there are: empty answers are often one."""
    others = len(payloads) - 1
    return f"{payloads[0]} and {others} more" if others else str(payloads[0])


def _listed(values: Iterable[str]) -> str:
    return ", ".join(values) or "none"
