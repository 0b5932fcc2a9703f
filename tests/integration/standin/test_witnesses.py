"""The stand-in's witnesses over HTTP, read and judged: consistent, and wrong when they are told to be."""

from datetime import date
from decimal import Decimal
from typing import Any, get_args

import httpx
import pytest

from reingest.curtailment.statements import Statement
from reingest.curtailment.verdicts import Verdict
from reingest.curtailment.witnesses import Witnesses
from reingest.curtailment.words import SIDES, Side
from reingest.elexon.acceptance_volumes import read_acceptance_volumes
from reingest.elexon.cashflows import read_cashflows
from reingest.elexon.requests import WitnessDataset, system_prices_request, witness_request
from reingest.elexon.system_prices import read_system_prices
from reingest.errors import PayloadRejected
from reingest.standin.fleet import fleet_of
from reingest.standin.generate import SMALL_ROWS, GeneratedDays
from reingest.standin.render import XML_SHAPES
from reingest.standin.server import StandIn
from reingest.standin.units import generated_register
from tests.fixtures.standin import StartStandIn
from tests.support.standin import TLS
from tests.support.witnesses import Day, day_of

DATE = date(2024, 10, 27)
SEED = 7
READERS = {"BOAV": read_acceptance_volumes, "EBOCF": read_cashflows}


@pytest.fixture(scope="module")
def stacks() -> Day:
    """Return the date's stacks as they are published, without a fault; what the stand-in says is asked over HTTP."""
    register = generated_register()
    return day_of(GeneratedDays(SEED, fleet_of(register), rows=SMALL_ROWS), DATE, register)


def body(elexon: StandIn, dataset: WitnessDataset, side: Side, wire: Any = "json") -> bytes:
    answer = httpx.get(witness_request(dataset, DATE, side, wire).url(elexon.url), timeout=10, verify=TLS)
    assert answer.status_code == 200
    return answer.content


def statements(elexon: StandIn, dataset: Any, side: Side, wire: Any = "json") -> tuple[Statement, ...]:
    return READERS[dataset](body(elexon, dataset, side, wire), settlement_date=DATE)


def verdict(stacks: Day, elexon: StandIn) -> Verdict:
    """Ask the stand-in for its witnesses, and judge the stacks by them."""
    prices = httpx.get(system_prices_request(DATE).url(elexon.url), timeout=10, verify=TLS).content
    heard = Witnesses(
        system_prices={price.period: price for price in read_system_prices(prices, settlement_date=DATE)},
        acceptance_volumes={side: statements(elexon, "BOAV", side) for side in SIDES},
        cashflows={side: statements(elexon, "EBOCF", side) for side in SIDES},
    )
    return stacks.verdict(witnesses=heard)


@pytest.mark.parametrize("shape", XML_SHAPES)
def test_xml_says_what_json_says(stand_in: StartStandIn, shape: Any) -> None:
    """Each witness is the same in JSON and in every shape of XML; DISPTAV, which judges nothing, is served in both."""
    elexon = stand_in(generate=SEED, small=True, xml_shape=shape)
    for dataset in READERS:
        said = statements(elexon, dataset, "bid")
        assert statements(elexon, dataset, "bid", "xml") == said
        assert len(said) > 50
    for dataset in get_args(WitnessDataset):
        assert body(elexon, dataset, "offer", "xml").startswith(b"<")
        assert body(elexon, dataset, "offer").startswith(b'{"metadata"')


def test_witnesses_agree(stand_in: StartStandIn, stacks: Day) -> None:
    """Without a fault the date is verified by every rule."""
    assert verdict(stacks, stand_in(generate=SEED, small=True)).status == "verified"


WHERE = {"periods": "50", "side": "bid"}


