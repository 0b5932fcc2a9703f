"""The 90 faults: each ends as stated, no wrong figure is ever served, and one plain re-run puts everything right."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reingest.standin.server import StandIn
from reingest.store.runs import EXIT_CODES
from tests.drills.faults.catalogue import CATALOGUE, Place
from tests.drills.faults.fault import NEW_DAY, WANTED, Ground, Stated
from tests.support.days import DATE
from tests.support.postgres import Databases
from tests.support.prefect import the_runs_server
from tests.support.sites import Ran, Site, copy_of, recorded_elexon

Counted = Callable[..., None]

# A connection attempt that is cancelled, as all are when a run gives its source up, leaves what it had begun to the
# collector: asyncio says so, and nothing is lost but a socket of a process that is about to end.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]


@pytest.fixture(scope="module")
def elexon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """Return an Elexon that publishes something newer of the date than is served."""
    with recorded_elexon(tmp_path_factory.mktemp("faults"), NEW_DAY) as elexon:
        yield elexon


@pytest.fixture(scope="module")
def dumps(
    published_site: Site, elexon: StandIn, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Return the dump of the old date, and of the new one that a clean run gives."""
    home = tmp_path_factory.mktemp("clean") / "home"
    with copy_of(published_site, databases, home) as site:
        site.elexon_url = elexon.url
        old = site.dump(DATE)
        ran = site.date(DATE)
        assert ran.exit_code == 0, ran.err
        new = site.dump(DATE)
        assert new != old
    return {"old": old, "new": new}


@pytest.fixture
def ground(
    published_site: Site, elexon: StandIn, databases: Databases, run_folder: Path, tmp_path: Path
) -> Iterator[Ground]:
    """Return a site of the test's own, where the old date is served."""
    with copy_of(published_site, databases, tmp_path / "home") as site:
        site.elexon_url = elexon.url
        site.settings["REINGEST_LEASE_TTL_SECONDS"] = "5"
        yield Ground(site, elexon, databases, lambda: the_runs_server(run_folder, databases))


def test_the_catalogue_is_whole() -> None:
    """Each group has as many faults as the list, under different names; what cannot be tried yet says why."""
    for group, wanted in WANTED.items():
        names = [fault.name for fault in CATALOGUE[group]]
        assert len(names) == len(set(names)) == wanted
    assert all(bool(fault.trials) != bool(fault.not_yet) for faults in CATALOGUE.values() for fault in faults)


def test_a_fault_ends_as_stated(place: Place, ground: Ground, dumps: dict[str, str], counted: Counted) -> None:
    """The run ends as stated, the old date or the right new one is served, and a re-run ends like a clean run."""
    trial = place.trial
    site = ground.site
    with trial.make(ground):
        before = site.settings
        site.settings = {**before, **trial.settings}
        ran = trial.run(ground)
        site.settings = before
    require_stated(ran, trial.stated, site)
    assert site.dump(DATE) == dumps[trial.stated.serves]
    require_no_silent_acceptance(ran, site, dumps)
    counted(f"faults: {place.group}", int(place.is_last))
    counted(f"faults: {place.group}, trials")
    finish(site, dumps)
    gc.collect()  # so that what this trial left is not found in another test


def require_stated(ran: Ran, stated: Stated, site: Site) -> None:
    """Require exit code, stored outcome and reason as the catalogue states them."""
    assert ran.exit_code == stated.exit_code, ran.err or remarks(ran)
    if stated.outcome in {"published", "held"}:
        assert ran.json["outcome"] == stated.outcome
        said = [detail for name, detail in remarks(ran) if name == stated.code]
        assert bool(said) == bool(stated.code), remarks(ran)
        assert all(stated.says in detail for detail in said)
    elif stated.exit_code > 0:
        assert (ran.error["code"], stated.says in ran.error["message"]) == (stated.code, True), ran.error
    stored = site.rows("select outcome, exit_code from run where outcome is not null order by started_at")
    if stated.outcome in EXIT_CODES and len(stored) > 1:  # the first is the old date's; a database may store no other
        assert (stated.outcome, stated.exit_code) in stored[1:]


def remarks(ran: Ran) -> list[tuple[str, str]]:
    """Return name and detail of each check that did not pass."""
    return [(check["name"], check["detail"]) for check in ran.json["checks"] if check["status"] != "pass"]


def require_no_silent_acceptance(ran: Ran, site: Site, dumps: dict[str, str]) -> None:
    """Require that whoever heard exit code 0 is served the right date."""
    if ran.exit_code == 0:
        assert site.dump(DATE) == dumps["new"]


def finish(site: Site, dumps: dict[str, str]) -> None:
    """Run again, with the fault gone, and find what a clean run leaves."""
    ran = site.date(DATE)
    assert ran.exit_code == 0, ran.err or ran.out
    assert ran.json["outcome"] in {"published", "unchanged"}
    assert site.dump(DATE) == dumps["new"]
    states = list(site.states(DATE).values())
    assert states.count("published") == 1
    assert set(states) <= {"published", "superseded", "abandoned", "held"}
    assert site.value("select count(*) from lease") == 0
    assert site.value("select count(*) from outbox") == site.generation(DATE)
