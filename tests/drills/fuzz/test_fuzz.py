"""Parser fuzz: whatever comes, it is rows, a declared reject or a declared error; quickly, and in little memory."""

from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import get_args

import pytest

from reingest.elexon.rejects import STRUCTURAL_MEANINGS
from reingest.errors import PayloadRejected
from tests.drills.fuzz.corpus import Kind, Payload, Reading, payloads
from tests.drills.fuzz.oracle import MOST_BYTES, Report, work
from tests.support.drills import DrillSize

PARTS = 2
SLICE = 500
WANTED = 1_000_000
PAYLOADS = payloads()

_PROCESSES = get_context("forkserver")


class Bounded:
    """The process in which inputs are judged."""

    def __init__(self, folder: Path) -> None:
        self._progress = folder / "progress"
        self._ours, theirs = _PROCESSES.Pipe()
        self._process = _PROCESSES.Process(target=work, args=(theirs, self._progress), daemon=True)
        self._process.start()
        theirs.close()

    def judge(self, seed: int, inputs: int) -> Report:
        """Judge so many inputs of a seed; where the process ends over one of them, that is the test's failure."""
        self._ours.send((seed, inputs))
        try:
            report: Report = self._ours.recv()
        except EOFError:
            self._process.join()
            number = self._progress.read_text(encoding="utf-8").strip()
            pytest.fail(f"the process ended ({self._process.exitcode}) over input {number} of seed {seed}")
        return report

    def end(self) -> None:
        self._ours.close()
        self._process.join()


@pytest.fixture
def bounded(tmp_path: Path) -> Iterator[Bounded]:
    """Return a process with 256 MB of address space beyond what it needs to begin with."""
    process = Bounded(tmp_path)
    yield process
    process.end()


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.drill(share=4)
def test_whatever_comes_is_rows_or_a_declared_reject(
    part: int,
    bounded: Bounded,
    drill_size: DrillSize,
    seeds: Callable[..., Iterator[int]],
    counted: Callable[..., None],
) -> None:
    """No input gives another error, loses a row unsaid, takes 100 ms of processor time or grows by 256 MB."""
    inputs = drill_size.pick(sample=150, ci=SLICE, long=SLICE)
    slices = {"sample": 2, "ci": 40, "long": WANTED // SLICE}
    for seed in seeds(f"fuzz: slices of {inputs} inputs", **slices, part=(part, PARTS)):
        report = bounded.judge(seed, inputs)
        assert not report.faults, f"seed {seed}: {len(report.faults)} faults, such as {report.faults[0]}"
        assert report.grown < MOST_BYTES
        counted("fuzz: inputs", report.inputs)
        counted("fuzz: inputs read as rows", report.ends["rows"])
        counted("fuzz: inputs rejected", sum(report.ends[code] for code in STRUCTURAL_MEANINGS))
        counted("fuzz: rows equal in JSON and four shapes of XML", report.ends["equal wires"])


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload.name)
def test_truncated_at_every_byte(payload: Payload, drill_size: DrillSize, counted: Callable[..., None]) -> None:
    """Cut at any byte, a payload is read as the whole one or is a declared reject, never as a shorter one."""
    whole = payload.read(payload.body)
    step = drill_size.pick(sample=23, ci=1, long=1)
    for length in range(0, len(payload.body), step):
        found = reading_or_code(payload, payload.body[:length])
        assert found == whole or found in STRUCTURAL_MEANINGS, f"after {length} bytes"
        counted("fuzz: truncations")
    counted("fuzz: payloads truncated at every byte", int(step == 1), wanted=1)


def test_there_are_two_dozen_payloads() -> None:
    """The payloads that are cut are of everything that is read, in JSON and XML."""
    assert len({payload.name for payload in PAYLOADS}) == len(PAYLOADS) == 24
    assert {payload.kind for payload in PAYLOADS} == set(get_args(Kind))


def reading_or_code(payload: Payload, body: bytes) -> Reading | str:
    """Return what was read, or the code of its reject; any other error is the test's failure."""
    try:
        return payload.read(body)
    except PayloadRejected as error:
        return error.reject_code
