"""Gaps of the source: periods that a person accepted as never to be published do not hold the date; others do."""

from datetime import date

import pytest

from tests.integration.operations.test_answers import check_of
from tests.support.days import REGISTER, of_date
from tests.support.sites import Serve, Site

GAP_DATE = date(2025, 10, 14)
GAP = {"kind": "no_rows", "dataset": ["ISPSTACK", "DISEBSP"], "periods": "20-21"}
"""Elexon has published nothing of these two periods of this date, and never will."""


@pytest.fixture
def lacking(site: Site, serve: Serve) -> Site:
    """Return a site whose Elexon lacks periods 20 and 21 of a date of 2025."""
    site.elexon_url = serve(of_date(GAP_DATE), units=REGISTER, faults=[GAP]).url
    return site


def test_an_accepted_gap_does_not_hold_the_date(lacking: Site) -> None:
    """Unpublished periods hold a date until a person accepts them; then it is served, and says that they are gaps."""
    assert lacking.date(GAP_DATE).json["outcome"] == "held"
    accepted = lacking.reingest("gaps", "accept", GAP_DATE, "--periods", "20-21", "--reason", "never published")
    assert accepted.exit_code == 0, accepted.err
    assert f"Next: reingest date {GAP_DATE}" in accepted.out
    ran = lacking.date(GAP_DATE)
    assert (ran.exit_code, ran.json["outcome"]) == (0, "published")
    said = ("warn", "gaps of the source that a person accepted: 20, 21")
    assert check_of(ran, "periods_complete") == said
    assert lacking.value("select distinct accepted_gaps from day") == 2
    (shown,) = [one for one in lacking.show(GAP_DATE)["checks"] if one["name"] == "periods_complete"]
    assert (shown["status"], shown["detail"]) == said
    assert lacking.show(GAP_DATE)["accepted_gaps"] == 2
    assert lacking.reingest("doctor", GAP_DATE).exit_code == 0
    assert lacking.date(GAP_DATE).json["outcome"] == "unchanged"


def test_a_retired_gap_holds_the_date_again(lacking: Site) -> None:
    """From the run after its retirement on an unpublished period holds the date; both decisions are on record."""
    words = (GAP_DATE, "--periods", "20-21", "--reason")
    assert lacking.reingest("gaps", "accept", *words, "never published").exit_code == 0
    assert lacking.date(GAP_DATE).json["outcome"] == "published"
    assert lacking.reingest("gaps", "retire", *words, "it may come yet", "--side", "bid").exit_code == 0
    ran = lacking.date(GAP_DATE)
    assert (ran.exit_code, ran.json["outcome"]) == (1, "held")
    assert check_of(ran, "periods_complete") == ("fail", "not_published: 20, 21")
    assert lacking.states(GAP_DATE) == {1: "published", 2: "held"}
    assert lacking.reingest("doctor", GAP_DATE).exit_code == 1
    decided = lacking.rows("select action, reason, detail ->> 'periods' from operator_action order by id")
    assert decided == [
        ("accept_gaps", "never published", '["20 bid", "20 offer", "21 bid", "21 offer"]'),
        ("retire_gaps", "it may come yet", '["20 bid", "21 bid"]'),
    ]
    listed = lacking.reingest("gaps", "list", GAP_DATE, "--json").json
    assert [(gap["period"], gap["side"], gap["served"]) for gap in listed] == [
        (20, "offer", "not_published"),
        (21, "offer", "not_published"),
    ]


def test_a_gap_excuses_no_failure(lacking: Site, serve: Serve) -> None:
    """An accepted period that fails to come ends the run as any other failure does: a gap is what is not published."""
    assert lacking.reingest("gaps", "accept", GAP_DATE, "--periods", "20", "--reason", "a gap").exit_code == 0
    rows, broken = of_date(GAP_DATE), {"kind": "status", "status": 500, "dataset": "ISPSTACK", "periods": 20}
    lacking.elexon_url = serve(rows, faults=[broken]).url
    ran = lacking.date(GAP_DATE)
    assert (ran.exit_code, ran.error["code"], ran.error["period"]) == (4, "partial", 20)


def test_a_gap_needs_a_reason_and_a_period_of_its_date(site: Site) -> None:
    """A gap without a reason, or of a period that the date does not have, is refused with 2."""
    for words in (("20", "--reason", " "), ("49", "--reason", "no such period")):
        assert site.reingest("gaps", "accept", GAP_DATE, "--periods", *words).exit_code == 2
    assert site.value("select count(*) from source_gap") == 0
