"""Scenarios to crash in: a command, the state that it begins from, and the state that it leads to."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Final, TypeAlias

from reingest import checkpoints
from reingest.standin.server import StandIn
from tests.support.days import REGISTER, TINY_DATE, TINY_DAY
from tests.support.postgres import Databases
from tests.support.readers import look_at
from tests.support.sites import NOWHERE, Site, copy_of, recorded_elexon
from tests.support.small_sites import heard_long_ago
from tests.support.states import State, left_open, state_of
from tests.support.webhooks import running_webhook

DATE_OF_BIDS: Final = ("date", TINY_DATE, "--side", "bid", "--json")
STAGE: Final = ("date", TINY_DATE, "--side", "bid", "--stage", "1-46", "--json")
PLAN: Final = "{home}/plan.json"
RANGE_OF_ONE: Final = ("range", TINY_DATE, "--side", "bid", "--yes", "--json")
RANGE_OF_BIDS: Final = ("range", TINY_DATE - timedelta(days=2), TINY_DATE, "--side", "bid", "--yes", "--json")
OTHER_REGISTER: Final = (*REGISTER, ("T_NEWW-1", "WIND", "New Wind Ltd"))
WIND_REGISTER: Final = (*REGISTER[:-1], ("V__BATT001", "WIND", "Battery Ltd"))
_Prepare: TypeAlias = Callable[["Places", Site], None]


def nothing_more(_places: "Places", _site: Site) -> None:
    """Begin from the start as it is."""


def restate(places: "Places", site: Site) -> None:
    """Have Elexon say something else by now."""
    site.elexon_url = places.restated.url


def contradict(places: "Places", site: Site) -> None:
    """Have a witness say something else than the stacks."""
    site.elexon_url = places.contradicted.url


def plan_a_restatement(places: "Places", site: Site) -> None:
    """Seal a plan to publish a restatement."""
    restate(places, site)
    assert site.reingest(*DATE_OF_BIDS, "--plan", "--out", PLAN).exit_code == 0


def hold_a_version(places: "Places", site: Site) -> None:
    """Hold a restatement that is not what was expected."""
    restate(places, site)
    assert site.reingest(*DATE_OF_BIDS, "--expect-energy", "1").exit_code == 1


def stage_it_all(places: "Places", site: Site) -> None:
    """Stage a restatement of the whole date, of which Elexon says something else in one period by now."""
    site.elexon_url = places.restated.url
    assert site.reingest(*STAGE).exit_code == 0
    site.elexon_url = places.restated_in_part.url


def leave_a_dead_lease(places: "Places", site: Site) -> None:
    """Kill a run that has written its candidate."""
    restate(places, site)
    assert site.start(*DATE_OF_BIDS, REINGEST_CRASH_AT="after_stage").finish().exit_code < 0


def leave_only_a_dead_lease(_places: "Places", site: Site) -> None:
    """Kill a run that has done nothing yet but take the date."""
    assert site.start(*DATE_OF_BIDS, REINGEST_CRASH_AT="after_lease").finish().exit_code < 0


def silence(_places: "Places", site: Site) -> None:
    """Have no Elexon answer."""
    site.elexon_url = NOWHERE


def break_off_a_range(places: "Places", site: Site) -> None:
    """Kill a range that has written the candidate of its one date."""
    restate(places, site)
    assert site.start(*RANGE_OF_ONE, REINGEST_CRASH_AT="after_stage").finish().exit_code < 0


def restate_what_was_heard_long_ago(places: "Places", site: Site) -> None:
    """Have Elexon say something else of a date that was heard so long ago that it is due."""
    restate(places, site)
    site.settings["REINGEST_RECONCILE_WINDOW_DAYS"] = "0"
    heard_long_ago(site)


def decide_and_expect(_places: "Places", site: Site) -> None:
    """Decide on a unit, and expect a total."""
    assert site.reingest("units", "exclude", "T_GASP-1", "--reason", "no wind").exit_code == 0
    assert site.reingest("expected", "set", TINY_DATE, "--energy", "10").exit_code == 0


def owe_the_log(_places: "Places", site: Site) -> None:
    """Configure a log in a folder that every process has, make it known, and owe it the fact of the served version."""
    site.settings["REINGEST_OUTBOX_LOG"] = "facts.jsonl"
    assert site.reingest("outbox", "deliver").exit_code == 0
    assert site.reingest("outbox", "retry", "--no-sink").exit_code == 0


def owe_a_log_that_fails(places: "Places", site: Site) -> None:
    """Owe the fact to a log that cannot be written, and wait long for the next attempt."""
    owe_the_log(places, site)
    site.settings["REINGEST_OUTBOX_LOG"] = "/nowhere/facts.jsonl"
    site.settings["REINGEST_OUTBOX_RETRY_SECONDS"] = "3600"


def restate_and_know_the_log(places: "Places", site: Site) -> None:
    """Have Elexon say something else, of which a log will be told."""
    restate(places, site)
    know_the_log(places, site)


def know_the_log(_places: "Places", site: Site) -> None:
    """Make a log known, which is owed nothing yet."""
    site.settings["REINGEST_OUTBOX_LOG"] = "facts.jsonl"
    assert site.reingest("outbox", "deliver").exit_code == 0


def tell_by_a_webhook(places: "Places", site: Site) -> None:
    """Hold a version, of which a webhook is to be told."""
    hold_a_version(places, site)
    site.settings["REINGEST_NOTICE_WEBHOOK_URL"] = places.webhook.url


def tell_by_a_webhook_that_fails(places: "Places", site: Site) -> None:
    """Hold a version, of which a webhook that nobody serves is to be told, and wait long for the next attempt."""
    hold_a_version(places, site)
    site.settings["REINGEST_NOTICE_WEBHOOK_URL"] = "http://127.0.0.1:9/"
    site.settings["REINGEST_OUTBOX_RETRY_SECONDS"] = "3600"


def give_a_notice_up(places: "Places", site: Site) -> None:
    """Have a notice be a dead letter."""
    tell_by_a_webhook_that_fails(places, site)
    site.settings["REINGEST_OUTBOX_ATTEMPTS"] = "1"
    assert site.reingest("notices", "deliver").exit_code == 1


def ask_nobody(_places: "Places", site: Site) -> None:
    """Have no Elexon."""
    site.elexon_url = NOWHERE


def share_the_rate(_places: "Places", site: Site) -> None:
    """Take slots at the gate."""
    site.settings |= {"REINGEST_RATE_GATE": "shared", "REINGEST_REQUESTS_PER_SECOND": "500"}


def another_register(places: "Places", site: Site) -> None:
    """Have Elexon list one unit more."""
    site.elexon_url = places.other_register.url


def propose_a_unit(places: "Places", site: Site) -> None:
    """Have the register call a known unit wind that had no fuel type."""
    site.elexon_url = places.wind_register.url
    assert site.reingest("units", "refresh").exit_code == 0


def serve_another(places: "Places", site: Site) -> None:
    """Publish a restatement over the first version."""
    restate(places, site)
    assert site.reingest(*DATE_OF_BIDS).exit_code == 0


def age_the_log(_places: "Places", site: Site) -> None:
    """Have every log line be half a year old."""
    site.rows("update run_event set at = at - interval '180 days'")
    site.rows(
        "update run set started_at = started_at - interval '180 days', finished_at = finished_at - interval '180 days'"
    )


@dataclass(frozen=True)
class Scenario:
    """A command to be killed.

    Attributes:
        start: `new`, a database without a schema; `empty`, one with it; `served`, one with a version of the date.
        prepare: What happens before.
        words: The command.
        exits: How it ends, and how its re-run ends, when nothing kills it.
        leaves: What may be left after the re-run.
    """

    name: str
    start: str
    prepare: _Prepare
    words: tuple[object, ...]
    exits: frozenset[int] = frozenset({0})
    leaves: frozenset[tuple[str, str]] = frozenset()


MODES: Final = (
    Scenario("first", "empty", restate, DATE_OF_BIDS),
    Scenario("again", "served", restate, DATE_OF_BIDS),
    Scenario("periods", "served", restate, ("date", TINY_DATE, "--periods", "1-2", "--json")),
)
"""The three modes of which each is killed at every checkpoint that it passes."""

OTHERS: Final = (
    Scenario("unchanged", "served", nothing_more, DATE_OF_BIDS),
    Scenario("held", "served", restate, (*DATE_OF_BIDS, "--expect-energy", "1"), frozenset({1})),
    Scenario("contradicted", "served", contradict, (*DATE_OF_BIDS, "--force", "--reason", "again"), frozenset({1})),
    # Once it is published a version is not held any more, and the re-run says so.
    Scenario(
        "publish held",
        "served",
        hold_a_version,
        ("publish", TINY_DATE, "--version", 2, "--reason", "it is right"),
        frozenset({0, 2}),
    ),
    Scenario("stage", "served", restate, STAGE),
    # Once it is published nothing is staged any more, and the re-run says so.
    Scenario("publish staged", "served", stage_it_all, ("publish", TINY_DATE, "--json"), frozenset({0, 2})),
    Scenario(
        "purge staged",
        "served",
        stage_it_all,
        ("purge", "staged", TINY_DATE, "--periods", "1-2", "--yes", "--reason", "a trial"),
    ),
    Scenario("take over", "served", leave_a_dead_lease, DATE_OF_BIDS),
    Scenario("range", "served", restate, RANGE_OF_ONE),
    # Once it is done no range is left to be resumed, and the re-run says so.
    Scenario("range resume", "served", break_off_a_range, ("range", "resume", "--json"), frozenset({0, 2})),
    Scenario("range of a silent source", "served", silence, RANGE_OF_BIDS, frozenset({4})),
    Scenario("reconcile", "served", restate_what_was_heard_long_ago, ("reconcile", "--json")),
    Scenario(
        "reconcile runs", "served", nothing_more, ("reconcile", "runs", "--enable", "SF", "--reason", "to see them")
    ),
    Scenario("units refresh", "served", another_register, ("units", "refresh")),
    # Once it is recorded there is nothing left to correct or to decide, and the re-run says so.
    Scenario(
        "units correct",
        "served",
        nothing_more,
        ("units", "correct", "T_GASP-1", "--valid-from", TINY_DATE, "--fuel-type", "WIND", "--reason", "it is wind"),
        frozenset({0, 2}),
    ),
    Scenario(
        "units accept",
        "served",
        propose_a_unit,
        ("units", "accept", "V__BATT001", "--reason", "it is wind"),
        frozenset({0, 2}),
    ),
    Scenario(
        "units decline",
        "served",
        propose_a_unit,
        ("units", "decline", "V__BATT001", "--reason", "it stores"),
        frozenset({0, 2}),
    ),
    Scenario("units include", "served", decide_and_expect, ("units", "include", "T_GASP-1", "--reason", "it is wind")),
    Scenario(
        "gaps accept",
        "served",
        nothing_more,
        ("gaps", "accept", TINY_DATE, "--periods", "3", "--reason", "never comes"),
    ),
    Scenario("expected", "served", decide_and_expect, ("expected", "set", TINY_DATE, "--energy", "11")),
    Scenario("told", "served", restate_and_know_the_log, DATE_OF_BIDS),
    Scenario("outbox deliver", "served", owe_the_log, ("outbox", "deliver")),
    Scenario("outbox deliver in vain", "served", owe_a_log_that_fails, ("outbox", "deliver"), frozenset({1})),
    Scenario("outbox retry", "served", know_the_log, ("outbox", "retry", "--no-sink")),
    # Once it is forgotten a sink is not known any more, and the re-run says so.
    Scenario(
        "outbox forget", "served", owe_the_log, ("outbox", "forget", "log", "--reason", "gone"), frozenset({0, 2})
    ),
    Scenario("notices deliver", "served", tell_by_a_webhook, ("notices", "deliver")),
    Scenario("notices deliver in vain", "served", tell_by_a_webhook_that_fails, ("notices", "deliver"), frozenset({1})),
    Scenario("notices retry", "served", give_a_notice_up, ("notices", "retry", "--dead")),
    Scenario("shared", "served", share_the_rate, DATE_OF_BIDS),
    Scenario("failed", "served", ask_nobody, DATE_OF_BIDS, frozenset({4})),
    Scenario("metrics", "served", nothing_more, ("metrics", "--out", "reingest.prom")),
    Scenario("expected retire", "served", decide_and_expect, ("expected", "retire", TINY_DATE)),
    # A lease that is gone is no longer there to be unlocked, and the re-run says so.
    Scenario(
        "unlock",
        "served",
        leave_only_a_dead_lease,
        ("unlock", TINY_DATE, "--reason", "its holder is dead", "--yes"),
        frozenset({0, 2}),
    ),
    Scenario("apply", "served", plan_a_restatement, ("apply", PLAN, "--json")),
    Scenario("restore", "served", serve_another, ("restore", TINY_DATE, "--version", 1, "--reason", "it was right")),
    # Where nothing is left to purge nobody takes the date, so that a dead purge's lease stays, for anyone to take over.
    Scenario(
        "purge versions",
        "served",
        hold_a_version,
        ("purge", "versions", "--pending", "--yes", "--reason", "a trial"),
        leaves=frozenset({("lease", f"date:{TINY_DATE}")}),
    ),
    Scenario("purge events", "served", age_the_log, ("purge", "events", "--yes")),
    Scenario("backup", "served", nothing_more, ("backup", "create")),
    Scenario("upgrade", "new", nothing_more, ("db", "upgrade")),
)
"""What passes the checkpoints that are on no mode's way."""


