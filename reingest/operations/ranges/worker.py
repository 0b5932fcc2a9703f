"""`python -m reingest.operations.ranges.worker`: a process that runs dates of a range for another process.

Its first line of input says which range of which database, with the settings; every further line is a date, which it
answers with how the date ended, as a line of JSON. The end of its input is the end of whoever asked, and its own.
"""

import asyncio
import json
import os
import queue
import signal
import sys
import threading
from datetime import date
from typing import Any, TextIO
from uuid import UUID

from reingest.logs import configure_logs
from reingest.operations.ranges.one_date import run_one_date
from reingest.operations.ranges.request import date_request_of
from reingest.operations.services import date_services
from reingest.settings import Settings
from reingest.store.database import connect
from reingest.store.ranges import StoredRange, range_by_id
from reingest.tuning import keep_imports, tune_process


def main() -> None:
    """Run what is asked until the input ends, or SIGINT does."""
    answers = _own_stdout()
    # Whoever started a command in the background had SIGINT ignored, and so would this be.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tune_process()
    first = json.loads(sys.stdin.readline())
    settings = Settings.model_validate(first["settings"])
    configure_logs(settings.log_level)
    url = str(first["database_url"])
    with connect(url, purpose=f"range {first['range_id']}") as connection:
        stored = range_by_id(connection, UUID(first["range_id"]))
    keep_imports()
    try:
        _run_dates(settings, url, stored, answers)
    except KeyboardInterrupt:
        sys.exit(130)


def _run_dates(settings: Settings, url: str, stored: StoredRange, answers: TextIO) -> None:
    orders = _orders()
    with date_services(url) as services, asyncio.Runner() as runner:
        while True:
            order = orders.get()
            request = date_request_of(stored, date.fromisoformat(order["settlement_date"]), order["wait_seconds"])
            end = runner.run(run_one_date(settings, url, request, services))
            print(json.dumps(end.as_dict()), file=answers, flush=True)


def _orders() -> "queue.Queue[Any]":
    """Read the input in a thread, which ends this process with it, also in the middle of a date."""
    orders: queue.Queue[Any] = queue.Queue()

    def listen() -> None:
        for line in sys.stdin:
            orders.put(json.loads(line))
        os._exit(0)  # like a kill, which the date's next run takes up after

    threading.Thread(target=listen, name="orders", daemon=True).start()
    return orders


def _own_stdout() -> TextIO:
    """Keep stdout for answers: whatever else would print there goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    main()
