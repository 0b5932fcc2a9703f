"""The desk where answers are staged: each by itself, as soon as it was read, so that a kill loses none that was."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from reingest.curtailment.outcomes import judge_period
from reingest.curtailment.stack_facts import Subject
from reingest.curtailment.words import PeriodOutcome
from reingest.elexon.system_prices import SystemPrice
from reingest.operations.date_inputs import FetchedStack
from reingest.store.database import Connection
from reingest.store.staging import StagedOutcome, stage_answer

_STAGED: Final[Mapping[PeriodOutcome, StagedOutcome]] = {
    "fetched": "fetched",
    "confirmed_empty": "confirmed_empty",
    "not_published": "not_published",
}


@dataclass
class StagingDesk:
    """Stages the answers of one run.

    Attributes:
        connection: Where they are staged; the run's own is the intake's while requests are under way.
        prices: DISEBSP by period, which judges empty answers; None where it could not be had.
        staged: What was staged, with what was made of it.
        refused: What came and was not staged, and why.
    """

    connection: Connection
    run_id: UUID
    prices: Mapping[int, SystemPrice] | None = None
    staged: dict[Subject, StagedOutcome] = field(default_factory=dict)
    refused: dict[Subject, str] = field(default_factory=dict)

    def take(self, fetched: FetchedStack) -> None:
        """Stage an answer, unless it failed, or is empty where the system prices say that it cannot be."""
        subject = (fetched.period, fetched.side)
        if fetched.stack is None or fetched.fetch_id is None:
            error = fetched.error
            self.refused[subject] = f"{error.code}: {error}" if error else "not answered"
            return
        if not fetched.stack.rows and self.prices is None:
            self.refused[subject] = "empty, and there are no system prices to judge that by"
            return
        outcome = _STAGED.get(judge_period(fetched.side, fetched.stack.rows, (self.prices or {}).get(fetched.period)))
        if outcome is None:
            self.refused[subject] = "empty, where the system prices do not say zero"
            return
        stage_answer(self.connection, self.run_id, fetched.fetch_id, outcome, fetched.stack.rows)
        self.staged[subject] = outcome
