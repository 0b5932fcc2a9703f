"""From the rules that strike a request to the reply it gets: the places of `faults.kinds.PLACES`, in their order."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from reingest.errors import BadUsage
from reingest.standin.answers import Answers
from reingest.standin.asked import Asked
from reingest.standin.documents import document, published, records_of
from reingest.standin.faults.bodies import Rendering, faulty_answer, strike_body
from reingest.standin.faults.kinds import Place
from reingest.standin.faults.rows import strike_rows
from reingest.standin.faults.rules import FaultRule
from reingest.standin.model import PeriodStack
from reingest.standin.publication import Publication, as_first_run
from reingest.standin.render import CONTENT_TYPES, Document, render
from reingest.standin.reply import Reply

_WITHOUT_RUNS: Final = frozenset({"BMUNITS", "SUMMARY", "DATA_STATUS"})
"""What is not made by a calculation run of its own, so that there is no other run of it."""


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A reply as the faults leave it.

    Attributes:
        delay: Seconds before its first byte.
        delivery: The fault that spoils its way to the client.
        struck: The kinds of fault that changed anything, in the order of the script.
    """

    reply: Reply
    delay: float
    delivery: FaultRule | None
    struck: tuple[str, ...]


def spoil(asked: Asked, answers: Answers, rules: Sequence[FaultRule], rng: random.Random) -> Spoiled:
    """Return the reply to a request that these rules strike; `rng` chooses random rows.

    Raises:
        BadUsage: a fault of rows, where the answer is archived bytes and no rows.
    """
    reply, idle = _reply(asked, answers, rules, rng)
    return Spoiled(
        reply=reply,
        delay=sum(rule.ms or 0 for rule in _at("delay", rules)) / 1000,
        delivery=next(iter(_at("delivery", rules)), None),
        struck=tuple(rule.kind for rule in rules if rule not in idle),
    )


def _reply(
    asked: Asked, answers: Answers, rules: Sequence[FaultRule], rng: random.Random
) -> tuple[Reply, list[FaultRule]]:
    """Return the reply, and the rules that found nothing to strike."""
    instead = next(iter(_at("answer", rules)), None)
    if instead is not None:
        return faulty_answer(instead), []
    reply = answers.answer(asked)
    in_rows = [*_at("run", rules), *_at("rows", rules)]
    in_body = _at("body", rules)
    if not (in_rows or in_body) or reply.status != HTTPStatus.OK:
        return reply, []  # an error has no rows to strike
    content = _document(asked, answers)
    idle: list[FaultRule] = []
    if in_rows:
        content, idle = _struck_document(asked, answers.publication, content, rules, rng)
        reply = Reply(reply.status, CONTENT_TYPES[asked.wire], render(content, asked.wire, answers.xml_shape))
    for rule in in_body:
        reply = strike_body(reply, rule, Rendering(content, asked.wire, answers.xml_shape))
    return reply, idle


def _document(asked: Asked, answers: Answers) -> Document | None:
    publication = answers.publication
    return None if publication.serves_bytes_of(asked.settlement_date) else document(asked, publication)


def _struck_document(
    asked: Asked, publication: Publication, content: Document | None, rules: Sequence[FaultRule], rng: random.Random
) -> tuple[Document, list[FaultRule]]:
    if content is None:
        kinds = ", ".join(rule.kind for rule in (*_at("run", rules), *_at("rows", rules)))
        raise BadUsage(f"{kinds}: {asked.settlement_date} is served from an archive, byte for byte, and has no rows")
    runs = _at("run", rules)
    idle = runs if asked.dataset in _WITHOUT_RUNS else []
    if runs and not idle:
        content = records_of(asked, _other_run(asked, publication, runs), publication.register)
    for rule in _at("rows", rules):
        records = strike_rows(list(content.records), rule, rng)
        if records == list(content.records):
            idle.append(rule)
        content = replace(content, records=records)
    return content, idle


def _other_run(asked: Asked, publication: Publication, rules: Sequence[FaultRule]) -> list[PeriodStack]:
    stacks = published(asked, publication)
    for rule in rules:
        other = publication.before_restatement if rule.kind == "stale_rows" else as_first_run
        stacks = [other(stack) if rule.is_about_period(stack.period.number) else stack for stack in stacks]
    return stacks


def _at(place: Place, rules: Sequence[FaultRule]) -> list[FaultRule]:
    return [rule for rule in rules if rule.fault.place == place]
