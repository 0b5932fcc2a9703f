"""Histories of dates in two years: whatever happens, as-of tells of every instant what was served then."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from decimal import Decimal
from itertools import count, product
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from reingest.standin.server import StandIn
from tests.support.drills import DrillSize
from tests.support.reported import Look, as_of, look, spans_as_of, spans_of, unknown_as_of
from tests.support.scenarios import Places
from tests.support.sites import Ran, Site, copy_of, recorded_elexon

DATES: Final = (date(2023, 12, 31), date(2024, 1, 1), date(2024, 1, 2))
UNITS: Final = ("T_HILLW-1", "T_HILLW-2", "E_MOORW-1")
ROWS: Final = tuple(
    (day, period, "bid", number, unit, 100 * period + number, -1, "true", "-1", volume)
    for day in DATES
    for period, number, unit, volume in (
        (1, 1, "T_HILLW-1", "-10.5"),
        (2, 1, "T_HILLW-2", "-4"),
        (2, 2, "E_MOORW-1", "-0.123456789012345678"),
    )
)
ACT: Final = ("--reason", "a history", "--i-understand", "--json")
days = st.sampled_from(DATES)
units = st.sampled_from(UNITS)


class ReportedHistory(RuleBasedStateMachine):
    """Three dates of one site, with what was seen of them after every step.

    Attributes:
        seen: What was served, by the views, at each instant that is asked for again.
        backup: A backup that may be put back.
    """

    places: ClassVar[Places]
    start: ClassVar[Site]
    elexon: ClassVar[StandIn]
    said: ClassVar[dict[tuple[date, str], int]]
    folder: ClassVar[Path]
    numbers: ClassVar[Iterator[int]]

    def __init__(self) -> None:
        super().__init__()
        self.until = ExitStack()
        home = self.folder / str(next(self.numbers)) / "home"
        self.site = self.until.enter_context(copy_of(self.start, self.places.databases, home))
        self.site.elexon_url = self.elexon.url
        self.seen: list[Look] = [look(self.site)]
        self.held: dict[date, int] = {}
        self.backup: Path | None = None

    def teardown(self) -> None:
        self.until.close()

    @rule(day=days, unit=units, price=st.integers(min_value=-9, max_value=9))
    def restate(self, day: date, unit: str, price: int) -> None:
        """Elexon says something else, and the date is asked again: some periods of it where it is served."""
        if self.said.get((day, unit)) != price:  # the stand-in refuses a restatement that changes nothing
            self.elexon.restate(day, unit=unit, price=price)
            self.said[day, unit] = price
        served = any(key[0] == day for key in self.seen[-1].days)
        self._look(self.site.date(day, "--fresh", *(("--periods", "1-2") if served else ("--side", "bid"))))

    @rule(day=days)
    def hold(self, day: date) -> None:
        """A person expects what no date comes to: what differs is held, and nothing else is served."""
        assert self.site.reingest("expected", "set", day, "--energy", "1").exit_code == 0
        ran = self.site.date(day, "--side", "bid", "--force", "--fresh")
        assert (ran.exit_code, ran.json["outcome"]) == (1, "held")
        assert self.site.reingest("expected", "retire", day).exit_code == 0
        self.held[day] = ran.json["version"]
        self._look(ran)

    @precondition(lambda self: self.held)
    @rule(day=days)
    def publish_held(self, day: date) -> None:
        """A person publishes a held version; one whose date has moved on is refused."""
        if number := self.held.pop(day, None):
            self._look(self.site.reingest("publish", day, "--version", number, "--reason", "a history", "--json"))

    @rule(day=days, which=st.integers(min_value=0, max_value=10_000))
    def restore(self, day: date, which: int) -> None:
        """A person has an older version back, where there is one."""
        numbers = [number for number, state in self.site.states(day).items() if state in {"published", "superseded"}]
        number = numbers[which % len(numbers)] if numbers else 1
        self._look(self.site.reingest("restore", day, "--version", number, "--reason", "a history", "--json"))

    @rule(unit=units, day=days, decision=st.sampled_from(["include", "exclude", "correct", "reset"]))
    def decide(self, unit: str, day: date, decision: str) -> None:
        """A person decides on a unit, or corrects what is true of it; a date is made again from the archive."""
        facts = ("--valid-from", day, "--fuel-type", "CCGT") if decision == "correct" else ()
        ran = self.site.reingest("units", decision, unit, *facts, "--reason", "a history")
        assert ran.exit_code in {0, 2}, ran.err
        self._look(self.site.date(day, "--source", "archive", "--side", "bid"))

    @rule(day=days)
    def reset(self, day: date) -> None:
        """A person takes a date away, and may have it made again from the archive later."""
        self._look(self.site.reingest("reset", "data", "--date", day, "--no-backup", *ACT))
        self.held.pop(day, None)

    @rule()
    def purge(self) -> None:
        """A person purges everything that was never served."""
        self._look(self.site.reingest("purge", "versions", "--pending", "--yes", "--reason", "a history"))
        self.held.clear()

    @rule()
    def back_up_or_back(self) -> None:
        """A person makes a backup or, where there is one, puts it back."""
        if self.backup is None:
            self.backup = Path(self.site.reingest("backup", "create", "--json").json["path"])
            return
        self._look(self.site.reingest("backup", "restore", self.backup, "--no-backup", *ACT))
        self.backup = None
        self.held.clear()

    def _look(self, ran: Ran) -> None:
        """Remember what is served now, and compare what is told of every instant before."""
        assert ran.exit_code in {0, 1, 2, 5}, ran.err
        self.seen.append(look(self.site))
        known = set(self.site.rows("select settlement_date, content_hash from version where served_from is not null"))
        instants = [before.instant for before in self.seen]
        lost = [{day for day, content in one.hashes.items() if (day, content) not in known} for one in self.seen]
        left = [one.without(gone) for one, gone in zip(self.seen, lost, strict=True)]
        for told, one in zip(as_of(self.site, instants), left, strict=True):
            assert (told.days, told.units, told.mining) == (one.days, one.units, one.mining)
        for span in ("month", "year"):
            assert spans_as_of(self.site, span, instants) == [spans_of(one, span) for one in left]
        assert unknown_as_of(self.site, instants) == lost
        self._ask(self.seen[len(self.seen) // 2])

    def _ask(self, before: Look) -> None:
        """Ask the command line too."""
        words = ("as-of", DATES[1], "--reported", before.instant.isoformat(), "--definition", "all_bids", "--json")
        ran = self.site.reingest(*words)
        if (DATES[1], "all_bids") not in as_of(self.site, [before.instant])[0].days:
            assert (ran.exit_code, ran.error["code"]) == (2, "not_found")
            return
        version, energy, *_ = before.days[DATES[1], "all_bids"]
        assert (ran.json["version"], Decimal(ran.json["totals"]["all_bids"]["energy_mwh"])) == (version, energy)


@pytest.mark.drill(share=1)
def test_reported_histories(
    places: Places, seeds: Callable[..., Iterator[int]], drill_size: DrillSize, tmp_path: Path
) -> None:
    """Of every instant as-of tells the days, months and years that were served then, or that it cannot know."""
    steps = drill_size.pick(sample=6, ci=25, long=80)
    for number in seeds(f"reported histories of {steps} steps", sample=1, ci=4, long=500):
        with recorded_elexon(tmp_path, ROWS) as elexon:
            home = tmp_path / f"start-{number}" / "home"
            with copy_of(places.start("empty"), places.databases, home) as start:
                start.elexon_url = elexon.url
                for day in DATES[:2]:
                    assert start.date(day, "--side", "bid").exit_code == 0
                attributes: dict[str, Any] = {
                    "places": places, "start": start, "elexon": elexon, "folder": tmp_path / str(number),
                    "said": dict.fromkeys(product(DATES, UNITS), -1), "numbers": count(),
                }  # fmt: skip
                machine = seed(number)(type("Histories", (ReportedHistory,), attributes))
                run_state_machine_as_test(
                    machine,
                    settings=settings(
                        max_examples=drill_size.pick(sample=2, ci=3, long=5),
                        stateful_step_count=steps,
                        deadline=None,
                        database=None,
                        phases=[Phase.generate, *([Phase.shrink] if drill_size.only_seed is not None else [])],
                        suppress_health_check=list(HealthCheck),
                    ),
                )
