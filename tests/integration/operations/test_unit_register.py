"""The register of BM units with its history: corrections, proposals, answers cut short, and stale dates."""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from signal import SIGCONT

import pytest

from reingest.calendar import settlement_date_of
from reingest.clock import utc_now
from tests.support.days import A_DAY, DATE, NEXT_DATE, REGISTER, Unit
from tests.support.sites import Serve, Site

Answers = Callable[[Iterable[Unit]], None]


@pytest.fixture
def answers(published: Site, serve: Serve) -> Answers:
    """Return what lets Elexon answer with another register from now on, and the site refresh its own."""

    def answer(units: Iterable[Unit]) -> None:
        published.elexon_url = serve(units=units).url

    return answer


def correct(site: Site, unit: str, *words: object) -> None:
    ran = site.reingest("units", "correct", unit, *words, "--reason", "a letter of the lead party")
    assert ran.exit_code == 0, ran.err


def affected(site: Site) -> list[tuple[str, str, str]]:
    found = site.reingest("units", "affected", "--json").json
    return [(one["settlement_date"], one["bm_unit"], one["effect"]) for one in found]


def doctor(site: Site) -> list[str]:
    return [one["id"] for one in site.reingest("doctor", "--json").json["findings"]]


def test_a_correction_makes_the_dates_stale_that_it_changes(published: Site) -> None:
    """A unit that turns out to be wind makes stale exactly the dates with rows of it, until they are rebuilt."""
    before = published.show(DATE)["totals"]["all_bids"]["energy_mwh"]
    correct(published, "T_GASP-1", "--valid-from", NEXT_DATE, "--fuel-type", "WIND")
    assert affected(published) == []
    correct(published, "T_GASP-1", "--valid-from", DATE, "--fuel-type", "WIND")
    assert affected(published) == [(str(DATE), "T_GASP-1", "came")]
    assert published.value("select stale from day where definition = 'net'")
    assert published.reingest("status", DATE, "--json").json["stale"]
    assert published.reingest("status", "--json").json[0]["stale"] == 1
    assert doctor(published) == ["date-stale"]

    assert published.date(DATE, "--source", "archive").json["outcome"] == "published"
    after = published.show(DATE)["totals"]["all_bids"]["energy_mwh"]
    assert (Decimal(before) + 30, affected(published), doctor(published)) == (Decimal(after), [], [])
    assert not published.value("select stale from day where definition = 'net'")


def test_what_is_taken_back_makes_nothing_stale(published: Site) -> None:
    """A date is stale only as long as the register would change it."""
    for day, decision in ((True, "exclude"), (False, "reset")):
        ran = published.reingest("units", decision, "T_HILLW-1", "--reason", "a trial")
        assert ("1 served dates are stale" in ran.out) == day
        assert bool(published.value("select stale_reason from settlement_day")) == day
    assert affected(published) == []


def test_a_confirmation_ends_staleness(published: Site) -> None:
    """A run that reads the register as it is now and finds the same content is right by it."""
    published.rows("update settlement_day set stale_since = now(), stale_reason = 'a trial'")
    assert published.date(DATE, "--source", "archive").json["outcome"] == "unchanged"
    assert published.value("select stale_since from settlement_day") is None


def test_another_lead_party_is_published(published: Site) -> None:
    """A lead party is no content, and still the date is published again where it was another's."""
    correct(published, "T_HILLW-1", "--valid-from", "ever", "--valid-to", DATE, "--lead-party", "Old Wind Ltd")
    assert affected(published) == [(str(DATE), "T_HILLW-1", "lead_party")]
    ran = published.date(DATE, "--source", "archive")
    assert (ran.json["outcome"], affected(published), doctor(published)) == ("published", [], [])
    parties = published.rows("select distinct lead_party from day_unit where bm_unit = 'T_HILLW-1'")
    assert parties == [("Old Wind Ltd",)]
    assert published.date(DATE, "--source", "archive").json["outcome"] == "unchanged"


