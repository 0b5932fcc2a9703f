import re
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reingest.curtailment.definitions import definitions_for
from reingest.curtailment.diff import RecordDiff, diff_records
from reingest.curtailment.exact import exact_sum
from reingest.curtailment.words import SIDES
from reingest.errors import FutureDate, PartialDate
from reingest.operations.report_markdown import error_markdown, picture_markdown, report_markdown
from reingest.operations.report_tables import check_rows, diff_by_period_rows, diff_by_unit_rows
from reingest.operations.report_text import report_lines
from tests.support.curtailment import record
from tests.support.reports import FAILED, NEW, OLD, PASSED, a_report

NO_DIFF = RecordDiff((), (), (), {}, {})


def text(**fields: object) -> str:
    return "\n".join(report_lines(a_report(**fields)))


def markdown(**fields: object) -> str:
    return report_markdown(a_report(**fields))


def test_text_of_a_run_that_published() -> None:
    """The terminal gets outcome, facts, totals with the served ones where they differ, checks, and what differs."""
    assert (
        text()
        == f"""\
2024-10-27: published, version 3, generation 2 (run 01a1fe05-bb5a-793d-990f-5066dfed238e)

  periods   50 expected: 1 confirmed_empty, 49 fetched
  source    live, bid and offer: 101 requests, 1 retries
  rows      12,068 stack rows, 1,312 curtailment records, 0 rejects
  witnesses unverified
  content   {"c" * 64}

  2024-10-27             MWh      GBP  records      BTC S9
  so_flagged  new  1,223.000  -£61.00       19  0.50000000
  2024-10                   MWh         GBP  records      BTC S9
  so_flagged  served  1,234.500  £62,000.00       20  0.50000000
                 new  1,223.000     -£61.00       19  0.50000000
  2024                    MWh         GBP  records      BTC S9
  so_flagged  same  1,234.500  £62,000.00       20  0.50000000

  ok    periods_complete: 48 periods

  Against version 1: 2 records added, 1 removed, 1 changed
    period  MWh (all_bids)       GBP  records
    6              +10.000   -£10.00       +1
    2               -4.000  -£200.00       -1
    1               +2.500  +£125.00       +0
    BM unit    MWh (all_bids)       GBP  records
    2__PLAIN          +10.000   -£10.00       +1
    E_MOORW-1          -4.000  -£200.00       -1
    T_HILLW-1          +2.500  +£125.00       +0"""
    )


def test_markdown_of_a_run_that_published() -> None:
    """Prefect gets the same, with a heading for each part, what is served now, and tables that it can draw."""
    assert (
        markdown()
        == f"""\
# 2024-10-27: published, version 3, generation 2

**Version 3 is served; it replaced version 1.**

## Totals

| 2024-10-27 |  | MWh | GBP | records |
| :-- | --: | --: | --: | --: |
| so\\_flagged | new | 1,223.000 | -£61.00 | 19 |

| 2024-10 |  | MWh | GBP | records |
| :-- | --: | --: | --: | --: |
| so\\_flagged | served | 1,234.500 | £62,000.00 | 20 |
|  | new | 1,223.000 | -£61.00 | 19 |

| 2024 |  | MWh | GBP | records |
| :-- | --: | --: | --: | --: |
| so\\_flagged | same | 1,234.500 | £62,000.00 | 20 |

## What the energy could have mined

| 2024-10-27 |  | BTC S9 |
| :-- | --: | --: |
| so\\_flagged | new | 0.50000000 |

| 2024-10 |  | BTC S9 |
| :-- | --: | --: |
| so\\_flagged | served | 0.50000000 |
|  | new | 0.50000000 |

| 2024 |  | BTC S9 |
| :-- | --: | --: |
| so\\_flagged | same | 0.50000000 |

## Checks

| check |  | found | expected |
| :-- | :-- | :-- | :-- |
| periods\\_complete | ok | 48 periods | 48 periods |

## What differs

Against version 1: 2 records added, 1 removed, 1 changed

| period | MWh (all\\_bids) | GBP | records |
| :-- | --: | --: | --: |
| 6 | +10.000 | -£10.00 | +1 |
| 2 | -4.000 | -£200.00 | -1 |
| 1 | +2.500 | +£125.00 | +0 |

| BM unit | MWh (all\\_bids) | GBP | records |
| :-- | --: | --: | --: |
| 2\\_\\_PLAIN | +10.000 | -£10.00 | +1 |
| E\\_MOORW-1 | -4.000 | -£200.00 | -1 |
| T\\_HILLW-1 | +2.500 | +£125.00 | +0 |

## The run

- periods: 50 expected: 1 confirmed\\_empty, 49 fetched
- source: live, bid and offer: 101 requests, 1 retries
- rows: 12,068 stack rows, 1,312 curtailment records, 0 rejects
- witnesses: unverified
- content: {"c" * 64}
- run: `01a1fe05-bb5a-793d-990f-5066dfed238e`
"""
    )


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"served_version": None}, "Version 3 is served; it is the date's first."),
        ({"outcome": "unchanged", "served_version": 3}, "Version 3 is served, as before."),
        ({"outcome": "held", "served_version": None}, "Nothing is served for this date."),
        ({"outcome": "planned", "version": None}, "Version 1 is served, as before."),
    ],
)
def test_markdown_tells_what_is_served(fields: dict[str, object], sentence: str) -> None:
    """Whatever the outcome, the second line says which version the date serves now."""
    assert markdown(**fields).splitlines()[2] == f"**{sentence}**"


