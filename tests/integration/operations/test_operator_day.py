"""docs/operator-day.md, run as it stands on a site that had a night as the page tells of."""

from datetime import timedelta

import pytest

from reingest.standin.server import StandIn
from tests.support.consoles import commands_of, run_command
from tests.support.days import of_date
from tests.support.sites import Serve, Site
from tests.support.small_sites import ONE, ROWS, THREE, TWO, heard_long_ago


@pytest.fixture
def elexon(serve: Serve) -> StandIn:
    """Return an Elexon that publishes the three dates, and the day before them."""
    return serve((*ROWS, *of_date(ONE - timedelta(days=1), ROWS[:3])))


@pytest.fixture
def night(small: Site, elexon: StandIn) -> Site:
    """Return a site after a night: one date was repaired, one is held, one failed, and the day before is missing."""
    elexon.restate(ONE, unit="T_HILLW-1", volume_factor="1.01")
    elexon.restate(TWO, unit="T_HILLW-1", volume_factor="3")
    assert small.date(THREE, "--side", "bid").exit_code == 0
    heard_long_ago(small)
    elexon.script([{"kind": "status", "status": 503, "dataset": "ISPSTACK", "periods": "5", "dates": str(THREE)}])
    ran = small.reingest("reconcile", "--within-payment", "100", "--json")
    assert ran.json["counts"] == {"failed": 1, "held": 1, "repaired": 1}, ran.err
    elexon.script([])
    return small


def test_the_day(night: Site) -> None:
    """Every command of the page ends as the page says, and at the end of the day nothing is left to do."""
    for heading, commands in commands_of("operator-day.md").items():
        for command, exit_code in commands:
            ran = run_command(night, command)
            assert ran.exit_code == exit_code, f"{heading}: {command}: {ran}"
    assert night.reingest("reconcile").out == "Nothing is due.\n"