def test_a_unit_is_shown_in_both_times(published: Site) -> None:
    """What was true of a unit is asked by settlement date, and what was recorded by instant; nothing is lost."""
    correct(published, "T_GASP-1", "--valid-from", DATE, "--valid-to", DATE, "--fuel-type", "WIND")
    recorded = published.value("select min(recorded_from) from bm_unit")

    def fuels(*words: object) -> list[str]:
        shown = published.reingest("units", "show", "T_GASP-1", *words, "--json").json
        return [one["fuel_type"] for one in shown["recorded"]]

    assert fuels("--as-of", DATE) == ["WIND", "CCGT"]
    assert fuels("--as-of", DATE, "--recorded-at", recorded.isoformat()) == ["CCGT"]
    assert fuels("--as-of", NEXT_DATE) == ["CCGT", "CCGT"]
    assert len(fuels()) == 4
    assert "a letter of the lead party" in published.reingest("units", "show", "T_GASP-1").out
    wind = published.reingest("units", "list", "--as-of", DATE, "--json").json
    assert "T_GASP-1" in {one["elexon_bm_unit"] for one in wind}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("T_NONE-1", "--fuel-type", "WIND"), "not_found: the register has no BM unit T_NONE-1"),
        (("T_GASP-1",), "bad_usage: say what is true of the unit"),
        (("T_GASP-1", "--fuel-type", "CCGT"), "bad_usage: all of this is recorded of T_GASP-1 already"),
        (("T_GASP-1", "--fuel-type", "WIND", "--gone"), "bad_usage: say what is true of the unit"),
        (("T_GASP-1", "--fuel-type", "WIND", "--valid-to", date(2023, 1, 1)), "bad_usage: --valid-to 2023-01-01 is"),
        (("T_GASP-1", "--capacity", "many"), "bad_usage: 'many' is not a number"),
    ],
)
def test_a_correction_without_sense_is_refused(published: Site, words: tuple[object, ...], said: str) -> None:
    """An unknown unit, nothing to correct, nothing that differs and an impossible span change nothing."""
    before = published.row_counts()
    ran = published.reingest("units", "correct", *words, "--valid-from", DATE, "--reason", "a trial")
    assert (ran.exit_code, said in ran.err) == (2, True), ran.err
    assert published.row_counts() == before


def test_a_unit_that_was_gone_has_no_records(published: Site) -> None:
    """A unit that did not exist on a date does not count on it."""
    correct(published, "T_HILLW-1", "--valid-from", DATE, "--valid-to", DATE, "--gone")
    assert affected(published) == [(str(DATE), "T_HILLW-1", "left")]
    assert published.date(DATE, "--source", "archive").json["outcome"] == "published"
    assert published.rows("select from curtailment where bm_unit = 'T_HILLW-1'") == []


def test_a_refresh_opens_changes_and_closes_from_its_day_on(published: Site, answers: Answers) -> None:
    """What the register says otherwise is true from the day of the refresh, and no earlier date is changed by it."""
    kept = [unit for unit in REGISTER if unit[0] not in ("T_HILLW-1", "E_MOORW-1")]
    answers([*kept, ("E_MOORW-1", "WIND", "Other Ltd"), ("T_NEWW-1", "WIND", "New Ltd")])
    ran = published.reingest("units", "refresh", "--accept-shrink", "--reason", "it was sold", "--json")
    assert (ran.json["opened"], ran.json["closed"], ran.json["altered"], ran.json["stale_dates"]) == (1, 1, 1, 0)
    today = settlement_date_of(utc_now())
    spans = published.rows(
        "select elexon_bm_unit, lead_party_name, valid_from, valid_to from bm_unit where recorded_to is null "
        "and elexon_bm_unit in ('T_HILLW-1', 'E_MOORW-1', 'T_NEWW-1') order by 1, 3 nulls first"
    )
    assert spans == [
        ("E_MOORW-1", "Moor Wind plc", None, today),
        ("E_MOORW-1", "Other Ltd", today, None),
        ("T_HILLW-1", "Hill Wind Ltd", None, today),
        ("T_NEWW-1", "New Ltd", today, None),
    ]
    counts = published.row_counts()
    assert published.reingest("units", "refresh", "--json").json["changed"] is False
    grown = {table for table, rows in published.row_counts().items() if rows != counts[table]}
    assert grown <= {"run", "fetch"}
    assert (doctor(published), affected(published)) == ([], [])


def test_an_answer_cut_short_changes_nothing(published: Site, answers: Answers) -> None:
    """A register that lacks more than a tenth of the units is not believed, unless a person says that it is right."""
    answers(REGISTER[:3])
    before = published.rows("select * from bm_unit order by id"), published.value("select count(*) from register")
    ran = published.reingest("units", "refresh")
    assert (ran.exit_code, "looks truncated" in ran.out, "3 of 5 known units" in ran.out) == (1, True, True)
    assert (
        published.rows("select * from bm_unit order by id"),
        published.value("select count(*) from register"),
    ) == before
    assert published.runs()[-1] == ("held", 1)
    assert published.reingest("units", "refresh", "--accept-shrink").exit_code == 2
    ran = published.reingest("units", "refresh", "--accept-shrink", "--reason", "two left")
    assert (ran.exit_code, "closed 2" in ran.out) == (0, True)