def test_a_held_date_says_why_and_what_to_do() -> None:
    """A held date names the checks that hold it, how far they are off, and the command that publishes it after all."""
    held = {"outcome": "held", "generation": None, "checks": (PASSED, FAILED)}
    command = "reingest publish 2024-10-27 --version 3 --reason TEXT"
    why = "Version 3 is kept and not served; what was served still is."

    assert f"  Held by: expected_energy:so_flagged. {why}\n  Next: {command}" in text(**held)
    assert "\n  FAIL  expected_energy:so_flagged: 22.5 MWh\n        expected 9 MWh ± 0.001\n" in text(**held)
    assert f"Held by: expected\\_energy:so\\_flagged. {why}\n\n```sh\n{command}\n```\n" in markdown(**held)
    assert "| expected\\_energy:so\\_flagged | FAIL | 22.5 MWh | 9 MWh ± 0.001 |\n\n" in markdown(**held)
    assert "\n- expected\\_energy:so\\_flagged: off by 13.5 MWh\n" in markdown(**held)


@pytest.mark.parametrize(
    ("decision", "would"), [("publish", "publish it"), ("hold", "hold it"), ("unchanged", "find it unchanged")]
)
def test_a_plan_says_that_nothing_was_changed(decision: str, would: str) -> None:
    """A plan says in a sentence what a run would do, and the command for it."""
    planned = {"outcome": "planned", "decision": decision, "version": None, "generation": None}
    sentence, command = f"Nothing was changed. A run would {would}.", "reingest date 2024-10-27"

    assert text(**planned).endswith(f"\n\n  {sentence}\n  Next: {command}")
    assert f"{sentence}\n\n```sh\n{command}\n```\n" in markdown(**planned)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"served_version": None}, "No version was served before."),
        ({"diff": NO_DIFF}, "No record differs from version 1."),
    ],
)
def test_where_nothing_differs_there_are_no_tables(fields: dict[str, object], sentence: str) -> None:
    """A date without an older version, or with the same one, says so in place of what differs."""
    assert f"\n  {sentence}" in text(**fields)
    assert f"\n{sentence}\n" in markdown(**fields)
    assert "BM unit" not in text(**fields) + markdown(**fields)


def test_more_differences_than_a_page_should_hold() -> None:
    """Twelve units with the largest differences are shown, the others counted; the tables have them all."""
    new = [record(bm_unit=f"T_W-{number:02}", volume=str(-number)) for number in range(1, 21)]
    diff = diff_records([], new, definitions_for(SIDES))

    assert "    and 8 more; all of them: --json" in text(diff=diff)
    assert "\nand 8 more; all of them are in the run's tables.\n" in markdown(diff=diff)
    assert re.findall(r"^\| T\\_W-(\d+)", markdown(diff=diff), re.MULTILINE) == [f"{n:02}" for n in range(20, 8, -1)]
    assert len(diff_by_unit_rows(a_report(diff=diff))) == 20 * 3


