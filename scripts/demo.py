"""The demo: Prefect re-ingests one settlement date end to end, and again after its source restated it.

Everything is real: `make up` in a folder of its own (the embedded Postgres, Prefect's server on it, a worker, the
stand-in Elexon), the flow, the publish. It begins empty, so that every demo is the same, and stops what it started.
What a killed demo leaves ends with it, or with the next one.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from deployments.children import POLL_SECONDS, die_with_parent
from deployments.parts import CHECKOUT
from deployments.prefect_settings import client_environment
from deployments.up import ADDRESSES
from reingest.cli import main as reingest

UP = (sys.executable, "-m", "deployments.up", "--with-parent", "--begin-empty")
DATE = "2025-03-21"
RESTATEMENT = ("--date", DATE, "--period", "20", "--factor", "1.1")
VIA = ("--via", "prefect")


def main() -> int:
    """Run the demo and print how long it took, since `make` began."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--began", type=float, default=time.time(), help="when make began, in Unix seconds")
    parser.add_argument("--home", type=Path, default=CHECKOUT / ".reingest" / "demo", help="its folder; it is emptied")
    arguments = parser.parse_args()
    die_with_parent()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    home = arguments.home.absolute()
    use_only(home)
    say("Postgres, Prefect's server on it, a worker, and the stand-in Elexon:")
    with everything_up(home) as addresses:
        run("A settlement date, from the source to the served version:", "date", DATE, *VIA)
        run("Elexon calculates period 20 again:", "stand-in", "restate", "--url", addresses["elexon"], *RESTATEMENT)
        run("What a re-ingestion would change:", "date", DATE, "--plan", *VIA)
        run("The re-ingestion, with its diff:", "date", DATE, *VIA)
        run("Once more: nothing changed, so nothing is published:", "date", DATE, *VIA)
        run("What is served now:", "show", DATE)
        say("Prefect's pages end with the demo; in a browser, until Ctrl-C:")
        print(f"$ REINGEST_HOME={home} make up\n", flush=True)
    print(f"\nmake demo took {time.time() - arguments.began:.1f} s")
    return 0


def say(title: str) -> None:
    """Print what comes next."""
    print(f"\n── {title}", flush=True)


def run(title: str, *words: str) -> None:
    """Print a title, the command, and what the command prints; a failing command ends the demo.

    The command line is called in this process, which imports Prefect's client once for all commands.
    """
    say(title)
    print(f"$ reingest {' '.join(words)}\n", flush=True)
    exit_code = reingest(words)
    if exit_code:
        raise SystemExit(exit_code)


def use_only(home: Path) -> None:
    """Keep the user's settings, a Postgres and a Prefect of the user's own among them, out of this and its children."""
    for name in [*os.environ]:
        if name == "DATABASE_URL" or name.startswith(("REINGEST_", "PREFECT_")):
            del os.environ[name]
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "reingest.toml"
    settings.touch()
    os.environ |= {"REINGEST_HOME": str(home), "REINGEST_CONFIG": str(settings)}


@contextmanager
def everything_up(home: Path) -> Iterator[dict[str, Any]]:
    """Bring everything up, give its addresses, and stop it; it stops too when this process is killed."""
    with subprocess.Popen(UP, cwd=CHECKOUT) as up:
        try:
            os.environ |= client_environment(home / "prefect", "")
            del os.environ["PREFECT_API_URL"]
            import_module("prefect.client.orchestration")  # a second's work, done while the others start
            yield wait_for_addresses(home / "prefect" / ADDRESSES, up)
        finally:
            up.terminate()
            up.wait()


def wait_for_addresses(written: Path, up: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """Return where everything answers, once it does."""
    while up.poll() is None:
        if written.exists():
            found: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
            if found["pid"] == up.pid:  # else they are of one that was killed
                return found
        time.sleep(POLL_SECONDS)
    raise SystemExit(up.returncode)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
