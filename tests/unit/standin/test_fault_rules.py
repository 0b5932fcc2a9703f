import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from reingest.errors import BadUsage
from reingest.standin.asked import Asked
from reingest.standin.faults.bodies import _STRIKES as BODY_STRIKES
from reingest.standin.faults.bodies import _XML_STRIKES as XML_STRIKES
from reingest.standin.faults.delivery import _DELIVERIES as DELIVERIES
from reingest.standin.faults.kinds import KINDS, PLACES
from reingest.standin.faults.rows import _STRIKES as ROW_STRIKES
from reingest.standin.faults.rules import FaultRule, FaultScript, fault_rules, read_faults

DAY = date(2025, 3, 1)
BID = Asked("ISPSTACK", "xml", DAY, period=5, side="bid")
PAGE = Path(__file__).parents[3] / "docs" / "stand-in.md"


def rule(**table: Any) -> FaultRule:
    return fault_rules([{"kind": "html", **table}])[0]


def struck(script: FaultScript, asked: Asked = BID, attempts: int = 6) -> list[int]:
    return [attempt for attempt in range(1, attempts + 1) if script.strike(asked, attempt)]


@pytest.mark.parametrize(
    "table",
    [
        {"dataset": "ISPSTACK"},
        {"dataset": ["DISEBSP", "ISPSTACK"]},
        {"dates": "2025-03-01"},
        {"dates": date(2025, 3, 1)},
        {"dates": "2025-02-01..2025-03-31"},
        {"dates": ["2024-01-01", "2025-03-01"]},
        {"periods": 5},
        {"periods": "1-3,5"},
        {"side": "bid"},
        {"wire": "xml"},
        {"attempts": "1-2"},
        {"attempts": "1-"},
        {},
    ],
)
def test_a_rule_matches_what_it_names(table: dict[str, Any]) -> None:
    """A rule matches by dataset, date, period, side, wire format and attempt; what it does not name matches."""
    assert rule(**table).meets(BID, 1)


@pytest.mark.parametrize(
    "table",
    [
        {"dataset": "DISEBSP"},
        {"dates": "2025-03-02..2025-03-05"},
        {"periods": "6-"},
        {"side": "offer"},
        {"wire": "json"},
        {"attempts": "2-"},
    ],
)
def test_a_rule_leaves_the_rest_alone(table: dict[str, Any]) -> None:
    """Each thing that a rule names must fit."""
    assert not rule(**table).meets(BID, 1)


def test_a_dated_rule_is_not_about_the_register() -> None:
    """The register has no date, so a rule with dates leaves it alone."""
    assert not rule(dates="2025-03-01").meets(Asked("BMUNITS"), 1)


def test_an_answer_of_a_whole_date_is_struck_in_its_periods() -> None:
    """A rule with periods matches an answer of a whole date, and says which of its rows it is about."""
    prices = rule(periods="5")
    assert prices.meets(Asked("DISEBSP", "json", DAY), 1)
    assert (prices.is_about_period(5), prices.is_about_period(6), prices.is_about_period(None)) == (True, False, False)


def test_attempts_and_times_bound_a_rule() -> None:
    """Attempts choose which tries at one request are struck; times bounds all strikes together."""
    assert struck(FaultScript([rule(attempts="2-3")])) == [2, 3]
    assert struck(FaultScript([rule(times=2)])) == [1, 2]


def test_chance_is_decided_by_the_seed() -> None:
    """With a probability the same seed strikes the same attempts, whatever else is asked; another seed others."""
    often = [rule(probability=0.5)]
    first = struck(FaultScript(often, seed=1), attempts=64)
    again = FaultScript(often, seed=1)
    struck(again, Asked("DISEBSP", "json", DAY))
    assert struck(again, attempts=64) == first
    assert struck(FaultScript(often, seed=2), attempts=64) != first
    assert 16 < len(first) < 48


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"kind": "gremlin"}, "there is no fault 'gremlin'; reingest stand-in faults lists all"),
        ({"kind": "latency"}, "latency needs ms"),
        ({"kind": "html", "ms": 5}, "html has no parameter ms"),
        ({"kind": "html", "colour": "red"}, "colour"),
        ({"kind": "html", "periods": "x"}, "periods .*'x' is not a number or a range"),
        ({"kind": "html", "dates": "soon"}, "dates"),
        ({"kind": "dropped_row", "row": "last"}, "row is a number, 'random' or 'all', not 'last'"),
        ({"kind": "status", "status": 99}, "status"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused(table: dict[str, Any], complaint: str) -> None:
    """A wrong rule is refused with its number and what is wrong."""
    with pytest.raises(BadUsage, match=f"fault rule 2: .*{complaint}"):
        fault_rules([{"kind": "html"}, table])


def test_a_script_is_read_from_toml_and_json(tmp_path: Path) -> None:
    """TOML and JSON scripts are the same; a bare JSON list of rules will do."""
    toml = tmp_path / "faults.toml"
    toml.write_text('seed = 7\n[[rule]]\nkind = "status"\nstatus = 503\ndates = 2025-03-01\n', encoding="utf-8")
    rules = [{"kind": "status", "status": 503, "dates": "2025-03-01"}]
    full, bare = tmp_path / "full.json", tmp_path / "bare.json"
    full.write_text(json.dumps({"seed": 7, "rule": rules}), encoding="utf-8")
    bare.write_text(json.dumps(rules), encoding="utf-8")
    assert read_faults(toml).rules == read_faults(full).rules == read_faults(bare).rules
    assert (read_faults(toml).seed, read_faults(bare).seed) == (7, 0)


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.toml", "seed = "), ("a.json", "{"), ("b.json", '{"rules": []}'), ("c.json", '"html"')],
)
def test_a_script_that_cannot_be_read_is_refused(tmp_path: Path, name: str, text: str) -> None:
    """A file that is no TOML or JSON, or holds something else, is refused by name."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadUsage, match=name):
        read_faults(path)
    with pytest.raises(BadUsage, match=r"none\.json"):
        read_faults(tmp_path / "none.json")


def test_every_kind_has_what_does_it() -> None:
    """Each kind of fault has exactly one implementation, in its place."""
    done = {
        "delay": {"latency"},
        "run": {"early_run", "stale_rows"},
        "rows": set(ROW_STRIKES),
        "body": {*BODY_STRIKES, *XML_STRIKES},
        "answer": {"status", "redirect"},
        "delivery": set(DELIVERIES),
    }
    assert {place: {kind.name for kind in KINDS.values() if kind.place == place} for place in PLACES} == done


def test_every_kind_is_documented() -> None:
    """The documentation's table of faults is the table of the code: name, place, sentence and parameters."""
    documented = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \| (.*?) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert documented == [
        (kind.name, kind.place, kind.says, ", ".join([*kind.needs, *(f"[{name}]" for name in kind.may)]))
        for kind in KINDS.values()
    ]
