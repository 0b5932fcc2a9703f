"""Acts on the register at random: the dates that they make stale are those, and only those, that rebuild otherwise."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from reingest.lake.archive import Archive
from reingest.operations.facts import DateFacts, derive_facts
from reingest.operations.version_inputs import inputs_of_version
from reingest.store.contents import current_number, version_facts
from reingest.store.database import Connection, connect
from reingest.store.units import Register, load_register, register_named
from tests.support.days import A_DAY, CALM_DATE, DATE, NEXT_DATE, REGISTER, Row, of_date
from tests.support.postgres import Databases
from tests.support.sites import Site, copy_of, recorded_elexon

DATES: Final = (DATE, NEXT_DATE, CALM_DATE)
UNITS: Final = tuple(unit for unit, *_ in REGISTER)
ROWS: Final[tuple[Row, ...]] = (
    *A_DAY,
    # A battery whose offers alone count, bids that are rejected, and a unit whose only row never could be a record.
    *of_date(
        NEXT_DATE,
        (
            (DATE, 1, "bid", 1, "T_HILLW-2", 1, -1, "true", "-50", "-3"),
            (DATE, 1, "offer", 1, "V__BATT001", 2, -1, "false", "20", "1.5"),
            (DATE, 2, "bid", 1, "T_GASP-1", 3, -1, "true", "20", "-6"),
            (DATE, 2, "bid", 1, "T_GASP-1", 3, -1, "true", "20", "-6"),
            (DATE, 2, "offer", 1, "E_MOORW-1", 4, 1, "false", "20", "9"),
        ),
    ),
    (CALM_DATE, 5, "bid", 1, "V__BATT001", 5, -1, "true", "20", "-4.5"),
)
ACTS: Final = 8

Shown = tuple[Any, ...]


@pytest.fixture(scope="module")
def served(databases: Databases, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a site, to be copied, that serves the three dates."""
    folder = tmp_path_factory.mktemp("affected")
    with databases.database(template) as url, recorded_elexon(folder, ROWS) as elexon:
        site = Site(url, folder / "home", elexon.url)
        for day in DATES:
            assert site.date(day).json["outcome"] == "published"
        yield site


@pytest.mark.drill(share=0.2)
def test_affected_dates_are_those_that_would_differ(
    served: Site, databases: Databases, tmp_path: Path, seeds: Callable[..., Iterator[int]]
) -> None:
    """After any acts the stale dates are those whose rebuilding differs, and every version still rebuilds equal."""
    for seed in seeds("acts on the register, affected dates compared", sample=1, ci=40, long=10**6):
        chance = Random(seed)  # noqa: S311
        with copy_of(served, databases, tmp_path / str(seed) / "home") as site:
            for _ in range(ACTS):
                said = act(site, chance)
                with connect(site.database_url, purpose="test") as connection:
                    differing = {day for day in DATES if differs(site, connection, day)}
                found = site.reingest("units", "affected", "--json").json
                assert {date.fromisoformat(one["settlement_date"]) for one in found} == differing, said
                stale = site.rows("select settlement_date from settlement_day where stale_since is not null")
                assert {day for (day,) in stale} == differing, said
            findings = site.reingest("doctor", "--json").json["findings"]
            # A rebuilding may be held, where a unit that counts as wind by now has a row that cannot be counted.
            assert {one["id"] for one in findings} <= {"date-stale", "held-date"}, findings


def act(site: Site, chance: Random) -> tuple[object, ...]:
    """Do something to the register, or rebuild a date; return what."""
    unit, day = chance.choice(UNITS), chance.choice(DATES)
    span = ("--valid-from", chance.choice(["ever", str(day)]), *(("--valid-to", day) if chance.random() < 0.5 else ()))
    fact = chance.choice([("--fuel-type", "WIND"), ("--fuel-type", "CCGT"), ("--lead-party", "Other Ltd"), ("--gone",)])
    words = chance.choice(
        [
            ("units", chance.choice(["include", "exclude", "reset"]), unit),
            ("units", "correct", unit, *span, *fact),
            ("units", "correct", unit, *span, *fact),
            ("date", day, "--source", "archive", "--force"),
        ]
    )
    ran = site.reingest(*words, "--reason", "a drill")
    assert ran.exit_code in (0, 1, 2), (words, ran.err)  # a held date, and a correction of nothing
    return words


def differs(site: Site, connection: Connection, day: date) -> bool:
    """Tell whether the date, derived from its payloads with the register as it is now, is not what is served."""
    number = current_number(connection, day)
    version = version_facts(connection, day, number)
    now, then = load_register(connection, day), register_named(connection, version.register_id, version.register_hash)
    assert now is not None
    assert then is not None
    archive = Archive(site.home / "archive")
    made = (
        shown(derive_facts(inputs_of_version(connection, archive, day, version, register)), register)
        for register in (then, now)
    )
    before, after = made
    assert before[0] == version.content_hash
    return before != after


def shown(facts: DateFacts, register: Register) -> Shown:
    """Return all of a date that a register decides on: content, rejects of wind units, and whose its units are."""
    units = {record.bm_unit for record in facts.content.records}
    rejects = [(reject.period, reject.side, reject.payload_row, reject.wind) for reject in facts.rejects]
    return facts.content_hash, rejects, {unit: register.lead_parties[unit] for unit in units}
