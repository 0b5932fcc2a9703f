"""Reports of runs for tests: one that published a restatement, with any of its fields replaced."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from reingest.curtailment.checks import Check
from reingest.curtailment.definitions import definitions_for
from reingest.curtailment.diff import diff_records
from reingest.curtailment.words import SIDES
from reingest.operations.outlook import Figures, Outlook
from reingest.operations.report import DateReport
from tests.support.curtailment import record, undo

PASSED = Check("periods_complete", "pass", "48 periods", "48 periods", "")
FAILED = Check("expected_energy:so_flagged", "fail", "9 MWh ± 0.001", "22.5 MWh", "off by 13.5 MWh")

OLD = (record(period=1, bm_unit="T_HILLW-1"), record(period=2, bm_unit="E_MOORW-1", volume="-4"))
NEW = (
    record(period=1, bm_unit="T_HILLW-1", volume="-12.5"),
    record(period=6, bm_unit="2__PLAIN", original_price="1", so_flag=False),
    undo(period=6, bm_unit="2__PLAIN", original_price="1"),
)


def figures(energy: str, payment: str, records: int, **mining: str) -> Figures:
    """What a span comes to."""
    return Figures(Decimal(energy), Decimal(payment), records, {model: Decimal(btc) for model, btc in mining.items()})


_SERVED, _NOW = figures("1234.5", "62000", 20, S9="0.5"), figures("1222.9995", "-61.005", 19, S9="0.49999999999")
_REPORT = DateReport(
    settlement_date="2024-10-27",
    run_id="01a1fe05-bb5a-793d-990f-5066dfed238e",
    outcome="published",
    decision="publish",
    version=3,
    generation=2,
    content_hash="c" * 64,
    served_version=1,
    sides=("bid", "offer"),
    source="live",
    requests=101,
    retries=1,
    rows=12068,
    records=1312,
    rejects=0,
    periods_expected=50,
    outcomes={"fetched": 49, "confirmed_empty": 1},
    provisional_until=None,
    verification="unverified",
    verdict=None,
    mining_state="available",
    outlook=(
        Outlook("day", "so_flagged", None, _NOW),
        Outlook("month", "so_flagged", _SERVED, _NOW),
        Outlook("year", "so_flagged", _SERVED, _SERVED),
    ),
    checks=(PASSED,),
    diff=diff_records(OLD, NEW, definitions_for(SIDES)),
    notes=(),
    seconds={},
)


def a_report(**fields: Any) -> DateReport:
    """A run that published version 3 over version 1, save for the given fields."""
    return replace(_REPORT, **fields)
