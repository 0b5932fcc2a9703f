"""Digests: two installations that serve the same have the same ones, and one command names the dates that differ."""

from pathlib import Path

import pytest

from reingest.standin.server import StandIn
from tests.support.days import DATE, NEXT_DATE
from tests.support.postgres import Databases
from tests.support.sites import Site

MONTH, YEAR = f"{DATE:%Y-%m}", f"{DATE:%Y}"


@pytest.fixture
def two(published: Site) -> Site:
    """Return a site that serves two dates."""
    assert published.date(NEXT_DATE).exit_code == 0
    return published


def test_two_installations_that_serve_the_same_have_one_digest(
    two: Site, databases: Databases, template: str, tmp_path: Path
) -> None:
    """Whatever was published between, and in whichever order, the same content gives the same listing."""
    assert two.date(DATE, "--source", "archive", "--force").json["version"] == 2
    with databases.database(template) as url:
        other = Site(url, tmp_path / "other" / "home", two.elexon_url)
        for day in (NEXT_DATE, DATE):
            assert other.date(day).exit_code == 0
        for span in (DATE, MONTH, YEAR):
            assert other.reingest("digest", span).out == two.reingest("digest", span).out
        listing = tmp_path / "theirs.txt"
        listing.write_text(other.reingest("digest", MONTH).out, encoding="utf-8")
        ran = two.reingest("digest", MONTH, "--against", listing)
        assert (ran.exit_code, "equal, 2 dates" in ran.out) == (0, True)


def test_the_dates_that_differ_are_named(published: Site, elexon: StandIn, tmp_path: Path) -> None:
    """Against an older listing the command ends with 1 and names the date that changed, and the one that is new."""
    listing = tmp_path / "before.txt"
    listing.write_text(published.reingest("digest", MONTH).out, encoding="utf-8")
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    for day in (DATE, NEXT_DATE):
        assert published.date(day).json["outcome"] == "published"
    ran = published.reingest("digest", MONTH, "--against", listing, "--json")
    assert (ran.exit_code, ran.json["equal"]) == (1, False)
    named = {one["settlement_date"]: one["there"] is None for one in ran.json["differences"]}
    assert named == {str(DATE): False, str(NEXT_DATE): True}
    assert f"reingest dump {DATE}" in published.reingest("digest", MONTH, "--against", listing).out


def test_sql_gives_the_same_digests(two: Site) -> None:
    """The views for those who query have the digests that the command prints, and that of a date is its dump's."""
    month, year = (two.reingest("digest", span, "--json").json for span in (MONTH, YEAR))
    assert two.rows("select to_char(month, 'YYYY-MM'), days_published, digest from month_digest") == [
        (MONTH, 2, month["digest"])
    ]
    assert two.rows("select to_char(year, 'YYYY'), days_published, digest from year_digest") == [
        (YEAR, 2, year["digest"])
    ]
    assert two.reingest("digest", DATE, "--json").json["digest"] == two.dump(DATE).split()[-1]
    assert month["days"] == dict(two.rows("select settlement_date::text, digest from day_digest"))
    lines = two.reingest("digest", MONTH, "--csv").out.splitlines()
    assert lines == ["settlement_date,digest", *(f"{day},{digest}" for day, digest in month["days"].items())]


def test_what_cannot_be_compared_is_refused(two: Site, tmp_path: Path) -> None:
    """An altered listing, one of another span, no listing at all, and a span of which nothing is served: exit 2."""
    listing = tmp_path / "listing.txt"
    text = two.reingest("digest", MONTH).out
    for spoilt in (text.replace(f"\t{DATE}", "\t2024-01-14"), "a poem", "", two.reingest("digest", YEAR).out):
        listing.write_text(spoilt, encoding="utf-8")
        assert two.reingest("digest", MONTH, "--against", listing, "--json").error["code"] == "bad_usage"
    assert two.reingest("digest", "2023-05", "--json").error["code"] == "not_found"
