"""The dates of a flow run that goes through many: each is one task, named by it, so that the timeline shows dates."""

from collections.abc import Awaitable, Callable
from datetime import date

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.utilities.annotations import quote

from flows.states import state_of_end
from reingest.errors import Bug
from reingest.operations.ranges.report import DateEnd


@task(cache_policy=NO_CACHE, persist_result=False, task_run_name="{settlement_date}")
async def run_a_date(settlement_date: date, run_date: Callable[[], Awaitable[DateEnd]]) -> State[None]:  # noqa: ARG001
    """Run one date; its outcome is the task's state."""
    return state_of_end(await run_date())


async def date_as_task(settlement_date: date, run_date: Callable[[], Awaitable[DateEnd]]) -> DateEnd:
    """Run a date as a task, and return how it ended, which the task tells in words only."""
    ended: list[DateEnd] = []

    async def keep() -> DateEnd:
        ended.append(await run_date())
        return ended[0]

    # Quoted, so that Prefect does not walk through it; its types know no async task that returns a state.
    state = await run_a_date(settlement_date, quote(keep), return_state=True)  # type: ignore[misc]
    if not ended:
        await state.aresult()  # raises what the date raised
        raise Bug("a task ended, and its date did not", settlement_date=settlement_date)
    return ended[0]
