"""Stacks from Elexon in XML, and in JSON where XML cannot be had.

The shape of live XML is documented nowhere. So where XML is refused, comes without a body, or comes in a shape
that Reingest does not know, the same question is asked once more for JSON; and once JSON has answered where XML
did not, the rest of the run asks for JSON at once.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from reingest.curtailment.words import Side
from reingest.elexon.client import Answer, ElexonClient
from reingest.elexon.requests import Wire, stack_request
from reingest.elexon.stack import RawStack, read_stack
from reingest.errors import PayloadRejected, SourceRefused

OnAnswer = Callable[[Answer], Awaitable[object]]
"""Is given each answer before anyone parses it, an error status too, so that it can be archived."""

_REFUSALS: Final = frozenset({400, 406, 415})
_UNREADABLE: Final = frozenset({"empty_body", "unknown_shape"})

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FetchedStack:
    """One stack with the answer it was read from.

    Attributes:
        stack: The rows.
        answer: The answer, already given to `on_answer`.
        fallback: Why JSON was asked for in place of XML; None where it was not.
    """

    stack: RawStack
    answer: Answer
    fallback: str | None


class StackSource:
    """Fetches the stacks of one run, and remembers that XML cannot be had."""

    def __init__(self, client: ElexonClient, on_answer: OnAnswer, *, wire: Wire = "xml") -> None:
        """Ask that client, in that format first."""
        self._client = client
        self._on_answer = on_answer
        self._wire = wire
        self._fallback: str | None = None

    async def fetch(self, settlement_date: date, period: int, side: Side) -> FetchedStack:
        """Return one side of one period.

        Raises:
            SourceError: it could not be had: refused, out of reach, too slow, or (`PayloadRejected`) not what was
                asked for. Every answer has been given to `on_answer` by then.
        """
        if self._wire == "json" or self._fallback is not None:
            return await self._fetch(settlement_date, period, side, "json", self._fallback)
        try:
            return await self._fetch(settlement_date, period, side, self._wire, None)
        except (SourceRefused, PayloadRejected) as error:
            why = _why_json(error, self._wire)
            if why is None:
                raise
        fetched = await self._fetch(settlement_date, period, side, "json", why)
        if self._fallback is None:
            # Only now: a question that JSON refuses too was a wrong question, and says nothing about XML.
            self._fallback = why
            logger.warning("%s, and JSON was answered: this run asks for JSON from here on", why)
        return fetched

    async def _fetch(
        self, settlement_date: date, period: int, side: Side, wire: Wire, fallback: str | None
    ) -> FetchedStack:
        answer = await self._client.ask(stack_request(settlement_date, period, side, wire))
        await self._on_answer(answer)
        body = answer.require_ok().body
        stack = read_stack(body, asked=wire, settlement_date=settlement_date, period=period, side=side)
        return FetchedStack(stack, answer, fallback)


def _why_json(error: SourceRefused | PayloadRejected, wire: Wire) -> str | None:
    """Say why another format may help, or None where it would not."""
    if isinstance(error, PayloadRejected):
        unreadable = error.reject_code in _UNREADABLE
        return f"the {wire} could not be read ({error.reject_code}: {error.detail})" if unreadable else None
    return f"{wire} was refused: {error.detail}" if error.status in _REFUSALS else None
