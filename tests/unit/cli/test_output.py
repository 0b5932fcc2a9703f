import csv
import io
import json
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reingest.cli.output import Column, Kind, Output, as_json, colours_wanted, instant, shown, table_lines, write_csv
from reingest.cli.progress import stage_progress
from reingest.errors import BadUsage

decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=15)


@given(decimals)
def test_json_and_csv_keep_every_digit(value: Decimal) -> None:
    """A decimal's text in JSON and CSV is the same number, without exponent and without trailing zeros."""
    text = json.loads(as_json({"v": value}))["v"]

    assert Decimal(text) == value
    assert "E" not in text
    assert not ("." in text and text.endswith("0"))


@given(decimals)
def test_tables_never_show_a_negative_zero(value: Decimal) -> None:
    """A number that rounds to zero has no sign."""
    assert shown(value, "energy") != "-0.000"


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("62399.044124435", "energy", "62,399.044"),
        ("4418777.64000892021", "money", "4,418,777.64"),
        ("-0.004", "money", "0.00"),
        ("1.005", "money", "1.00"),
        ("1.015", "money", "1.02"),
        ("-12345.5", "money", "-12,345.50"),
        ("33.80157547", "btc", "33.80157547"),
        ("1234567", "count", "1,234,567"),
    ],
)
def test_tables_round_half_to_even(value: str, kind: Kind, text: str) -> None:
    """Energy has 3 places, money 2, BTC 8; thousands are separated; a tie goes to the even digit."""
    assert shown(Decimal(value), kind) == text


@dataclass(frozen=True, slots=True)
class Thing:
    when: datetime
    amount: Decimal


def test_json_has_a_form_for_every_value() -> None:
    """Records are objects, instants end in Z, durations are seconds, keys are text, nothing is rounded."""
    document = {
        1: Thing(datetime(2024, 3, 31, 1, tzinfo=UTC), Decimal("1E+3")),
        "day": date(2024, 3, 31),
        "id": UUID(int=1),
        "span": timedelta(minutes=1, milliseconds=500),
        "list": (None, True, 3, "a"),
    }

    assert json.loads(as_json(document)) == {
        "1": {"when": "2024-03-31T01:00:00Z", "amount": "1000"},
        "day": "2024-03-31",
        "id": "00000000-0000-0000-0000-000000000001",
        "span": "60.5",
        "list": [None, True, 3, "a"],
    }


def test_a_value_without_a_form_is_an_error() -> None:
    """A float cannot slip into the output: it has no exact form."""
    with pytest.raises(TypeError):
        as_json({"v": 1.5})


def test_csv_quotes_and_names_nulls(capsys: pytest.CaptureFixture[str]) -> None:
    """CSV reads back as written; nulls are empty, lists are words, objects are JSON."""
    write_csv(["a", "b", "c", "d", "e"], [{"a": 'x,"y"', "b": None, "c": False, "d": ["bid", "offer"], "e": {"k": 1}}])
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))

    assert rows == [["a", "b", "c", "d", "e"], ['x,"y"', "", "false", "bid offer", '{"k": 1}']]


def test_a_table_has_no_trailing_blanks_and_is_never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """However narrow the terminal says it is, a wide value stands whole on its line."""
    monkeypatch.setenv("COLUMNS", "10")
    columns = (Column("name", "name"), Column("n", "n", "count"), Column("note", "note"))
    lines = table_lines(columns, [{"name": "x" * 200, "n": 1234, "note": None}, {"name": "y", "n": 5, "note": "z"}])

    assert lines[1] == f"{'x' * 200}  1,234  -"
    assert lines[2] == f"y{' ' * 199}      5  z"
    assert lines[0].endswith("  note")


def test_values_are_not_read_as_markup() -> None:
    """Text in brackets or with colons is data: it is neither styled nor replaced."""
    (_, line) = table_lines((Column("v", "v"),), [{"v": "[red]:smile: http://x[/red]"}])

    assert line == "[red]:smile: http://x[/red]"


def test_an_empty_table_is_nothing() -> None:
    """Without rows there is no heading either."""
    assert table_lines((Column("v", "v"),), []) == []


def test_instants_and_truths_in_tables() -> None:
    """Instants are UTC to the second, truths are yes and no, lists are joined."""
    columns = (Column("at", "at"), Column("ok", "ok"), Column("sides", "sides"))
    row = {"at": datetime(2024, 3, 31, 1, 2, 3, 4, tzinfo=UTC), "ok": True, "sides": ["bid", "offer"]}

    assert table_lines(columns, [row])[1] == "2024-03-31 01:02:03Z  yes  bid,offer"
    assert instant(None) is None


def test_both_forms_at_once_are_refused() -> None:
    """JSON and CSV together are bad usage."""
    with pytest.raises(BadUsage, match="choose one"):
        Output.chosen(as_json=True, as_csv=True)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("environment", "wanted"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_are_for_terminals_that_want_them(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], wanted: bool
) -> None:
    """Colours need a terminal, no NO_COLOR, and a TERM that is not dumb."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert not colours_wanted()  # pytest's stdout is no terminal
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert colours_wanted() is wanted


def test_progress_is_silent_in_a_pipe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where stderr is no terminal nothing is drawn, however long it takes."""
    monkeypatch.setattr("reingest.cli.progress.PATIENCE_SECONDS", 0.0)
    with stage_progress() as progress:
        progress("fetch", 1, 96)

    assert capsys.readouterr().err == ""


def test_progress_draws_one_line_and_wipes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal one line is drawn over and over, and nothing of it is left."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("reingest.cli.progress.PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr("reingest.cli.progress.REDRAW_SECONDS", 0.0)
    with stage_progress() as progress:
        progress("fetch", 48, 96)
        progress("fetch", 96, 96)

    drawn = terminal.getvalue().split("\r\x1b[K")
    assert drawn[0] == ""
    assert drawn[1].startswith("fetch: 48 of 96, ")
    assert drawn[2:] == ["fetch: 96 of 96", ""]


def test_progress_of_what_is_quick_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is over within a second draws nothing."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with stage_progress() as progress:
        progress("fetch", 96, 96)

    assert terminal.getvalue() == ""
