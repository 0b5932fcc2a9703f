"""The keeper of a run's answers: each is archived before it is parsed, and what was read of it is remembered."""

from dataclasses import dataclass, field
from datetime import datetime

from reingest.curtailment.stack_facts import Subject
from reingest.elexon.client import Answer
from reingest.operations.intake import Intake
from reingest.store.fetches import FetchOutcome


@dataclass
class AnswerKeeper:
    """Lets every answer pass through the intake before it is parsed, and remembers what came of it.

    Attributes:
        kept: By subject the fetch of its last answer, and when that was complete.
        outcomes: What was read of each answer, by its fetch.
    """

    intake: Intake
    kept: dict[Subject, tuple[int, datetime]] = field(default_factory=dict)
    outcomes: dict[int, FetchOutcome] = field(default_factory=dict)

    async def keep(self, answer: Answer) -> int:
        """Archive the answer and write its fetch row; return the row's id."""
        fetch_id = await self.intake.keep(answer)
        request = answer.request
        if request.period is not None and request.side is not None:
            self.kept[request.period, request.side] = (fetch_id, answer.answered_at)
        # Until somebody has read it, nothing in it can be read.
        self.outcomes[fetch_id] = "unreadable" if answer.is_ok else "refused"
        return fetch_id

    def is_read_later(self, fetch_id: int) -> None:
        """Leave it to whoever reads the answer to say what it has."""
        self.outcomes.pop(fetch_id, None)

    def was_read(self, fetch_id: int, rows: int) -> None:
        """Remember that the answer could be read, and how many rows it has."""
        self.outcomes[fetch_id] = "fetched" if rows else "empty"
