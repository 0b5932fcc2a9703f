"""Fault rules: which requests meet which fault, read from TOML or JSON, and decided the same on every run."""

import json
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from reingest.curtailment.words import Side
from reingest.errors import BadUsage
from reingest.standin.asked import Asked, Dataset
from reingest.standin.faults.kinds import KINDS, FaultKind
from reingest.standin.fleet import chance
from reingest.standin.render import Wire

_SPAN: Final = re.compile(r"\s*([0-9]+)\s*(-\s*([0-9]+)?\s*)?")
_LIST_COMMANDS: Final = "reingest stand-in faults"


def _spans(value: object) -> object:
    """Read `5`, `"1-4,17"` or `"3-"` (no end) as pairs of first and last."""
    if not isinstance(value, int | str):
        return value
    spans = []
    for part in str(value).split(","):
        match = _SPAN.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is not a number or a range such as 1-3 or 2-")
        last = match[3] or (sys.maxsize if match[2] else match[1])
        spans.append((int(match[1]), int(last)))
    return tuple(spans)


def _date_spans(value: object) -> object:
    """Read `2025-03-30`, `"2025-03-01..2025-03-31"`, a date, or a list of them as pairs of first and last."""
    parts = value if isinstance(value, list) else [value]
    spans = []
    for part in parts:
        first, _, last = str(part).partition("..")
        spans.append((first.strip(), (last or first).strip()))
    return tuple(spans)


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Spans = Annotated[tuple[tuple[int, int], ...], BeforeValidator(_spans)]
DateSpans = Annotated[tuple[tuple[date, date], ...], BeforeValidator(_date_spans)]
Datasets = Annotated[tuple[Dataset, ...], BeforeValidator(_one_or_many)]


class FaultRule(BaseModel):
    """One fault and the requests that meet it; what is not named matches everything.

    Attributes:
        kind: A name of `kinds.KINDS`.
        dataset: One or several datasets.
        dates: `2025-03-30`, `2025-03-01..2025-03-31`, or a list of such.
        periods: `5` or `1-4,17`; in an answer of a whole date, the periods whose rows are struck.
        attempts: `1`, `1-3` or `2-`: which attempts at one request, counted from 1.
        probability: How often a request that matches meets the fault; decided by the script's seed.
        times: How often the rule strikes at most, in all.
        row: Which row is struck: a number from 0 (negative from the end), `random`, or `all`.
        unit: Only rows of this unit are struck.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    dataset: Datasets = ()
    dates: DateSpans = ()
    periods: Spans = ()
    side: Side | None = None
    wire: Wire | None = None
    attempts: Spans = ()
    probability: float = Field(default=1.0, ge=0, le=1)
    times: int | None = Field(default=None, ge=1)

    status: int | None = Field(default=None, ge=200, le=599)
    retry_after: int | float | str | None = None
    location: str | None = None
    ms: float | None = Field(default=None, ge=0)
    seconds: float | None = Field(default=None, ge=0)
    bytes: int | None = Field(default=None, ge=0)
    megabytes: int | None = Field(default=None, ge=1, le=4096)
    row: int | str | None = None
    unit: str | None = None
    field: str | None = None
    value: str | None = None
    raw: bool = False
    factor: Decimal | None = None
    by: Decimal | None = None
    copies: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "FaultRule":
        if self.kind not in KINDS:
            raise ValueError(f"there is no fault {self.kind!r}; {_LIST_COMMANDS} lists all")
        kind = KINDS[self.kind]
        given = self.model_fields_set - _MATCHING
        missing = sorted(set(kind.needs) - given)
        foreign = sorted(given - {*kind.needs, *kind.may})
        if missing or foreign:
            wrong = [f"needs {name}" for name in missing] + [f"has no parameter {name}" for name in foreign]
            raise ValueError(f"{self.kind} {' and '.join(wrong)}")
        if isinstance(self.row, str) and self.row not in {"random", "all"}:
            raise ValueError(f"row is a number, 'random' or 'all', not {self.row!r}")
        return self

    @property
    def fault(self) -> FaultKind:
        """The rule's kind of fault."""
        return KINDS[self.kind]

    def meets(self, asked: Asked, attempt: int) -> bool:
        """Whether the rule is about this attempt (from 1) at this request; chance apart."""
        return (
            (not self.dataset or asked.dataset in self.dataset)
            and (self.side or asked.side) == asked.side
            and (self.wire or asked.wire) == asked.wire
            and _within(self.attempts, attempt)
            and (asked.period is None or _within(self.periods, asked.period))
            and self._is_about_date(asked)
        )

    def is_about_period(self, period: object) -> bool:
        """Whether rows of this period are struck."""
        return isinstance(period, int) and _within(self.periods, period)

    def _is_about_date(self, asked: Asked) -> bool:
        if not self.dates:
            return True
        day = asked.settlement_date
        return day is not None and any(first <= day <= last for first, last in self.dates)


