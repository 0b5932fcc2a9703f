"""What a fault is: how it is made, what is stated of it, and how a command runs into it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from reingest.standin.server import StandIn
from reingest.store.runs import EXIT_CODES
from tests.support.days import A_DAY, DATE, Row
from tests.support.postgres import Databases
from tests.support.prefect import PrefectServer
from tests.support.sites import Ran, Site

Group: TypeAlias = Literal["http", "data", "store", "process"]
Serves: TypeAlias = Literal["old", "new"]
"""Which date is served after the fault: the one from before the run, or the right one that a clean run gives."""

WANTED: Final[dict[Group, int]] = {"http": 30, "data": 35, "store": 15, "process": 10}
"""How many faults each group has."""

NEW_DAY: Final[tuple[Row, ...]] = (
    *((*row[:9], f"{row[9]}5") if row[4] == "T_HILLW-1" else row for row in A_DAY),
    (DATE, 3, "bid", 1, "T_HILLW-1", 3001, -1, "true", "-60", "-7.5"),
    (DATE, 3, "bid", 2, "T_HILLW-2", 3002, -1, "true", "-60", "0"),
    (DATE, 3, "bid", 3, "T_GASP-1", 3003, -1, "false", "40", "-3"),
)
"""What Elexon publishes of the date now: other volumes of a unit than are served, and a period more, in which the
second row has a volume of zero."""


@dataclass(frozen=True)
class Ground:
    """What a fault is made on: a site, the Elexon that it asks, the maker of databases, and Prefect's server."""

    site: Site
    elexon: StandIn
    databases: Databases
    prefect: Callable[[], PrefectServer]


Run: TypeAlias = Callable[[Ground], Ran]
Make: TypeAlias = Callable[[Ground], AbstractContextManager[Any]]


def plain_run(ground: Ground) -> Ran:
    """Run `reingest date D --json`."""
    return ground.site.date(DATE)


def own_process(ground: Ground) -> Ran:
    """Run the same in a process of its own."""
    return ground.site.start("date", DATE, "--json").finish()


@dataclass(frozen=True)
class Stated:
    """What a run comes to.

    Attributes:
        outcome: The run's outcome, or, for a command that stored none, its error code.
        exit_code: Of the command; negative where a signal ended it.
        code: The error's code, or the check that holds or warns.
        says: A text that the error or the check says.
        serves: What is served afterwards.
    """

    outcome: str
    exit_code: int
    code: str
    says: str
    serves: Serves


def published(says: str = "", code: str = "") -> Stated:
    """The run publishes the right date, whatever it met on the way."""
    return Stated("published", 0, code, says, "new")


def held(check: str, says: str = "") -> Stated:
    """The candidate is kept and held by a check; the old date is served."""
    return Stated("held", 1, check, says, "old")


def partial(says: str) -> Stated:
    """One period cannot be had; the others are kept, the old date is served."""
    return Stated("partial", EXIT_CODES["partial"], "partial", says, "old")


def source_failed(code: str, says: str = "") -> Stated:
    """Nothing can be had of the source; the old date is served."""
    return Stated("source_failed", EXIT_CODES["source_failed"], code, says, "old")


def database_failed(says: str, code: str = "database_unreachable") -> Stated:
    """The database could not be used; the old date is served."""
    return Stated("database_unreachable", EXIT_CODES["database_unreachable"], code, says, "old")


@dataclass(frozen=True)
class Trial:
    """One way in which a fault strikes.

    Attributes:
        how: How it is made, for the table.
        stated: What the run that meets it comes to.
        make: Makes the fault for the block, and takes it away again.
        run: How the command is run into it.
        settings: Environment of that run alone.
        sample: Whether it is part of every run of the tests.
    """

    how: str
    stated: Stated
    make: Make = lambda _: nullcontext()
    run: Run = plain_run
    settings: Mapping[str, str] = field(default_factory=dict)
    sample: bool = False


@dataclass(frozen=True)
class Fault:
    """One fault of the list, with the ways in which it is tried.

    Attributes:
        not_yet: Why it cannot be tried; such a fault has no trials.
    """

    name: str
    trials: tuple[Trial, ...]
    not_yet: str = ""


def scripted(
    how: str, stated: Stated, *rules: dict[str, Any], sample: bool = False, settings: Mapping[str, str] | None = None
) -> Trial:
    """A fault of the stand-in's script. Without a dataset of its own a rule is about the bids of period 1."""
    usual = {"dataset": "ISPSTACK", "periods": 1, "side": "bid"}
    complete = [rule if "dataset" in rule else {**usual, **rule} for rule in rules]
    return Trial(
        how, stated, make=lambda ground: _script(ground.elexon, complete), settings=settings or {}, sample=sample
    )


class _script(AbstractContextManager[None]):  # noqa: N801  (used as a function)
    """Have the stand-in follow a script for the block."""

    def __init__(self, elexon: StandIn, rules: list[dict[str, Any]]) -> None:
        self._elexon = elexon
        self._rules = rules

    def __enter__(self) -> None:
        self._elexon.reset()
        self._elexon.script(self._rules)

    def __exit__(self, *_: object) -> None:
        self._elexon.script([])
