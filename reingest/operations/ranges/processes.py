"""Where the dates of a range are run: one after the other in this process, or several at once in their own.

A child is a fresh interpreter, never a fork of this process, which has threads. It is told a date a line and answers
with a line of JSON. Its input is also its lifeline: when this process ends, however it does, the pipe is closed and the
child ends at once, on every system. It stands in a session of its own, out of reach of the terminal's Ctrl-C: this
process decides which dates may still end.
"""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from math import ceil
from typing import Final

from reingest.errors import ProcessDied
from reingest.operations.ranges.lanes import RunDate
from reingest.operations.ranges.one_date import run_one_date
from reingest.operations.ranges.report import DateEnd
from reingest.operations.ranges.request import date_request_of
from reingest.operations.services import date_services
from reingest.settings import Settings
from reingest.store.ranges import StoredRange

WORKER: Final = "reingest.operations.ranges.worker"
BREAK_OFF_SECONDS: Final = 5.0
"""How long a child may take to let go of its date before it is killed."""


@asynccontextmanager
async def date_runner(settings: Settings, database_url: str, stored: StoredRange, jobs: int) -> AsyncIterator[RunDate]:
    """Give what runs the dates of a range, `jobs` at once, for the block."""
    if jobs == 1:
        with date_services(database_url) as services:

            async def run_here(settlement_date: date, wait_seconds: float) -> DateEnd:
                request = date_request_of(stored, settlement_date, wait_seconds)
                return await run_one_date(settings, database_url, request, services)

            yield run_here
        return
    orders = {
        "settings": settings_of_one_job(settings, jobs).model_dump(mode="json"),
        "database_url": database_url,
        "range_id": str(stored.id),
    }
    with ThreadPoolExecutor(jobs, thread_name_prefix="range") as threads:
        crew = _Crew(json.dumps(orders), threads, [_Child() for _ in range(jobs)])
        try:
            yield crew.run_date
        finally:
            crew.end()


def settings_of_one_job(settings: Settings, jobs: int) -> Settings:
    """Return the settings of one of several processes, which together have as many requests in flight as one."""
    return settings.model_copy(update={"concurrency": ceil(settings.concurrency / jobs)})


@dataclass
class _Child:
    """A process that runs dates, one after the other; another is started where it ended."""

    process: subprocess.Popen[str] | None = None

    def ask(self, orders: str, line: str) -> str:
        """Have it run a date; return its answer, empty where it ended instead."""
        process = self._started(orders)
        try:
            print(line, file=process.stdin, flush=True)
        except OSError:  # it ended between two dates
            return ""
        return process.stdout.readline() if process.stdout else ""

    def interrupt(self) -> None:
        """Have it let go of its date."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGINT)

    def end(self) -> int | None:
        """End it, at the latest by force; return its exit code."""
        process, self.process = self.process, None
        if process is None:
            return None
        with suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        try:
            return process.wait(BREAK_OFF_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()
        finally:  # not before: a thread may be reading it, and would be waited for
            if process.stdout is not None:
                process.stdout.close()

    def _started(self, orders: str) -> subprocess.Popen[str]:
        if self.process is None:
            self.process = subprocess.Popen(
                (sys.executable, "-m", WORKER),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                start_new_session=True,
            )
            print(orders, file=self.process.stdin, flush=True)
        return self.process


@dataclass
class _Crew:
    """The processes of a range; a date goes to whichever is idle."""

    orders: str
    threads: ThreadPoolExecutor
    idle: list[_Child]
    busy: list[_Child] = field(default_factory=list)

    async def run_date(self, settlement_date: date, wait_seconds: float) -> DateEnd:
        """Run a date in a process of its own.

        Raises:
            ProcessDied: the process was killed meanwhile.
        """
        child = self.idle.pop()
        self.busy.append(child)
        order = json.dumps({"settlement_date": settlement_date.isoformat(), "wait_seconds": wait_seconds})
        asking = asyncio.get_running_loop().run_in_executor(self.threads, child.ask, self.orders, order)
        try:
            answer = await asyncio.shield(asking)
        except asyncio.CancelledError:
            child.interrupt()  # it answers nothing then, which ends the thread that waits for it
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(asking), BREAK_OFF_SECONDS)
            raise
        if not answer:
            code = await asyncio.get_running_loop().run_in_executor(self.threads, child.end)
            self._rest(child)
            raise ProcessDied(f"the process that ran {settlement_date} ended with {code}")
        self._rest(child)
        return DateEnd.from_dict(json.loads(answer))

    def _rest(self, child: _Child) -> None:
        self.busy.remove(child)
        self.idle.append(child)

    def end(self) -> None:
        """End all of them."""
        for child in self.busy:
            child.interrupt()
        for child in (*self.busy, *self.idle):
            child.end()
