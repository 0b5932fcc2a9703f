"""The oracle: whatever bytes come, they are rows, a declared reject or a declared error; quickly, in little memory.

It runs in a process of its own, whose address space is bounded: what asks for more memory ends there and is seen.
"""

import gc
import json
import os
import random
import resource
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from reingest.elexon.rejects import ROW_MEANINGS, STRUCTURAL_MEANINGS
from reingest.elexon.rows import StackTable, stack_table
from reingest.elexon.stack import RawStack
from reingest.errors import PayloadRejected
from tests.drills.fuzz.corpus import Payload, payloads, recorded_payloads
from tests.drills.fuzz.mutations import mutated, mutated_rows, noise
from tests.drills.fuzz.reference import Unsure, reference_rows
from tests.support.elexon import NUMBERS, XML_SHAPES, WireRow, as_json, as_xml, stack

MOST_SECONDS: Final = 0.1
MOST_BYTES: Final = 256 * 2**20
COMPARED: Final = ("volume", "id", "originalPrice", "soFlag")
"""Fields that the second parser must agree about."""


@dataclass
class Report:
    """What became of a slice of inputs.

    Attributes:
        inputs: How many there were.
        ends: How many of them ended how: as rows, or by reject code.
        slowest: The most processor seconds that one took.
        grown: Bytes by which the process's resident memory has grown at most.
        faults: What was wrong, with the number of the input.
    """

    inputs: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    grown: int = 0
    faults: list[str] = field(default_factory=list)


def work(pipe: Connection, progress: Path) -> None:
    """Be the process: take slices (seed, inputs) from the pipe, and send their reports back until it is closed."""
    corpus = (*payloads(), *recorded_payloads())
    go_through(corpus, 0, 50, Report(), progress)  # whatever is loaded late is loaded now
    gc.collect()
    bound = _virtual_bytes() + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
    while slice_ := _received(pipe):
        before = _peak_bytes()
        report = go_through(corpus, *slice_, Report(), progress)
        report.grown = max(0, _peak_bytes() - before)
        pipe.send(report)


def _received(pipe: Connection) -> tuple[int, int] | None:
    try:
        found: tuple[int, int] = pipe.recv()
    except EOFError:
        return None
    return found


def go_through(corpus: tuple[Payload, ...], seed: int, inputs: int, report: Report, progress: Path) -> Report:
    """Judge so many inputs of a seed, one after another; `progress` names the one at hand, should the process end."""
    with progress.open("w", encoding="utf-8") as at:
        for number in range(inputs):
            at.seek(0)
            at.write(f"{number:>9}")
            at.flush()
            rng = random.Random(f"{seed}/{number}")  # noqa: S311  (the same inputs for the same seed)
            try:
                _judge(rng, corpus, report)
            except Exception as error:  # noqa: BLE001  (any other error is what is looked for)
                report.faults.append(f"input {number}: {type(error).__name__}: {error}"[:500])
            report.inputs += 1
    return report


def _judge(rng: random.Random, corpus: tuple[Payload, ...], report: Report) -> None:
    kind = rng.random()
    if kind < 0.1:
        _judge_wires(mutated_rows(rng), report)
        return
    payload = rng.choice(corpus)
    body = noise(rng) if kind < 0.2 else mutated(rng, payload)
    _judge_body(payload, body, report)


def _judge_body(payload: Payload, body: bytes, report: Report) -> None:
    seconds, end, found = _timed(payload, body)
    if seconds > MOST_SECONDS:  # once more: a collection or a first import is not the input's doing
        seconds, end, found = _timed(payload, body)
    report.ends[end] += 1
    report.slowest = max(report.slowest, seconds)
    assert not end.startswith("undeclared"), end
    assert seconds <= MOST_SECONDS, f"{seconds:.3f} s"
    if isinstance(found, RawStack):
        _require_accounted(found)
        _require_no_fewer(found, body)


def _timed(payload: Payload, body: bytes) -> tuple[float, str, object]:
    """Return processor seconds, how it ended, and what was read; a reject that is not declared is a fault."""
    began = time.thread_time()
    found: object = None
    try:
        found = payload.read(body)
        end = "rows"
    except PayloadRejected as error:
        end = error.reject_code if error.reject_code in STRUCTURAL_MEANINGS else f"undeclared {error.reject_code}"
    return time.thread_time() - began, end, found


def _require_accounted(found: RawStack) -> StackTable:
    """Require each row to be accepted, or rejected with a declared code."""
    result = stack_table([found])
    assert {reject.code for reject in result.rejects} <= ROW_MEANINGS.keys()
    assert result.rows.num_rows + len(result.rejects) == found.rows
    return result


def _require_no_fewer(found: RawStack, body: bytes) -> None:
    """Require the rows of the second parser, and that the two read the same figures."""
    try:
        expected = reference_rows(body)
    except Unsure:
        return
    assert found.rows == len(expected), f"{found.rows} rows, the reference has {len(expected)}"
    for name in COMPARED:
        read = found.columns[name]
        for place, row in enumerate(expected):
            assert (read[place] or None) == row.get(name.lower()), f"row {place}: {name} is {read[place]!r}"


def _judge_wires(rows: list[WireRow], report: Report) -> None:
    """Require XML in every shape and JSON of the same rows to be the same table."""
    tables = [_contents(stack(_as_json(rows)))]
    tables += [_contents(stack(as_xml(rows, shape))) for shape in XML_SHAPES]
    assert all(table == tables[0] for table in tables), f"the wires differ: {rows}"
    report.ends["equal wires"] += 1


def _as_json(rows: list[WireRow]) -> bytes:
    """Return JSON in which a number that JSON cannot write stands in quotes."""
    quoted = [{name: value for name, value in row.items() if not _needs_quotes(name, value)} for row in rows]
    if quoted == rows:
        return as_json(rows)
    text = ",".join(
        "{" + ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in row.items()) + "}" for row in rows
    )
    return f'{{"metadata":{{"datasets":["ISPSTACK"]}},"data":[{text}]}}'.encode()


def _needs_quotes(name: str, value: object) -> bool:
    if name not in NUMBERS or not isinstance(value, str):
        return False
    try:
        json.loads(value, parse_constant=_refuse)
    except ValueError:
        return True
    return value.strip() != value or value in {"true", "null"}


def _refuse(word: str) -> Any:
    raise ValueError(word)


def _contents(found: RawStack) -> tuple[object, object]:
    result = _require_accounted(found)
    words = {"T": "true", "F": "false"}
    rejects = []
    for reject in result.rejects:
        raw = {name: words.get(text, text) for name, text in json.loads(reject.raw).items()}
        rejects.append((reject.row, reject.code, reject.column, reject.bm_unit, raw))
    return result.rows.to_pylist(), rejects


def _virtual_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