def test_a_known_unit_that_is_wind_by_now_is_proposed(published: Site, answers: Answers) -> None:
    """Null becomes WIND only when a person says so, and from the date that the person says."""
    batteries: Unit = ("V__BATT001", "WIND", "Battery Ltd")
    answers([*REGISTER[:4], batteries])
    assert published.reingest("units", "refresh", "--json").json["proposed"] == ["V__BATT001"]
    (proposal,) = published.reingest("units", "proposals", "--json").json
    assert (proposal["elexon_bm_unit"], proposal["valid_from"]) == ("V__BATT001", str(settlement_date_of(utc_now())))
    assert "V__BATT001" not in published.reingest("units", "list").out

    ran = published.reingest("units", "accept", "V__BATT001", "--valid-from", "ever", "--reason", "it is a wind farm")
    assert ran.exit_code == 0, ran.err
    assert "V__BATT001" in published.reingest("units", "list", "--as-of", DATE).out
    assert published.reingest("units", "proposals", "--json").json == []
    assert published.reingest("units", "accept", "V__BATT001", "--reason", "again").exit_code == 2


def test_a_declined_proposal_is_not_made_again(published: Site, answers: Answers) -> None:
    """What a person declined stays declined as long as the register says the same."""
    units = [*REGISTER[:4], ("V__BATT001", "WIND", "Battery Ltd")]
    answers(units)
    assert published.reingest("units", "refresh").exit_code == 0
    assert published.reingest("units", "decline", "V__BATT001", "--reason", "it stores").exit_code == 0
    answers([*units, ("T_NEWW-1", "WIND", "New Ltd")])
    assert published.reingest("units", "refresh", "--json").json["proposed"] == []
    assert published.value("select state from unit_proposal") == "declined"
    assert published.value("select fuel_type from bm_unit where recorded_to is null and elexon_bm_unit ~ '^V'") is None


def test_units_that_nobody_mapped_are_reported_with_their_energy(site: Site, serve: Serve) -> None:
    """A unit with bids that the register lacks, or gives no fuel type, is listed with what its bids come to."""
    rows = (
        *A_DAY,
        (DATE, 3, "bid", 1, "V__BATT001", 5001, -1, "true", "10", "-7.5"),
        (DATE, 3, "bid", 2, "T_UNKNO-1", 5002, -1, "true", "10", "-2"),
        (DATE, 4, "bid", 1, "T_UNKNO-1", 5003, -1, "true", "10", "-2.25"),
    )
    site.elexon_url = serve(rows).url
    assert site.date(DATE).exit_code == 0
    found = site.reingest("units", "unmapped", "--json").json
    assert [(one["bm_unit"], one["registered"], one["rows"], one["energy_mwh"]) for one in found] == [
        ("V__BATT001", True, 1, "7.5"),
        ("T_UNKNO-1", False, 2, "4.25"),
    ]
    assert site.reingest("units", "unmapped", "--from", NEXT_DATE, "--json").json == []
    assert site.rows("select bm_unit, rows, energy_mwh::text from version_other_unit order by 1") == [
        ("T_GASP-1", 1, "30"),
        ("T_UNKNO-1", 2, "4.25"),
        ("V__BATT001", 1, "7.5"),
    ]


@pytest.mark.parametrize("place", ["after_basis", "in_publish"])
def test_a_register_that_changes_under_a_run_leaves_its_date_stale(published: Site, place: str) -> None:
    """Whether an act comes before the publish or waits for it, what was built on the older register is stale."""
    run = published.start("date", DATE, "--source", "archive", "--force", "--json", stop_at=place)
    run.wait_until_stopped()
    decision = published.start("units", "exclude", "T_HILLW-1", "--reason", "a trial")
    if place == "after_basis":
        assert decision.finish().exit_code == 0
    run.send(SIGCONT)
    assert run.finish().json["outcome"] == "published"
    assert decision.finish().exit_code == 0
    assert published.states(DATE) == {1: "superseded", 2: "published"}
    assert (
        published.value("select stale_reason from settlement_day")
        == "T_HILLW-1 does not count as wind any more, 3 rows"
    )
    assert affected(published) == [(str(DATE), "T_HILLW-1", "left")]
