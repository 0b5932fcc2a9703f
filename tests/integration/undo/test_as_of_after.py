"""What as-of tells after something was taken away: what was served then, or that nobody can know."""

from datetime import date

from tests.support.days import DATE, NEXT_DATE
from tests.support.reported import Look, as_of, look, spans_as_of, spans_of, unknown_as_of
from tests.support.sites import Site

ACT = ("--reason", "a test", "--i-understand", "--no-backup", "--json")
SPANS = """
select version, known, figures_of, served_to is null from served_history where settlement_date = %s order by served_from
"""


def require(site: Site, seen: list[Look], lost: list[set[date]]) -> None:
    """Require that as-of tells of each instant what was seen, less what is lost, and that it says what is."""
    instants = [one.instant for one in seen]
    left = [one.without(gone) for one, gone in zip(seen, lost, strict=True)]
    told = as_of(site, instants)
    assert [(one.days, one.units, one.mining) for one in told] == [(one.days, one.units, one.mining) for one in left]
    for span in ("month", "year"):
        assert spans_as_of(site, span, instants) == [spans_of(one, span) for one in left]
    assert unknown_as_of(site, instants) == lost


def test_a_reset_is_told_as_such(history: Site) -> None:
    """What a reset took is said to be unknown, by date and in the sums, until its content is published again."""
    seen = [look(history)]
    assert history.reingest("restore", DATE, "--version", 1, "--reason", "a test").exit_code == 0
    seen.append(look(history))
    assert history.reingest("reset", "data", "--date", DATE, *ACT).exit_code == 0
    seen.append(look(history))
    require(history, seen, [{DATE}, {DATE}, set()])
    words = ("--reported", seen[1].instant.isoformat(), "--json")
    ran = history.reingest("as-of", DATE, *words)
    assert (ran.exit_code, ran.error["code"]) == (2, "not_found")
    assert f"version 4 of {DATE} was served then, and its figures were taken away" in ran.error["message"]
    month = history.reingest("as-of", "2024-01", *words).json
    assert (month["days_published"], month["days_unknown"], month["unknown"]) == (1, 1, [str(DATE)])
    assert history.reingest("as-of", DATE, "--reported", seen[2].instant.isoformat()).exit_code == 2

    assert history.date(DATE, "--source", "archive").json["version"] == 5
    require(history, seen, [{DATE}, set(), set()])
    again = history.reingest("as-of", DATE, *words).json
    assert (again["version"], again["figures_of"]) == (4, 5)
    assert history.rows(SPANS, DATE) == [
        (1, True, 5, False), (2, False, None, False), (3, False, None, False), (4, True, 5, False), (5, True, 5, True),
    ]  # fmt: skip


def test_a_backup_put_back_is_told_as_such(history: Site) -> None:
    """Versions that a backup lacks were served all the same, and the one that it has was not while they were."""
    backup = history.reingest("backup", "create", "--json").json["path"]
    seen = [look(history)]
    exclude = ("units", "exclude", "T_HILLW-2", "--reason", "a test")
    assert history.reingest(*exclude).exit_code == 0
    assert history.date(DATE, "--source", "archive").json["version"] == 4
    seen.append(look(history))
    assert history.reingest("reset", "data", "--date", NEXT_DATE, *ACT).exit_code == 0
    seen.append(look(history))
    assert history.reingest("backup", "restore", backup, *ACT).exit_code == 0
    seen.append(look(history))
    require(history, seen, [set(), {DATE}, {DATE}, set()])
    assert [row[0] for row in history.rows(SPANS, DATE)] == [1, 2, 3, 4, 3]
    assert [row[3] for row in history.rows(SPANS, NEXT_DATE)] == [False, True]

    assert history.reingest(*exclude).exit_code == 0
    assert history.date(DATE, "--source", "archive").json["version"] == 5
    require(history, seen, [set(), set(), set(), set()])
