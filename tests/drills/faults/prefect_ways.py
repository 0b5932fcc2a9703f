"""Ways in which Prefect's API fails: nobody there, one that refuses everything, one that refuses now and then."""

import contextlib
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeAlias

from deployments.prefect_settings import client_environment, plain_environment
from tests.drills.faults.fault import Ground
from tests.support.days import DATE
from tests.support.sites import Ran

NOBODY = "http://127.0.0.1:9/api"
EVERY = 5
FLOW = f"""
import asyncio, sys
from datetime import date
from flows.reingest_date import reingest_date
state = asyncio.run(reingest_date(date.fromisoformat("{DATE}"), return_state=True))
sys.exit(0 if state.is_completed() else 1)
"""

Refuse: TypeAlias = Callable[[int], bool]
"""Whether the n-th request, counted from 1, is answered 429."""


def run_by_prefect_without_a_server(ground: Ground) -> Ran:
    """Ask for a run by Prefect where nobody serves its API."""
    return _via_prefect(ground, NOBODY)


def run_by_prefect_that_refuses(ground: Ground) -> Ran:
    """Ask for a run by Prefect whose API answers 429 to everything."""
    with _api(NOBODY, lambda _: True) as (url, refused):
        ran = _via_prefect(ground, url)
    assert refused
    return ran


def run_flow_past_refusals(ground: Ground) -> Ran:
    """Run the flow while every fifth request to Prefect's API is answered 429."""
    server = ground.prefect()
    with _api(server.api_url, lambda number: number % EVERY == 0) as (url, refused):
        ran = _flow(ground, url)
    assert refused
    return ran


def _via_prefect(ground: Ground, url: str) -> Ran:
    environment = {"PREFECT_API_URL": url, "PREFECT_CLIENT_MAX_RETRIES": "1", "PREFECT_CLIENT_RETRY_JITTER_FACTOR": "0"}
    return ground.site.start("date", DATE, "--via", "prefect", "--json", **environment).finish()


def _flow(ground: Ground, url: str) -> Ran:
    """Run the flow in a process of its own; what it came to is read where it is stored."""
    folder = ground.site.home.parent / "prefect"
    folder.mkdir()
    environment = plain_environment() | client_environment(folder, url) | ground.site.environment()
    done = subprocess.run(
        [sys.executable, "-c", FLOW], env=environment, cwd=Path.cwd(), capture_output=True, text=True, check=False
    )
    (outcome,) = ground.site.rows("select outcome from run order by started_at desc limit 1")[0]
    return Ran(done.returncode, json.dumps({"outcome": outcome, "checks": []}), done.stderr)


@contextmanager
def _api(target: str, refuse: Refuse) -> Iterator[tuple[str, list[int]]]:
    """Stand before Prefect's API; give the address, and the numbers of the requests that were refused."""
    count = iter(range(1, sys.maxsize))
    refused: list[int] = []
    base = target.removesuffix("/api")

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            number = next(count)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if refuse(number):
                refused.append(number)
                self._send(429, b"{}", {"retry-after": "0"})
                return
            asked = urllib.request.Request(base + self.path, body or None, method=self.command)  # noqa: S310
            asked.add_header("content-type", self.headers.get("content-type") or "application/json")
            try:
                with urllib.request.urlopen(asked) as answer:  # noqa: S310
                    self._send(answer.status, answer.read(), {})
            except urllib.error.HTTPError as error:
                self._send(error.code, error.read(), {})

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            with contextlib.suppress(OSError):
                self.send_response(status)
                for name, value in {"content-type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  (the library's names)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api", refused
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