_MATCHING: Final = frozenset(
    {"kind", "dataset", "dates", "periods", "side", "wire", "attempts", "probability", "times"}
)


class FaultScript:
    """Rules in order, with the seed of their chances and the count of their strikes."""

    def __init__(self, rules: Iterable[FaultRule] = (), *, seed: int = 0) -> None:
        """Keep the rules; equal seeds strike the same attempts at the same requests."""
        self.rules = tuple(rules)
        self.seed = seed
        self._strikes: Counter[int] = Counter()

    def strike(self, asked: Asked, attempt: int) -> list[FaultRule]:
        """Return the rules that strike this attempt, in order, and count them."""
        struck = []
        for position, rule in enumerate(self.rules):
            if not rule.meets(asked, attempt) or self._is_spent(position, rule):
                continue
            # The chance belongs to the attempt, not to the moment: the order of concurrent requests changes nothing.
            if chance(self.seed, position, asked, attempt).random() < rule.probability:
                self._strikes[position] += 1
                struck.append(rule)
        return struck

    def _is_spent(self, position: int, rule: FaultRule) -> bool:
        return rule.times is not None and self._strikes[position] >= rule.times


def read_faults(path: Path) -> FaultScript:
    """Read a script: `seed = N` and a list `rule` of tables, as TOML or JSON; a bare JSON list of rules will do.

    Raises:
        BadUsage: the file cannot be read, or a rule cannot be used; it names the rule by its number.
    """
    try:
        content = path.read_bytes()
        if path.suffix == ".toml":
            return _script(tomllib.loads(content.decode()), str(path))
    except (OSError, ValueError) as error:
        raise BadUsage(f"{path} cannot be read as TOML or JSON: {error}", next_command=_LIST_COMMANDS) from error
    return script_from(content, str(path))


def script_from(content: bytes, name: str) -> FaultScript:
    """Return the script that some JSON describes; `name` is what errors call it.

    Raises:
        BadUsage: it is not JSON, or a rule cannot be used; it names the rule by its number.
    """
    try:
        return _script(json.loads(content), name)
    except ValueError as error:
        raise BadUsage(f"{name} cannot be read as JSON: {error}", next_command=_LIST_COMMANDS) from error


def _script(content: object, name: str) -> FaultScript:
    if isinstance(content, list):
        content = {"rule": content}
    if not isinstance(content, dict) or set(content) - {"seed", "rule"}:
        raise BadUsage(f"{name} must hold `seed` and a list `rule`, nothing else", next_command=_LIST_COMMANDS)
    return FaultScript(fault_rules(content.get("rule", [])), seed=int(content.get("seed", 0)))


def fault_rules(rules: Sequence[FaultRule | dict[str, Any]]) -> tuple[FaultRule, ...]:
    """Return rules from tables such as `{"kind": "status", "status": 503, "attempts": "1-2"}`.

    Raises:
        BadUsage: a rule that cannot be used; it names the rule by its number and what is wrong.
    """
    return tuple(_rule(number, rule) for number, rule in enumerate(rules, start=1))


def _rule(number: int, rule: FaultRule | dict[str, Any]) -> FaultRule:
    try:
        return rule if isinstance(rule, FaultRule) else FaultRule.model_validate(rule)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))} {fault['msg']}".strip() for fault in error.errors())
        raise BadUsage(f"fault rule {number}: {faults}", next_command=_LIST_COMMANDS) from error


def _within(spans: Sequence[tuple[int, int]], number: int) -> bool:
    return not spans or any(first <= number <= last for first, last in spans)
