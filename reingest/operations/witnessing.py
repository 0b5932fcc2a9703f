"""Witnesses: the whole-day BOAV and EBOCF of each side, asked while the stacks are.

They make none of the date's figures, so a run can do without them: whatever befalls one is said, and leaves unverified
what it would have proved. It never ends the run, and never passes for a proof. They are long, so they are kept in the
archive, and read only when the facts are derived and the stacks let go of.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from reingest.curtailment.words import Side
from reingest.elexon.client import ElexonClient
from reingest.elexon.requests import WitnessDataset, witness_request
from reingest.errors import SourceError
from reingest.operations.answer_keeper import AnswerKeeper
from reingest.operations.date_run import DateRun
from reingest.operations.witness_datasets import datasets_of


@asynccontextmanager
async def witnesses_beside(run: DateRun, client: ElexonClient, keeper: AnswerKeeper) -> AsyncIterator[None]:
    """Ask the run's witnesses while the block runs; after it they are waited for as long as the settings say.

    Raises:
        ArchiveError: the archive cannot be written.
        DatabaseUnreachable: Postgres cannot be reached.
    """
    asking = _Asking(run, client, keeper)
    tasks = [asyncio.create_task(asking.ask_side(side)) for side in run.sides]
    try:
        yield
        await asyncio.wait(tasks, timeout=run.settings.witness_patience_seconds)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for dataset, side in asking.open:
        waited = run.settings.witness_patience_seconds
        run.note(f"{dataset} of the {side} side was not there {waited:g} s after the stacks; nothing is verified by it")


@dataclass
class _Asking:
    """The witnesses that a run asks for; two are under way at most, so that few of their long answers are in memory."""

    run: DateRun
    client: ElexonClient
    keeper: AnswerKeeper
    open: list[tuple[WitnessDataset, Side]] = field(init=False)

    def __post_init__(self) -> None:
        wanted = datasets_of(self.run.settings, with_disptav=self.run.request.with_disptav)
        self.open = [(dataset, side) for side in self.run.sides for dataset in wanted]

    async def ask_side(self, side: Side) -> None:
        """Ask a side's witnesses, one after the other."""
        for dataset, of_side in tuple(self.open):
            if of_side == side:
                await self._ask(dataset, side)
                self.open.remove((dataset, side))

    async def _ask(self, dataset: WitnessDataset, side: Side) -> None:
        run = self.run
        try:
            answer = await self.client.ask(witness_request(dataset, run.settlement_date, side), dispensable=True)
            fetch_id = await self.keeper.keep(answer)
            answer.require_ok()
        except SourceError as error:
            run.note(
                f"{dataset} of the {side} side could not be had ({error.code}: {error}); nothing is verified by it"
            )
            return
        self.keeper.is_read_later(fetch_id)
        run.witness_fetch_ids.append(fetch_id)