@dataclass(frozen=True)
class Prepared:
    """A scenario's site, to be copied, with what a run that nobody kills makes of a copy.

    Attributes:
        passes: The checkpoints that the run passes, in order, as often as it does.
        seconds: How long it takes.
        looks: What a reader sees of the date before and after it.
    """

    scenario: Scenario
    site: Site
    old: State
    new: State
    looks: frozenset[str | None]
    passes: tuple[str, ...]
    seconds: float

    @property
    def points(self) -> tuple[str, ...]:
        """The names of the checkpoints that it passes, in order."""
        return tuple(dict.fromkeys(self.passes))


class Places:
    """Elexons and sites that scenarios begin from; made once, copied for every drill, all gone at the end."""

    def __init__(self, databases: Databases, template: str, folder: Path, until: ExitStack) -> None:
        self.databases = databases
        self._template = template
        self._folder = folder
        self._until = until
        self._starts: dict[str, Site] = {}
        self._prepared: dict[str, Prepared] = {}
        self._copies = count()
        self.original = until.enter_context(recorded_elexon(folder, TINY_DAY))
        self.restated = until.enter_context(recorded_elexon(folder, TINY_DAY))
        self.restated.restate(TINY_DATE, unit="T_HILLW-1", volume_factor="2")
        self.restated.restate(TINY_DATE, unit="T_HILLW-2", volume_factor="3")
        self.restated.restate(TINY_DATE, unit="E_MOORW-1", volume_factor="1.5")
        self.restated_in_part = until.enter_context(recorded_elexon(folder, TINY_DAY))
        self.restated_in_part.restate(TINY_DATE, unit="T_HILLW-1", volume_factor="2")
        self.restated_in_part.restate(TINY_DATE, unit="T_HILLW-2", volume_factor="5")
        self.restated_in_part.restate(TINY_DATE, unit="E_MOORW-1", volume_factor="1.5")
        self.restated_otherwise = until.enter_context(recorded_elexon(folder, TINY_DAY))
        self.restated_otherwise.restate(TINY_DATE, volume_factor="7")
        off_by = {"kind": "off_by", "dataset": "BOAV", "by": "-0.5"}
        self.contradicted = until.enter_context(recorded_elexon(folder, TINY_DAY, faults=[off_by]))
        self.webhook = until.enter_context(running_webhook())
        self.other_register = until.enter_context(recorded_elexon(folder, TINY_DAY, units=OTHER_REGISTER))
        self.wind_register = until.enter_context(recorded_elexon(folder, TINY_DAY, units=WIND_REGISTER))

    def prepared(self, scenario: Scenario) -> Prepared:
        """Return the scenario's site and what becomes of it."""
        if scenario.name not in self._prepared:
            site = self.copy(self.start(scenario.start))
            scenario.prepare(self, site)
            self._prepared[scenario.name] = self._tried(scenario, site)
        return self._prepared[scenario.name]

    def of_worker(self, number: int) -> StandIn:
        """Return the Elexon of the first worker, or that of the second one, which says something else."""
        return (self.restated, self.restated_otherwise)[number]

    def start(self, name: str) -> Site:
        """Return the site of that name; nobody changes it."""
        if name not in self._starts:
            database = self.databases.database(*([] if name == "new" else [self._template]))
            home = self._folder / f"start-{name}" / "home"
            home.mkdir(parents=True)
            site = Site(self._until.enter_context(database), home, self.original.url)
            if name == "served":
                ran = site.reingest(*DATE_OF_BIDS)
                assert ran.exit_code == 0, ran.err
            self._starts[name] = site
        return self._starts[name]

    def copy(self, site: Site) -> Site:
        """Return a copy that lasts as long as the places do."""
        home = self._folder / f"copy-{next(self._copies)}" / "home"
        return self._until.enter_context(copy_of(site, self.databases, home))

    def _tried(self, scenario: Scenario, site: Site) -> Prepared:
        passes: list[str] = []
        with copy_of(site, self.databases, self._folder / f"clean-{next(self._copies)}" / "home") as clean:
            old, before = _seen(scenario, clean)
            began = time.monotonic()
            with watched(passes.append):
                ran = clean.reingest(*scenario.words)
            seconds = time.monotonic() - began
            assert ran.exit_code in scenario.exits, (ran.exit_code, ran.out, ran.err)
            assert left_open(clean) == [], left_open(clean)
            new, after = _seen(None, clean)
        return Prepared(scenario, site, old, new, frozenset({before, after}), tuple(passes), seconds)


class watched:  # noqa: N801  (reads as a function where it is used)
    """Have the checkpoints of this process call a watcher for the block."""

    def __init__(self, watcher: checkpoints.Watch) -> None:
        self._watcher = watcher

    def __enter__(self) -> None:
        checkpoints.watch(self._watcher)

    def __exit__(self, *_: object) -> None:
        checkpoints.watch(None)


def _seen(scenario: Scenario | None, site: Site) -> tuple[State, str | None]:
    if scenario is not None and scenario.start == "new":
        return State(""), None
    return state_of(site), look_at(site.database_url)
