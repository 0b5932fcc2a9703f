"""Scenarios to crash in of what takes something away: resets, and putting a backup back."""

from typing import Final

from tests.support.days import TINY_DATE
from tests.support.scenarios import (
    DATE_OF_BIDS,
    Places,
    Scenario,
    hold_a_version,
    leave_a_dead_lease,
    owe_the_log,
    restate,
)
from tests.support.sites import Site

BACKUP: Final = "before.dump"
MEANT: Final = ("--reason", "a drill", "--i-understand")


def publish_again(places: Places, site: Site) -> None:
    """Publish a restatement over what is served."""
    restate(places, site)
    assert site.reingest(*DATE_OF_BIDS).exit_code == 0


def hold_and_die(places: Places, site: Site) -> None:
    """Leave a held version, an abandoned one, and answers that the next run could take over."""
    hold_a_version(places, site)
    leave_a_dead_lease(places, site)


def deliver_and_be_refused(places: Places, site: Site) -> None:
    """Publish twice, with a log that is told of it, and ask for what there is not."""
    owe_the_log(places, site)
    publish_again(places, site)
    assert site.reingest("outbox", "deliver", "--all").exit_code == 0
    assert site.reingest("publish", TINY_DATE, "--version", 9, "--reason", "none").exit_code == 2


def back_up_and_go_on(places: Places, site: Site) -> None:
    """Write a backup, and publish something else after it."""
    assert site.reingest("backup", "create", "--out", site.home / "backups" / BACKUP).exit_code == 0
    publish_again(places, site)


UNDO: Final = (
    Scenario("reset state", "served", hold_and_die, ("reset", "state", TINY_DATE, *MEANT)),
    Scenario("reset ops", "served", deliver_and_be_refused, ("reset", "ops", *MEANT)),
    Scenario("reset data", "served", publish_again, ("reset", "data", "--date", TINY_DATE, *MEANT)),
    Scenario("backup restore", "served", back_up_and_go_on, ("backup", "restore", BACKUP, *MEANT)),
)
"""Each is mended, wherever it is killed, by the same command."""