@pytest.mark.parametrize(
    ("rule", "name", "difference"),
    [
        ({"dataset": "BOAV", "by": "-0.5", **WHERE}, "acceptance_volumes", "0.5"),
        ({"dataset": "EBOCF", "by": "0.02", **WHERE}, "cashflows", "-0.02"),
        ({"dataset": "DISEBSP", "by": "-0.00001", "periods": "50"}, "accepted_totals", "0.00001"),
        (
            {"dataset": "DISEBSP", "by": "3", "field": "totalAcceptedOfferVolume", "periods": "50"},
            "accepted_totals",
            "-3",
        ),
    ],
)
def test_a_witness_disagrees_by_so_much(
    stand_in: StartStandIn, stacks: Day, rule: dict[str, Any], name: str, difference: str
) -> None:
    """A witness that is told to disagree in a period is found to, there, by that much, and nowhere else."""
    elexon = stand_in(generate=SEED, small=True, faults=[{"kind": "off_by", **rule}])
    (found,) = verdict(stacks, elexon).differences
    assert (found.rule, found.period, found.side) == (name, 50, "offer" if "field" in rule else "bid")
    assert -Decimal("1E-7") < found.difference - Decimal(difference) < Decimal("1E-7")


@pytest.mark.parametrize(("kind", "reason"), [("late_row", "first_run"), ("conflicting_duplicate", "contradicting")])
@pytest.mark.parametrize(("dataset", "name"), [("BOAV", "acceptance_volumes"), ("EBOCF", "cashflows")])
def test_a_row_of_a_witness_that_proves_nothing(
    stand_in: StartStandIn, stacks: Day, kind: str, reason: str, dataset: str, name: str
) -> None:
    """A row of the first run, or a contradicted one, leaves its period and unit unverified, and accuses nobody."""
    elexon = stand_in(generate=SEED, small=True, faults=[{"kind": kind, "dataset": dataset, **WHERE}])
    unit = statements(stand_in(generate=SEED, small=True), dataset, "bid")
    first = next(one.bm_unit for one in unit if one.period == 50)
    found = verdict(stacks, elexon)
    assert (found.status, found.differences) == ("unverified", ())
    assert {one[:5] for one in found.unverified} == {(name, 50, "bid", first, reason)}


def test_witnesses_that_repeat_themselves(stand_in: StartStandIn, stacks: Day) -> None:
    """Rows that come again, all of them and many times, change nothing."""
    rules = [
        {"kind": "duplicate_row", "row": "all", "dataset": "BOAV"},
        {"kind": "many_rows", "copies": 3, "dataset": "EBOCF"},
    ]
    assert verdict(stacks, stand_in(generate=SEED, small=True, faults=rules)).status == "verified"


def test_witnesses_before_and_after_the_second_run(stand_in: StartStandIn, stacks: Day) -> None:
    """What is asked before the second run is unverified; asked again after it, the same date is verified."""
    rules = [{"kind": "early_run", "dataset": ["BOAV", "EBOCF", "DISEBSP"], "attempts": 1}]
    elexon = stand_in(generate=SEED, small=True, faults=rules)
    before = verdict(stacks, elexon)
    assert (before.status, before.differences) == ("unverified", ())
    assert {one.reason for one in before.unverified} == {"first_run"}
    assert verdict(stacks, elexon).status == "verified"


def test_a_witness_with_a_gap(stand_in: StartStandIn, stacks: Day) -> None:
    """Periods of which a witness has no rows are a gap, as the source has some, and no contradiction."""
    elexon = stand_in(generate=SEED, small=True, faults=[{"kind": "no_rows", "dataset": "BOAV", "periods": "20-21"}])
    found = verdict(stacks, elexon)
    assert (found.status, found.differences) == ("unverified", ())
    assert {(one.period, one.reason) for one in found.unverified} == {(20, "not_published"), (21, "not_published")}


def test_a_witness_that_cannot_be_read(stand_in: StartStandIn) -> None:
    """A whole day with one row at fault, or cut short, is refused whole."""
    rules = [
        {"kind": "bad_number", "field": "acceptanceId", "dataset": "BOAV"},
        {"kind": "cut", "dataset": "EBOCF"},
    ]
    elexon = stand_in(generate=SEED, small=True, faults=rules)
    for dataset, code in (("BOAV", "bad_row"), ("EBOCF", "json_syntax")):
        with pytest.raises(PayloadRejected) as caught:
            statements(elexon, dataset, "bid")
        assert caught.value.reject_code == code
