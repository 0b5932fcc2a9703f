"""Histories of one date: hypothesis chooses what happens, and a small model says what must come of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from decimal import Decimal
from itertools import count
from pathlib import Path
from signal import SIGKILL
from typing import Any, ClassVar, Final, TypeAlias, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from reingest.standin.server import StandIn
from tests.support.days import TINY_DATE, TINY_DAY
from tests.support.drills import DrillSize
from tests.support.scenarios import MODES, Places
from tests.support.sites import Ran, copy_of, recorded_elexon
from tests.support.states import left_open

VOLUMES: Final = {1: Decimal("10.5"), 2: Decimal(4), 46: Decimal("0.123456789012345678")}
"""MWh of wind by the periods that have any."""
_T = TypeVar("_T")
Prices: TypeAlias = tuple[int, int, int]
"""What the units of these periods bid, GBP/MWh: all that changes in the histories."""
HISTORIES_A_SEED: Final = 5
PARTS: Final = 20
SERVED: Final = """
select version.number, day.generation, day.payment_gbp
from day join version on version.settlement_date = day.settlement_date and version.number = day.version
where day.definition = 'all_bids'
"""

period_sets = st.sets(st.sampled_from(sorted(VOLUMES)), min_size=1, max_size=2).map(sorted)
prices = st.integers(min_value=-9, max_value=9)
# Not sampled from what there is: what hypothesis draws must not depend on the numbers that Postgres gave.
picks = st.integers(min_value=0, max_value=10_000)


def picked(which: int, among: Sequence[_T]) -> _T:
    """Return one of several."""
    return among[which % len(among)]


def payment(bid: Prices) -> Decimal:
    """Return what a date comes to: a unit that bids a negative price is paid for its energy."""
    return sum((-volume * price for volume, price in zip(VOLUMES.values(), bid, strict=True)), Decimal(0))


class History(RuleBasedStateMachine):
    """One date of one site, with what the model knows of it.

    Attributes:
        upstream: What Elexon says.
        served: What the date must serve.
        versions: What each version that was ever served says, by number.
        held: The held versions, with the generation that they build on.
        wrong: Whether an expectation is in force that no date comes to.
        broken_off: Whether a run was killed, so that things may be half done until the next one.
    """

    places: ClassVar[Places]
    elexon: ClassVar[StandIn]
    said: ClassVar[dict[int, int]]
    folder: ClassVar[Path]
    numbers: ClassVar[Iterator[int]]

    def __init__(self) -> None:
        super().__init__()
        self.until = ExitStack()
        home = self.folder / str(next(self.numbers)) / "home"
        self.site = self.until.enter_context(copy_of(self.places.start("empty"), self.places.databases, home))
        self.site.elexon_url = self.elexon.url
        # What the model knows nothing of would take a third of the time.
        self.site.settings["REINGEST_WITNESSES"] = "off"
        self.until.enter_context(self.site.keeping_a_connection())
        self.upstream: Prices = (1, 1, 1)
        for period in VOLUMES:
            self._restate(period, 1)
        self.served: Prices | None = None
        self.generation = 0
        self.versions: dict[int, Prices] = {}
        self.held: dict[int, tuple[Prices, int]] = {}
        self.wrong = False
        self.broken_off = False
        self._serve(self.upstream, self._date().json["version"])

    def teardown(self) -> None:
        self.until.close()

    @rule(period=st.sampled_from(sorted(VOLUMES)), price=prices)
    def restate(self, period: int, price: int) -> None:
        """Elexon says something else of a period."""
        self._restate(period, price)

    @rule()
    def ingest(self) -> None:
        """The whole date is asked again."""
        self._ended(self.upstream, self._date())

    @rule(periods=period_sets)
    def ingest_periods(self, periods: list[int]) -> None:
        """Some periods are asked again; the others are carried over."""
        self._ended(self._mixed(periods), self._date("--periods", ",".join(map(str, periods))))

    @rule(which=picks, periods=period_sets)
    def crash(self, which: int, periods: list[int]) -> None:
        """A run is killed at one of the checkpoints that it may pass."""
        point = picked(which, self.places.prepared(MODES[2]).points)
        words = ("--periods", ",".join(map(str, periods)), "--fresh")
        ran = self.site.start("date", TINY_DATE, "--json", *words, REINGEST_CRASH_AT=point).finish()
        new = self._mixed(periods)
        if ran.exit_code != -SIGKILL:
            self._ended(new, ran)
            return
        self.broken_off = True
        number, generation, _ = self._now()
        if generation > self.generation:
            assert not self.wrong
            assert new != self.served
            self._serve(new, number)
        self._notice_held(new)

    @rule(right=st.booleans())
    def expect(self, right: bool) -> None:
        """Somebody says what the date must come to, or takes that back."""
        words = ("retire", TINY_DATE) if right else ("set", TINY_DATE, "--energy", "1")
        assert self.site.reingest("expected", *words).exit_code == 0
        self.wrong = not right

    @precondition(lambda self: self.held)
    @rule(which=picks)
    def publish_held(self, which: int) -> None:
        """A person publishes a held version; one whose date has moved on is refused."""
        number = picked(which, sorted(self.held))
        ran = self.site.reingest("publish", TINY_DATE, "--version", number, "--reason", "a history", "--json")
        content, basis = self.held[number]
        self.broken_off = False
        if basis == self.generation:
            assert ran.exit_code == 0, ran.err
            del self.held[number]
            self._serve(content, number)
        else:
            assert (ran.exit_code, ran.error["code"]) == (5, "conflict"), ran.err

    @rule(which=picks)
    def restore(self, which: int) -> None:
        """A person has an older version back."""
        number = picked(which, sorted(self.versions))
        ran = self.site.reingest("restore", TINY_DATE, "--version", number, "--reason", "a history", "--json")
        assert ran.exit_code == 0, ran.err
        self.broken_off = False
        same = self.versions[number] == self.served
        assert ran.json["outcome"] == ("unchanged" if same else "published")
        if not same:
            self._serve(self.versions[number], ran.json["version"])

    @rule()
    def purge(self) -> None:
        """A person purges everything that was never served."""
        ran = self.site.reingest("purge", "versions", "--pending", "--yes", "--reason", "a history")
        assert ran.exit_code == 0, ran.err
        self.held.clear()

    @rule()
    def unlock(self) -> None:
        """A person frees the date, whether anything holds it or not."""
        assert self.site.reingest("unlock", TINY_DATE, "--yes", "--reason", "a history").exit_code in {0, 2}

    @invariant()
    def the_date_is_what_the_model_says(self) -> None:
        """Version, generation and payment are the model's; each generation was told once."""
        if self.served is None:
            return
        number, generation, paid = self._now()
        assert (generation, paid) == (self.generation, payment(self.served))
        assert self.versions[number] == self.served
        told = self.site.rows("select generation from outbox order by generation")
        assert told == [(one,) for one in range(1, self.generation + 1)]
        published = [one for one, state in self.site.states(TINY_DATE).items() if state == "published"]
        assert published == [number]

    @invariant()
    def nothing_is_left_open(self) -> None:
        """Nothing is half done, unless a run was killed and nobody came after it."""
        if not self.broken_off:
            assert left_open(self.site) == []

    def _restate(self, period: int, price: int) -> None:
        if self.said.get(period) != price:  # the stand-in refuses a restatement that changes nothing
            self.elexon.restate(TINY_DATE, period=period, price=price)
            self.said[period] = price
        self.upstream = self._with(self.upstream, {period: price})

    def _date(self, *words: object) -> Ran:
        return self.site.date(TINY_DATE, "--fresh", *(words or ("--side", "bid")))

    def _mixed(self, periods: list[int]) -> Prices:
        assert self.served is not None
        upstream = dict(zip(VOLUMES, self.upstream, strict=True))
        return self._with(self.served, {period: upstream[period] for period in periods})

    @staticmethod
    def _with(bid: Prices, changed: dict[int, int]) -> Prices:
        now = dict(zip(VOLUMES, bid, strict=True)) | changed
        return now[1], now[2], now[46]

    def _ended(self, new: Prices, ran: Ran) -> None:
        """Compare how a run ended with how it must, and remember what it did."""
        self.broken_off = False
        assert ran.exit_code in {0, 1}, ran.err
        outcome = "held" if self.wrong else "unchanged" if new == self.served else "published"
        assert ran.json["outcome"] == outcome
        if outcome == "held":
            self.held.setdefault(ran.json["version"], (new, self.generation))
            assert self.held[ran.json["version"]] == (new, self.generation)
        elif outcome == "published":
            self._serve(new, ran.json["version"])

    def _serve(self, content: Prices, number: int) -> None:
        assert number not in self.versions
        self.served = content
        self.generation += 1
        self.versions[number] = content

    def _notice_held(self, content: Prices) -> None:
        """Take in a version that was held before its run was killed."""
        for number, state in self.site.states(TINY_DATE).items():
            if state == "held" and number not in self.held:
                assert self.wrong
                self.held[number] = (content, self.generation)

    def _now(self) -> tuple[int, int, Decimal]:
        ((number, generation, paid),) = self.site.rows(SERVED)
        return number, generation, paid


@pytest.mark.drill(share=0.8)
@pytest.mark.parametrize("part", range(PARTS))
def test_histories(
    part: int, places: Places, seeds: Callable[..., Iterator[int]], drill_size: DrillSize, tmp_path: Path
) -> None:
    """Whatever happens in whatever order, a date serves what the model says, and nothing is half done."""
    steps = drill_size.pick(sample=8, ci=50, long=100)
    for number in seeds(
        f"{HISTORIES_A_SEED} histories of {steps} steps", sample=1, ci=40, long=2000, part=(part, PARTS)
    ):
        with recorded_elexon(tmp_path, TINY_DAY) as elexon:
            attributes: dict[str, Any] = {
                "places": places, "elexon": elexon, "said": {}, "folder": tmp_path / str(number), "numbers": count(),
            }  # fmt: skip
            machine = seed(number)(type("Histories", (History,), attributes))
            run_state_machine_as_test(machine, settings=how(steps, shrinking=drill_size.only_seed is not None))


def how(steps: int, *, shrinking: bool) -> settings:
    """Return how hypothesis goes about it; a history takes seconds, so that only a seed that is repeated is shrunk."""
    return settings(
        max_examples=HISTORIES_A_SEED,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink] if shrinking else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
