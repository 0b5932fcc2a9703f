"""Resume: what a run that broke off got from the source is not asked again within the hour."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from signal import SIGKILL
from typing import Any, get_args

import pytest

from reingest.clock import utc_now
from reingest.standin.server import StandIn
from reingest.store.database import connect
from reingest.store.fetches import BROKEN_OFF, forget_fetches, resumable_fetches
from reingest.store.runs import Run, RunOutcome
from tests.integration.operations.test_two_at_once import wait_for
from tests.support.days import DATE, Row
from tests.support.postgres import Databases
from tests.support.sites import Serve, Site, copy_of, recorded_elexon

FULL_DAY: tuple[Row, ...] = tuple(
    (DATE, period, side, 1, "T_HILLW-1", 1000 + period, 1, "true", "-50", volume)
    for period in range(1, 49)
    for side, volume in (("bid", "-1.5"), ("offer", "2"))
)
"""A day like most real ones: every stack has rows."""
HANGING: list[dict[str, Any]] = [{"kind": "latency", "ms": 60_000, "periods": "31-48", "dataset": "ISPSTACK"}]
FAILING: list[dict[str, Any]] = [{"kind": "status", "status": 500, "dataset": "ISPSTACK", "periods": 17}]
STORED = """select count(*) from "fetch" where dataset = 'ISPSTACK'"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """Return the Elexon of all these tests, which publishes a date with rows in every stack."""
    with recorded_elexon(tmp_path_factory.mktemp("source"), FULL_DAY) as elexon:
        yield elexon


@pytest.fixture
def elexon(source: StandIn) -> StandIn:
    """Return the Elexon of all these tests, without faults."""
    source.script([])
    return source


@pytest.fixture(scope="module")
def broken_off_site(
    source: StandIn, databases: Databases, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Return a site to be copied, where one run got everything but period 17; nobody runs anything in it."""
    with databases.database(template) as url:
        site = Site(url, tmp_path_factory.mktemp("broken-off") / "home", source.url)
        source.script(FAILING)
        ran = site.date(DATE, REINGEST_ATTEMPTS="2")
        assert (ran.exit_code, ran.error["code"]) == (4, "partial")
        yield site


@pytest.fixture
def broken_off(broken_off_site: Site, databases: Databases, tmp_path: Path, elexon: StandIn) -> Iterator[Site]:
    """Return a site where one run got everything but period 17, and the source is well again."""
    with copy_of(broken_off_site, databases, tmp_path / "home") as site:
        yield site


@pytest.fixture
def killed(site: Site, elexon: StandIn) -> Site:
    """Return a site where a run was killed once the first thirty periods were stored, and the source is well again."""
    elexon.script(HANGING)
    run = site.start("date", DATE)
    wait_for(lambda: site.value(STORED) == 60, 30)
    run.send(SIGKILL)
    run.finish()
    elexon.script([])
    return site


class Asked:
    """Which stacks the source is asked for while the block runs, as (period, side)."""

    def __init__(self, elexon: StandIn) -> None:
        self._elexon = elexon
        self._before = len(elexon.requests())

    @property
    def stacks(self) -> list[tuple[int, str]]:
        paths = [seen.path.partition("?")[0].split("/") for seen in self._elexon.requests()[self._before :]]
        return sorted((int(path[-1]), path[-3]) for path in paths if "stack" in path)


def stacks(periods: Sequence[int]) -> list[tuple[int, str]]:
    return [(period, side) for period in periods for side in ("bid", "offer")]


ALL = stacks(range(1, 49))