def test_what_a_person_must_know_beside_the_figures() -> None:
    """Notes, a provisional date and a date without difficulty are said in both renderings."""
    fields = {
        "notes": ("JSON was taken",),
        "provisional_until": datetime(2024, 10, 29, 0, 44, tzinfo=UTC),
        "mining_state": "unavailable",
    }
    provisional = "provisional: Elexon calculates it again until 2024-10-29 00:44Z"
    unavailable = "unavailable: the difficulty of this date is not known"

    for part in ("note: JSON was taken", f"revision  {provisional}", f"mining    {unavailable}"):
        assert f"\n  {part}\n" in text(**fields)
    for part in ("JSON was taken", f"revision: {provisional}", f"mining: {unavailable}"):
        assert f"\n- {part}\n" in markdown(**fields)


def test_a_model_that_a_span_does_not_know() -> None:
    """A span whose served figures lack a miner model shows a dash for it."""
    month = a_report().outlook[1]
    served = replace(month.new, mining={}, records=1)
    row = "| so\\_flagged | served | - |"
    assert row in markdown(outlook=(replace(month, served=served),))


@given(st.text())
def test_no_text_breaks_the_markdown(words: str) -> None:
    """Whatever a check found stands in one cell of one row: no pipe, line feed or markup of its own gets through."""
    check = replace(PASSED, actual=words)
    (row,) = [line for line in markdown(checks=(check,)).splitlines() if line.startswith("| periods\\_complete")]
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 5
    assert not re.search(r"(?<!\\)(?:\\\\)*[<`\[*]", row)


def test_markdown_of_an_error() -> None:
    """An error tells its date and period, its code, what happened, what is safe, and the next command."""
    error = PartialDate("1 of 96 stacks could not be had", settlement_date=date(2024, 10, 27), period=5)
    assert (
        error_markdown(error)
        == """\
# 2024-10-27, period 5: partial

**Some settlement periods could not be had, so the date was not rebuilt.**

1 of 96 stacks could not be had

Safe: The served version has not changed; the answers already fetched are archived.

Next:

```sh
reingest date 2024-10-27
```
"""
    )


def test_markdown_of_an_error_without_a_detail() -> None:
    """An error that has neither date nor detail is told by its class alone."""
    assert error_markdown(FutureDate()).startswith("# future\\_date\n\n**The settlement date has not begun in Europe/")


def test_markdown_of_a_picture() -> None:
    """A picture travels inside its own URL, byte for byte, under words for those who cannot see it."""
    found = re.fullmatch(
        r"!\[a \\_day\\_]\(data:image/svg\+xml;base64,([\w+/=]+)\)\n", picture_markdown("<é/>", "a _day_")
    )
    assert found
    assert b64decode(found[1]).decode() == "<é/>"


def test_rows_of_checks() -> None:
    """Each check is a row with its verdict, what was found and what was expected."""
    assert check_rows(a_report(checks=(PASSED, FAILED)))[1] == {
        "Check": "expected_energy:so_flagged",
        "Verdict": "FAIL",
        "Found": "22.5 MWh",
        "Detail": "off by 13.5 MWh",
        "Expected": "9 MWh ± 0.001",
    }


def test_rows_of_differences_by_period() -> None:
    """Each period that differs has a row a definition that does, with its local time on a 50-period day."""
    rows = diff_by_period_rows(a_report())
    assert [(row["Period"], row["Begins"], row["Definition"]) for row in rows] == [
        *(("1", "00:00 BST", name) for name in ("so_flagged", "all_bids", "net")),
        *(("2", "00:30 BST", name) for name in ("so_flagged", "all_bids", "net")),
        # The row without a flag is no part of so_flagged, which therefore does not differ.
        *(("6", "01:30 GMT", name) for name in ("all_bids", "net")),
    ]
    assert rows[-1] == {
        "Period": "6",
        "Begins": "01:30 GMT",
        "Definition": "net",
        "MWh": "+6",
        "GBP": "-6",
        "Records": "+2",
    }


def test_rows_of_differences_add_up() -> None:
    """By unit and by period alike, the exact differences of a definition come to what the records differ by."""
    volumes = [exact_sum(one.volume for one in records if one.side == "bid") for records in (OLD, NEW)]
    for rows in (diff_by_unit_rows(a_report()), diff_by_period_rows(a_report())):
        assert exact_sum(Decimal(row["MWh"]) for row in rows if row["Definition"] == "all_bids") == (
            volumes[0] - volumes[1]
        )
