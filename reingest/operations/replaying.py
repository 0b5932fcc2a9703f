"""Replay of one date: what is served, rebuilt from the archive by the present code, and compared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from reingest.curtailment.content import Content, dump_lines
from reingest.curtailment.definitions import definitions_for
from reingest.curtailment.diff import NO_DIFFERENCE, RecordDiff, diff_records
from reingest.curtailment.figures import Figures
from reingest.curtailment.reasons import Figure, flat, in_order
from reingest.errors import ArchiveError, PayloadRejected
from reingest.operations.date_inputs import DateInputs
from reingest.operations.facts import derive_facts
from reingest.operations.figures_text import counted
from reingest.operations.rederiving import Rederiver
from reingest.store.contents import VersionFacts, content_of, version_facts
from reingest.store.database import snapshot
from reingest.store.versions import current_version

ReplayOutcome = Literal["equal", "differs", "not_served"]
CauseKind = Literal["rows", "payload", "register", "parser", "outcomes", "definition", "mining", "code"]

_FAULTS_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Cause:
    """What explains that a date is not rebuilt as it is served: its kind, stable for machines, and a sentence."""

    kind: CauseKind
    detail: str


@dataclass(frozen=True, slots=True)
class FigureMove:
    """A figure that is rebuilt otherwise than it is served; None where one of them has no such figure."""

    figure: Figure
    served: Decimal | None
    rebuilt: Decimal | None


@dataclass(frozen=True, slots=True)
class ReplayedDate:
    """What came of one date.

    Attributes:
        version: The number of the version served; None where none is.
        code_version: The code that made it.
        causes: What explains a difference.
        figures: The figures that differ; empty also where the date could not be rebuilt.
        records: The records that differ: old is served, new rebuilt.
    """

    settlement_date: date
    outcome: ReplayOutcome
    version: int | None = None
    code_version: str | None = None
    causes: tuple[Cause, ...] = ()
    figures: tuple[FigureMove, ...] = ()
    records: RecordDiff = NO_DIFFERENCE


def replay_date(rederiver: Rederiver, settlement_date: date) -> ReplayedDate:
    """Rebuild the served version of a date from the archive, and compare it with what is served, byte for byte.

    Nothing is written, so a database that takes no writes will do. All of it is read at one moment.
    """
    with snapshot(rederiver.connection):
        return _replayed(rederiver, settlement_date)


def _replayed(rederiver: Rederiver, settlement_date: date) -> ReplayedDate:
    number = current_version(rederiver.connection, settlement_date).number
    if number is None:
        return ReplayedDate(settlement_date, "not_served")
    stored = version_facts(rederiver.connection, settlement_date, number)
    inputs = _inputs(rederiver, settlement_date, stored)
    if isinstance(inputs, Cause):
        return ReplayedDate(settlement_date, "differs", number, stored.code_version, (inputs,))
    served, rebuilt = content_of(rederiver.connection, settlement_date, stored), derive_facts(inputs).content
    dumps = [_dump(content) for content in (served, rebuilt)]
    if dumps[0] == dumps[1] and _hash(dumps[0]) == stored.content_hash:
        return ReplayedDate(settlement_date, "equal", number, stored.code_version)
    both = [one for one in definitions_for(served.sides) if one.name in served.totals]
    records = diff_records(served.records, rebuilt.records, both)
    causes = [_ALTERED] if _hash(dumps[0]) != stored.content_hash and dumps[0] != dumps[1] else []
    if _hash(dumps[1]) != stored.content_hash:
        mining_known = rederiver.mining_known(stored, inputs)
        causes += _causes(stored, inputs, served, rebuilt, records, mining_known=mining_known)
    moves = tuple(_figure_moves(served, rebuilt))
    return ReplayedDate(
        settlement_date, "differs", number, stored.code_version, tuple(causes or [_OTHERWISE]), moves, records
    )


_ALTERED: Final = Cause("rows", "the stored rows are not what was published")
_OTHERWISE: Final = Cause("code", "this code says the same content in other words")


def _inputs(rederiver: Rederiver, settlement_date: date, stored: VersionFacts) -> DateInputs | Cause:
    """Return what the version was derived from, or why that cannot be had."""
    register = rederiver.register(stored)
    if register is None:
        return Cause("register", f"nothing that is stored gives the register {stored.register_hash}")
    try:
        return rederiver.inputs(settlement_date, stored, register)
    except ArchiveError as error:
        return Cause("payload", str(error))
    except PayloadRejected as error:
        return Cause("parser", f"this code cannot read the system prices: {error}")


def _causes(
    stored: VersionFacts,
    inputs: DateInputs,
    served: Content,
    rebuilt: Content,
    records: RecordDiff,
    *,
    mining_known: bool,
) -> Iterator[Cause]:
    """Yield what explains that the rebuilt content is another, the first in the way of a date first."""
    fetched = [one for _, one in sorted(inputs.fetched.items())]
    faults = [f"{one.side} of period {one.period}: {one.error}" for one in fetched if one.error]
    if faults:
        rest = f"; and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
        yield Cause("parser", f"this code cannot read {'; '.join(faults[:_FAULTS_SHOWN])}{rest}")
    elif records:
        yield Cause("parser", f"this code reads other records out of the same payloads: {_counts(records)}")
    if served.outcomes != rebuilt.outcomes:
        yield Cause("outcomes", "this code judges periods otherwise")
    yield from _of_definitions(stored, inputs, served, rebuilt, same_records=not records)
    if not mining_known:
        yield Cause("mining", "the miner models are not those that the version was made with")
    elif served.totals == rebuilt.totals and served.mining != rebuilt.mining:
        yield Cause("mining", "this code makes another BTC of the same energy")


def _of_definitions(
    stored: VersionFacts, inputs: DateInputs, served: Content, rebuilt: Content, *, same_records: bool
) -> Iterator[Cause]:
    now = [definition.named for definition in inputs.definitions]
    if sorted(now) != sorted(stored.definitions):
        yield Cause("definition", f"{', '.join(stored.definitions)} is served, and this code has {', '.join(now)}")
    elif same_records and served.totals != rebuilt.totals:
        yield Cause("definition", "this code counts other records, by definitions of the same version")


def _counts(records: RecordDiff) -> str:
    added, removed, changed = len(records.added), len(records.removed), len(records.changed)
    return f"{counted(added, 'record')} more, {removed} fewer, {changed} changed"


def _figure_moves(served: Content, rebuilt: Content) -> Iterator[FigureMove]:
    before, after = (flat(Figures(content.totals, content.mining)) for content in (served, rebuilt))
    for figure in in_order({*before, *after}):
        if before.get(figure) != after.get(figure):
            yield FigureMove(figure, before.get(figure), after.get(figure))


def _dump(content: Content) -> list[str]:
    return list(dump_lines(content))


def _hash(dump: Sequence[str]) -> str:
    return dump[-1].removeprefix("sha256 ")
