"""Why the figures of a date changed between two of its versions, and what in each part moved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reingest.calendar import settlement_periods
from reingest.curtailment.definitions import Definition, definition_named
from reingest.curtailment.diff import NO_DIFFERENCE, Deltas, RecordDiff, diff_records
from reingest.curtailment.figures import Figures
from reingest.curtailment.mining import MiningRate
from reingest.curtailment.reasons import Change, Ingredient, Ingredients, Reasons, flat, reasons_of
from reingest.curtailment.words import Side
from reingest.elexon.rows import stack_table
from reingest.elexon.stack import RawStack
from reingest.errors import ArchiveError, BadUsage, NotFound, PayloadRejected
from reingest.lake.archive import Archive
from reingest.operations.date_inputs import DateInputs
from reingest.operations.date_run import Progress
from reingest.operations.rederiving import ReadOnce, Rederiver
from reingest.operations.unaltered import is_unaltered
from reingest.store.contents import VersionFacts, version_facts
from reingest.store.database import Connection
from reingest.store.fetches import fetches_of_version
from reingest.store.versions import mining_of_version, totals_of_version


@dataclass(frozen=True, slots=True)
class PayloadMove:
    """An answer that is another in the newer version; a hash is None where a version has no such answer.

    Attributes:
        period: None where one answer holds the whole date.
        side: None where the dataset has no sides.
    """

    dataset: str
    period: int | None
    side: Side | None
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class RatesMove:
    """What a run of settlement periods was mined with: pairs of difficulty and reward; None where unknown."""

    periods: tuple[int, ...]
    old: tuple[tuple[Decimal, Decimal], ...] | None
    new: tuple[tuple[Decimal, Decimal], ...] | None


@dataclass(frozen=True, slots=True)
class Why:
    """Why the figures of a date changed.

    Attributes:
        old: The older version.
        new: The newer one.
        changes: Every figure before and after, and the parts of its change.
        payloads: Answers that differ.
        source: What the other answers changed, by period and BM unit.
        units_came: Wind units that only the newer version's register has.
        units_went: Those that only the older version's has.
        register: What the other register changed, by period and BM unit.
        definitions: What each version was totalled by, where that differs.
        rates: Difficulties and rewards that differ.
        derived_otherwise: The versions, by number, of which the present code does not derive what is stored.
    """

    settlement_date: date
    old: VersionFacts
    new: VersionFacts
    changes: tuple[Change, ...]
    payloads: tuple[PayloadMove, ...]
    source: RecordDiff
    units_came: tuple[str, ...]
    units_went: tuple[str, ...]
    register: RecordDiff
    definitions: tuple[tuple[str, ...], tuple[str, ...]] | None
    rates: tuple[RatesMove, ...]
    derived_otherwise: tuple[int, ...]

    def moved_by(self, ingredient: Ingredient) -> Mapping[str, Deltas]:
        """Return what an ingredient changed by BM unit, the units that moved most energy first, then most money."""
        diff = {"source": self.source, "register": self.register}.get(ingredient, NO_DIFFERENCE)
        return dict(sorted(diff.by_unit.items(), key=lambda one: _moved(one[1]), reverse=True))


@dataclass(frozen=True, slots=True)
class _Version:
    """One of the two versions: what is stored of it, what it says, and what it was derived from."""

    stored: VersionFacts
    figures: Figures
    inputs: DateInputs
    payloads: Mapping[tuple[str, int | None, Side | None], str]


def why(
    connection: Connection, archive: Archive, settlement_date: date, older: int, newer: int, progress: Progress
) -> Why:
    """Split the change between two versions of a date, by their numbers.

    Args:
        connection: in a snapshot: the versions' rows are read by several statements.
        archive: where their payloads are.
        settlement_date: the date.
        older: the version that the change begins from.
        newer: the version that it leads to.
        progress: is told how far it got.

    Raises:
        NotFound: there is no such version, or its register, definitions or miner models cannot be had any more.
        ArchiveError: a payload is missing or altered.
        PayloadRejected: this code cannot read a payload any more.
        BadUsage: a version's stored rows are not what it was made as, so that nothing can be said of its figures.
    """
    rederiver = Rederiver(connection, archive, ReadOnce())
    versions = []
    for done, number in enumerate((older, newer)):
        progress("why, versions read", done, 2)
        versions.append(_version(rederiver, settlement_date, number))
    progress("why, versions read", 2, 2)
    old, new = versions
    ingredients = _ingredients(old, new)
    periods = [period.number for period in settlement_periods(settlement_date)]
    reasons = reasons_of((old.figures, ingredients[0]), (new.figures, ingredients[1]), periods)
    derived = (reasons.derived.figures, reasons.steps["mining"].figures)
    otherwise = [one.stored.number for one, now in zip(versions, derived, strict=True) if flat(one.figures) != now]
    for number in otherwise:
        _require_unaltered(connection, settlement_date, number)
    return _explained(old, new, ingredients, reasons, otherwise)


def _explained(
    old: _Version,
    new: _Version,
    ingredients: tuple[Ingredients, Ingredients],
    reasons: Reasons,
    otherwise: Sequence[int],
) -> Why:
    before, after = ingredients
    return Why(
        settlement_date=old.inputs.settlement_date,
        old=old.stored,
        new=new.stored,
        changes=reasons.changes,
        payloads=tuple(_payload_moves(old, new)),
        source=_record_diff(reasons, "source"),
        units_came=tuple(sorted(after.wind_units - before.wind_units)),
        units_went=tuple(sorted(before.wind_units - after.wind_units)),
        register=_record_diff(reasons, "register"),
        definitions=_definitions_move(old.stored, new.stored),
        rates=tuple(_rates_moves(before.rates, after.rates)),
        derived_otherwise=tuple(otherwise),
    )


def _version(rederiver: Rederiver, settlement_date: date, number: int) -> _Version:
    connection = rederiver.connection
    stored = version_facts(connection, settlement_date, number)
    if stored.state in ("staging", "abandoned"):
        _require_unaltered(connection, settlement_date, number)
    mining = mining_of_version(connection, stored.id) if stored.mining_state == "available" else None
    return _Version(
        stored=stored,
        figures=Figures(totals_of_version(connection, stored.id), mining),
        inputs=_inputs(rederiver, settlement_date, stored),
        payloads={
            (one.dataset, one.period, one.side): one.payload_sha256
            for one in fetches_of_version(connection, stored.id)
            if one.dataset in ("ISPSTACK", "DISEBSP")
        },
    )


def _inputs(rederiver: Rederiver, settlement_date: date, stored: VersionFacts) -> DateInputs:
    register = rederiver.register(stored)
    if register is None:
        raise _gone(settlement_date, f"the register that version {stored.number} names cannot be put together any more")
    try:
        inputs = rederiver.inputs(settlement_date, stored, register)
    except ArchiveError as error:
        detail = f"version {stored.number}: {error}"
        raise ArchiveError(detail, settlement_date=settlement_date, next_command="reingest doctor {date}") from error
    except PayloadRejected as error:
        raise _unreadable(stored.number, settlement_date, "system prices", error) from error
    if not rederiver.mining_known(stored, inputs):
        raise _gone(settlement_date, f"the miner models are not those that version {stored.number} was made with")
    return inputs


def _ingredients(old: _Version, new: _Version) -> tuple[Ingredients, Ingredients]:
    """Return what both versions were derived from; where their answers are the same, so is the table of them."""
    stacks = [_stacks(one) for one in (old, new)]
    table = stack_table(stacks[0]).rows
    same = len(stacks[0]) == len(stacks[1]) and all(a is b for a, b in zip(*stacks, strict=True))
    tables = table, table if same else stack_table(stacks[1]).rows
    before, after = (
        Ingredients(rows, one.inputs.sides, one.inputs.wind_units, _definitions(one), one.inputs.rates)
        for rows, one in zip(tables, (old, new), strict=True)
    )
    return before, after


def _stacks(version: _Version) -> list[RawStack]:
    """Return the version's stacks in order of period and side.

    Raises:
        PayloadRejected: this code cannot read one of them any more.
    """
    stacks = []
    for (period, side), fetched in sorted(version.inputs.fetched.items()):
        if isinstance(fetched.error, PayloadRejected):
            subject = f"{side} of period {period}"
            raise _unreadable(version.stored.number, version.inputs.settlement_date, subject, fetched.error)
        if fetched.stack is not None:
            stacks.append(fetched.stack)
    return stacks


def _definitions(version: _Version) -> tuple[Definition, ...]:
    found = {name: definition_named(name) for name in version.stored.definitions}
    missing = [name for name, definition in found.items() if definition is None]
    if missing:
        raise NotFound(
            f"version {version.stored.number} was totalled by {', '.join(missing)}, which this code does not have",
            settlement_date=version.inputs.settlement_date,
            next_command="reingest diff {date}",
        )
    return tuple(definition for definition in found.values() if definition is not None)


def _require_unaltered(connection: Connection, settlement_date: date, number: int) -> None:
    if not is_unaltered(connection, settlement_date, number):
        raise BadUsage(
            f"the stored rows of version {number} are not what it was made as",
            settlement_date=settlement_date,
            next_command="reingest doctor {date}",
        )


def _record_diff(reasons: Reasons, ingredient: Ingredient) -> RecordDiff:
    """Return what an ingredient changed, by the definitions that mean something before and after it."""
    before, after = reasons.before(ingredient), reasons.steps[ingredient]
    if before.records is after.records:
        return NO_DIFFERENCE
    return diff_records(before.records, after.records, [one for one in after.definitions if one in before.definitions])


def _moved(deltas: Deltas) -> tuple[Decimal, Decimal]:
    """Return the most energy and the most money that any definition says a unit moved, whichever way."""
    energy = [way for delta in deltas.values() for way in (delta.energy_mwh, -delta.energy_mwh)]
    money = [way for delta in deltas.values() for way in (delta.payment_gbp, -delta.payment_gbp)]
    return max(energy, default=Decimal(0)), max(money, default=Decimal(0))


def _payload_moves(old: _Version, new: _Version) -> list[PayloadMove]:
    before, after = old.payloads, new.payloads
    subjects = sorted(before.keys() | after.keys(), key=lambda one: (one[0], one[2] or "", one[1] or 0))
    return [
        PayloadMove(*subject, before.get(subject), after.get(subject))
        for subject in subjects
        if before.get(subject) != after.get(subject)
    ]


def _definitions_move(old: VersionFacts, new: VersionFacts) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    return None if old.definitions == new.definitions else (tuple(old.definitions), tuple(new.definitions))


def _rates_moves(old: Sequence[MiningRate] | None, new: Sequence[MiningRate] | None) -> list[RatesMove]:
    """Return the difficulties and rewards that differ, periods of the same difference together."""
    before, after = _mined_with(old), _mined_with(new)
    moves: dict[tuple[object, object], RatesMove] = {}
    for period in sorted(before.keys() | after.keys()):
        pair = before.get(period), after.get(period)
        if pair[0] != pair[1]:
            known = moves.get(pair, RatesMove((), *pair))
            moves[pair] = RatesMove((*known.periods, period), *pair)
    return list(moves.values())


def _mined_with(rates: Sequence[MiningRate] | None) -> dict[int, tuple[tuple[Decimal, Decimal], ...]]:
    """Return each period's difficulties and rewards, which all miner models share."""
    return {rate.period: tuple((one.difficulty, one.reward) for one in rate.segments) for rate in rates or ()}


def _gone(settlement_date: date, detail: str) -> NotFound:
    return NotFound(detail, settlement_date=settlement_date, next_command="reingest doctor {date}")


def _unreadable(number: int, settlement_date: date, subject: str, error: PayloadRejected) -> PayloadRejected:
    return PayloadRejected(
        f"version {number}, {subject}: this code cannot read the payload any more: {error}",
        reject_code=error.reject_code,
        settlement_date=settlement_date,
        period=error.period,
        next_command="reingest diff {date}",
    )
