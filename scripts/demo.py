"""The demo: one settlement date re-ingested end to end, restated at the source, and re-ingested again.

Everything is real: the embedded Postgres, HTTP to the stand-in Elexon, the stages, the publish. It runs in a folder of
its own and begins with an empty database, so that every demo is the same; it stops what it started.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from reingest.store.embedded import EmbeddedPostgres

ROOT = Path(__file__).parents[1]
REINGEST = ROOT / ".venv" / "bin" / "reingest"
HOME = Path(os.environ.get("REINGEST_HOME") or ROOT / ".reingest" / "demo")
SETTLEMENT_DATE = "2025-03-21"
SEED = "321"


def main() -> int:
    """Run the demo and print how long it took, since `make` began."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--began", type=float, default=time.time(), help="when make began, in Unix seconds")
    began = parser.parse_args().began
    environment = {**os.environ, "REINGEST_HOME": str(HOME), "REINGEST_REQUESTS_PER_SECOND": "0"}
    # A Postgres of the user's own is no place for a demo.
    environment.pop("DATABASE_URL", None)
    with embedded_postgres(environment), stand_in(environment) as url:
        environment["REINGEST_ELEXON_URL"] = url
        show(environment, "A settlement date, from the source to the served version:", "date", SETTLEMENT_DATE)
        show(environment, "Elexon calculates period 20 again:", "stand-in", "restate", "--url", url, *RESTATEMENT)
        show(environment, "What a re-ingestion would change:", "date", SETTLEMENT_DATE, "--plan")
        show(environment, "The re-ingestion, with its diff:", "date", SETTLEMENT_DATE)
        show(environment, "Once more: nothing changed, so nothing is published:", "date", SETTLEMENT_DATE)
        show(environment, "What is served now:", "show", SETTLEMENT_DATE)
    print(f"\nmake demo took {time.time() - began:.1f} s")
    return 0


RESTATEMENT = ("--date", SETTLEMENT_DATE, "--period", "20", "--factor", "1.1")


def show(environment: dict[str, str], title: str, *arguments: str) -> None:
    """Print a title, the command, and what the command prints; a failing command ends the demo."""
    print(f"\n── {title}\n$ reingest {' '.join(arguments)}\n", flush=True)
    subprocess.run([REINGEST, "--log-level", "WARNING", *arguments], env=environment, check=True)


@contextmanager
def embedded_postgres(environment: dict[str, str]) -> Iterator[None]:
    """Start the embedded Postgres with an empty schema, and stop it."""
    shutil.rmtree(HOME / "archive", ignore_errors=True)
    try:
        show(environment, "The embedded Postgres:", "db", "start")
        empty_database(EmbeddedPostgres(HOME / "postgres").start())
        show(environment, "Its schema:", "db", "upgrade")
        yield
    finally:
        subprocess.run([REINGEST, "db", "stop"], env=environment, check=True, stdout=subprocess.DEVNULL)


def empty_database(url: str) -> None:
    """Take away what an earlier demo left."""
    with psycopg.connect(url) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")


@contextmanager
def stand_in(environment: dict[str, str]) -> Iterator[str]:
    """Start the stand-in Elexon on a free port, give its base URL, and stop it."""
    command = [str(REINGEST), "stand-in", "serve", "--port", "0", "--generate", SEED]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = server.stdout.readline().strip() if server.stdout else ""
            if not url.startswith("http"):
                raise SystemExit(f"the stand-in did not start: {url}")
            print(f"\n── The stand-in Elexon serves generated days on {url}")
            yield url
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=10)


if __name__ == "__main__":
    sys.exit(main())
