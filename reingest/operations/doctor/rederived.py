"""The deepest look: the served version is derived again from its payloads, and compared row by row."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

from reingest.curtailment.records import CurtailmentRecord
from reingest.curtailment.stack_facts import Subject
from reingest.errors import ArchiveError, PayloadRejected
from reingest.operations.doctor.dates import ExaminedDate
from reingest.operations.doctor.finding import Finding
from reingest.operations.facts import DateFacts, derive_facts
from reingest.store.candidates import VersionPeriod
from reingest.store.contents import version_facts
from reingest.store.examined import ExaminedVersion
from reingest.store.units import Register
from reingest.store.versions import periods_of, records_of

_ROW: Final = CurtailmentRecord._fields.index("row")


def records_of_payloads(examined: ExaminedDate) -> Iterator[Finding]:
    """Find what the served version says and its payloads do not, or the other way round."""
    version = examined.published
    if version is None or examined.site.examined.quick:
        return
    register = examined.site.rederiver.register(version)
    if register is None:
        found = f"register {version.register_id} and the overrides there ever were"
        yield examined.finding("register-differs", found, f"what gives {version.register_hash}", version=version)
        return
    try:
        facts = _rederived(examined, version, register)
    except ArchiveError:
        return  # a payload that is missing or altered is a finding of its own
    except PayloadRejected as error:
        yield _differs(examined, version, "", "a published version", f"a rejected answer: {error}")
        return
    yield from _records(examined, version, facts)
    yield from _periods(examined, version, facts)


def _rederived(examined: ExaminedDate, version: ExaminedVersion, register: Register) -> DateFacts:
    site = examined.site
    stored = version_facts(site.connection, examined.settlement_date, version.number)
    return derive_facts(site.rederiver.inputs(examined.settlement_date, stored, register))


def _records(examined: ExaminedDate, version: ExaminedVersion, facts: DateFacts) -> Iterator[Finding]:
    stored = _by_subject(records_of(examined.site.connection, version.id))
    derived = _by_subject(facts.content.records)
    for subject in sorted(stored.keys() | derived.keys()):
        only_stored, only_derived = stored[subject] - derived[subject], derived[subject] - stored[subject]
        if only_stored or only_derived:
            about = f"period {subject[0]} {subject[1]}"
            yield _differs(examined, version, about, _listed(only_stored), _listed(only_derived))


def _periods(examined: ExaminedDate, version: ExaminedVersion, facts: DateFacts) -> Iterator[Finding]:
    stored = {(row.period, row.side): row for row in periods_of(examined.site.connection, version.id)}
    derived = {(row.period, row.side): row for row in facts.periods}
    for subject in sorted(stored.keys() & derived.keys()):
        found, expected = _counts(stored[subject]), _counts(derived[subject])
        if found != expected:
            yield _differs(examined, version, f"period {subject[0]} {subject[1]} counts", found, expected)


def _differs(examined: ExaminedDate, version: ExaminedVersion, about: str, found: str, expected: str) -> Finding:
    return examined.finding(
        "record-differs-from-payload", found, expected, version=version, about=about, instead=examined.rebuilding()
    )


def _by_subject(records: Iterable[CurtailmentRecord]) -> defaultdict[Subject, Counter[tuple[Any, ...]]]:
    rows: defaultdict[Subject, Counter[tuple[Any, ...]]] = defaultdict(Counter)
    for record in records:
        # Unknown fields are left out: the database keeps them in an order of its own.
        rows[record.period, record.side][record[:-1]] += 1
    return rows


def _listed(rows: Counter[tuple[Any, ...]]) -> str:
    """Return the first of some rows in words, and how many there are."""
    if not rows:
        return "no such record"
    first = CurtailmentRecord._make((*min(rows, key=lambda row: row[_ROW]), None))
    flags = "so" if first.so_flag else "not so"
    shown = (
        f"row {first.row}: {first.bm_unit}, acceptance {first.acceptance_id}, pair {first.pair_id}, {flags}, "
        f"{first.volume} MWh at {first.original_price}"
    )
    return shown if rows.total() == 1 else f"{shown}; {rows.total()} records in all"


def _counts(row: VersionPeriod) -> str:
    return f"{row.outcome}, {row.rows} rows, {row.accepted} accepted, {row.rejects} rejects, {row.wind_rows} of wind"