def test_a_killed_run_is_resumed(killed: Site, elexon: StandIn) -> None:
    """Killed after period 30, the next run asks for the other 18 periods only, and publishes what a clean run does."""
    asked = Asked(elexon)
    ran = killed.date(DATE)
    assert (ran.exit_code, ran.json["outcome"]) == (0, "published"), ran.err
    assert asked.stacks == stacks(range(31, 49))
    first = killed.value("select id from run order by started_at limit 1")
    assert any(
        note.startswith(f"30 periods (1-30; 60 stacks) taken from run {first}, ") for note in ran.json["notes"]
    ), ran.json["notes"]
    ((detail,),) = killed.rows("select detail from run_event where event = 'resumed'")
    assert (detail["run"], detail["periods"], detail["stacks"]) == (str(first), list(range(1, 31)), 60)
    assert killed.rows(
        "select outcome, detail from run join run_event on run_id = run.id where event = 'taken_over'"
    ) == [(None, {"by": ran.json["run_id"], "key": "date:2024-01-15"})]
    resumed = killed.dump(DATE)
    assert killed.date(DATE, "--force").json["outcome"] == "published"
    assert same_content(resumed, killed.dump(DATE))


def test_every_answer_is_judged(killed: Site, serve: Serve) -> None:
    """What a killed run had no time to judge the next one judges; an error, nonsense and no rows are told apart."""
    assert killed.date(DATE).exit_code == 0
    assert outcomes(killed) == {
        ("BMUNITS", "fetched"): 1,
        ("DISEBSP", "answered"): 1,  # nobody took it over, so nobody read it
        ("DISEBSP", "fetched"): 1,
        ("ISPSTACK", "fetched"): 96,
    }
    killed.elexon_url = serve(
        FULL_DAY[:-2],
        faults=[
            {"kind": "status", "status": 404, "dataset": "ISPSTACK", "periods": 1},
            {"kind": "html", "dataset": "ISPSTACK", "periods": 2},
        ],
    ).url
    last = killed.value('select max(id) from "fetch"')
    assert killed.date(DATE).exit_code == 4
    assert outcomes(killed, last) == {
        ("DISEBSP", "fetched"): 1,
        ("ISPSTACK", "empty"): 2,
        ("ISPSTACK", "fetched"): 90,
        ("ISPSTACK", "refused"): 2,
        ("ISPSTACK", "unreadable"): 2,
    }


def test_one_period_that_fails_for_ever_is_all_that_is_asked_again(broken_off: Site, elexon: StandIn) -> None:
    """A period that fails for ever makes the date partial each time, and the next run asks for no other stack."""
    elexon.script(FAILING)
    asked = Asked(elexon)
    ran = broken_off.date(DATE)
    assert (ran.exit_code, ran.error["code"]) == (4, "partial")
    assert asked.stacks == stacks([17])
    elexon.script([])
    asked = Asked(elexon)
    assert broken_off.date(DATE).json["outcome"] == "published"
    assert asked.stacks == stacks([17])
    assert broken_off.states(DATE) == {1: "published"}
    assert broken_off.value("select count(*) from lease") == 0


def test_attempts_are_bounded_and_shown(broken_off: Site) -> None:
    """A request is tried as often as the setting says and no more; the run and the date show it."""
    run_id = broken_off.value("select id from run")
    shown = broken_off.reingest("run", "show", run_id, "--json").json
    assert shown["attempts"] == {"1": 100, "2": 2}
    # Nobody read what the witnesses say of a date that is not whole.
    assert shown["outcomes"] == {"fetched": 96, "answered": 4, "refused": 2}
    assert [(one["period"], one["side"], one["status"]) for one in shown["failed_answers"]] == [
        (17, "bid", 500),
        (17, "offer", 500),
    ]
    assert "period 17 bid: refused, status 500, 2 attempts" in broken_off.reingest("run", "show", run_id).out
    assert broken_off.reingest("status", DATE, "--json").json["requests"] == {
        "run_id": str(run_id), "requests": 102, "retried": 2, "most_attempts": 2,
    }  # fmt: skip
    assert "102 requests answered, 2 of them retried, 2 attempts at most (1 are allowed)" in (
        broken_off.reingest("status", DATE).out
    )


def test_empty_answers_are_asked_again(site: Site, serve: Serve) -> None:
    """An answer without rows is asked again by the run after: it may have rows by then."""
    elexon = serve(FULL_DAY[:-4], faults=FAILING)
    site.elexon_url = elexon.url
    assert site.date(DATE).exit_code == 4
    asked = Asked(elexon)
    assert site.date(DATE).exit_code == 4
    assert asked.stacks == stacks([17, 47, 48])


