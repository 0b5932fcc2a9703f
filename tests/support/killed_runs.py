"""What is around a flow run that is killed: a date that it would change, and the run after it."""

from typing import Any, Final

from reingest.cli import via_prefect
from reingest.operations.request import DateRequest
from reingest.standin.server import StandIn
from tests.support.days import LATER_DATE
from tests.support.sites import Site

HANG: Final[tuple[dict[str, Any], ...]] = ({"kind": "hang"},)
SLOW: Final[tuple[dict[str, Any], ...]] = ({"kind": "latency", "ms": 2000},)


def published_and_restated(site: Site, elexon: StandIn) -> str:
    """Publish the later date, have Elexon change it, and return what it serves."""
    assert site.date(LATER_DATE).exit_code == 0
    elexon.restate(LATER_DATE, unit="T_HILLW-1", volume_factor="2")
    elexon.reset()
    return site.dump(LATER_DATE)


def run_again(site: Site, elexon: StandIn, old: str) -> None:
    """Find that the next run of the later date publishes what Elexon says now, and that nothing is left half done."""
    elexon.script([])
    assert via_prefect.follow(DateRequest(LATER_DATE), as_json=False) == 0
    assert site.dump(LATER_DATE) != old
    assert set(site.states(LATER_DATE).values()) <= {"superseded", "published", "abandoned"}
    assert site.value("select count(*) from lease") == 0