def published_since(site: Site) -> None:
    assert site.date(DATE, "--fresh").exit_code == 0


def held_since(site: Site) -> None:
    assert site.date(DATE, "--fresh", "--expect-energy", "1").exit_code == 1


def an_hour_later(site: Site) -> None:
    site.rows("update run set started_at = started_at - interval '1 hour'")


def forgotten(site: Site) -> None:
    with connect(site.database_url, purpose="test") as connection:
        assert forget_fetches(connection, [DATE]) == 101


def payloads_gone(site: Site) -> None:
    for path in sorted(Path(site.home / "archive").rglob("*")):
        if path.is_file() and "manifest" not in str(path):
            path.unlink()


def planned_since(site: Site) -> None:
    forgotten(site)
    assert site.date(DATE, "--plan").exit_code == 0


@pytest.mark.parametrize("since", [published_since, held_since, an_hour_later, forgotten, payloads_gone, planned_since])
def test_what_is_not_to_be_resumed(since: Callable[[Site], None], broken_off: Site, elexon: StandIn) -> None:
    """Nothing is taken past a run that came to its end, from an hour ago, from a plan, once forgotten or lost."""
    since(broken_off)
    asked = Asked(elexon)
    ran = broken_off.date(DATE)
    assert ran.exit_code == 0, ran.err
    assert asked.stacks == ALL


def test_only_runs_that_broke_off_are_resumed(broken_off: Site) -> None:
    """A run's answers are there to be taken after each outcome that means it broke off, after a kill, and no other."""
    run = Run("reingest", settlement_date=DATE)
    takes = {}
    with connect(broken_off.database_url, purpose="test") as connection:
        for outcome in (None, *get_args(RunOutcome)):
            finished = None if outcome is None else utc_now()
            broken_off.rows("update run set outcome = %s, finished_at = %s", outcome, finished)
            found = resumable_fetches(connection, run, base_url=broken_off.elexon_url, no_older_than=timedelta(hours=1))
            takes[outcome] = len(found)
    assert {outcome for outcome, count in takes.items() if count == 94} == {None, *BROKEN_OFF}
    assert {count for outcome, count in takes.items() if outcome not in (None, *BROKEN_OFF)} == {0}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--fresh"], ALL),
        (["--plan"], ALL),
        (["--side", "bid"], [stack for stack in ALL if stack[1] == "bid"]),
        (["--periods", "16-18"], stacks([17])),
    ],
)
def test_what_a_run_asks_for_decides(
    words: list[str], expected: list[tuple[int, str]], broken_off: Site, elexon: StandIn
) -> None:
    """With --fresh, as a plan, or with other sides everything is asked; of some periods only those that are missing."""
    asked = Asked(elexon)
    assert broken_off.date(DATE, *words).exit_code in (0, 1)
    assert asked.stacks == expected


def test_another_source_is_asked_everything(broken_off: Site, serve: Serve) -> None:
    """What one address answered is not taken for the answer of another."""
    other = serve(FULL_DAY)
    broken_off.elexon_url = other.url
    assert broken_off.date(DATE).exit_code == 0
    assert len([seen for seen in other.requests() if "/stack/" in seen.path]) == len(ALL)


def outcomes(site: Site, after: int = 0) -> dict[tuple[str, str], int]:
    """Return how many answers there are by dataset and outcome, after that fetch; but of witnesses, asked anew."""
    found = site.rows(
        'select dataset, outcome, count(*) from "fetch" where id > %s and dataset <> all(%s) group by 1, 2',
        after,
        ["BOAV", "EBOCF"],
    )
    return {(dataset, outcome): count for dataset, outcome, count in found}


def same_content(one: str, other: str) -> bool:
    """Tell whether two dumps agree but for the version's number."""
    return numberless(one) == numberless(other)


def numberless(dump: str) -> list[str]:
    return [line for line in dump.splitlines() if not line.startswith(("version", "sha256"))]
