"""Take the pictures of docs/operate.md: start dates from Prefect's form in headless Chromium, and keep what it shows.

    make up                                      # in another terminal
    python scripts/screenshots.py [CHROMIUM]     # needs playwright, and a Chromium (/usr/bin/chromium)

It runs a date through the form: published, published again after a restatement, held by an expected total, and
refused: once before a run exists, because a list of periods is not written as one, and once by the run, because the
date has no such period.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright  # type: ignore[import-not-found]  # installed for this script alone

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
HOME = Path(os.environ.get("REINGEST_HOME") or ROOT / ".reingest" / "up")
CHROMIUM = sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
DATE = "2025-03-24"
WIDTH, HEIGHT, HIGH = 1280, 960, 1740


def main() -> None:
    """Run the dates and save the pictures."""
    up = json.loads((HOME / "prefect" / "up.json").read_text())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        submit(page, up, DATE, picture="form")
        restate(up)
        published = submit(page, up, DATE)
        show_run(page, up, published, "run")
        show_artifact(page, up, published, "report", "report", HIGH)
        held = submit(page, up, DATE, expected_energy="50518.72")
        show_artifact(page, up, held, "report", "held")
        if submit(page, up, DATE, periods="1 to 12", picture="refused", follow=False):
            raise SystemExit("a list of periods that is none was let through")
        show_run(page, up, submit(page, up, DATE, periods="47-49"), "no-such-period")
        browser.close()


def restate(up: dict[str, Any]) -> None:
    """Have the stand-in calculate a period again."""
    words = ("--date", DATE, "--period", "20", "--factor", "1.1")
    subprocess.run(
        [ROOT / ".venv" / "bin" / "reingest", "stand-in", "restate", "--url", up["elexon"], *words], check=True
    )


def submit(
    page: Page, up: dict[str, Any], day: str, picture: str = "", *, follow: bool = True, **fields: str
) -> str | None:
    """Fill the form as a person would, submit it, and return the flow run's id once it has ended."""
    deployment = ask(up, "/deployments/filter", {"deployments": {"name": {"any_": ["reingest-date"]}}})[0]["id"]
    before = {run["id"] for run in ask(up, "/flow_runs/filter", {})}
    page.goto(f"{up['prefect_ui']}/deployments/deployment/{deployment}/run")
    page.get_by_text("Select date").first.click()
    page.locator("input[type=date]").fill(day)
    page.get_by_role("button", name="Apply").click()
    titles = {"periods": "Only these periods", "expected_energy": "Expected energy, MWh"}
    for name, value in fields.items():
        page.locator(".p-label", has_text=titles[name]).locator("textarea").first.fill(value)
    if picture and not fields:
        save(page, picture, HIGH)
    page.get_by_role("button", name="Submit").click()
    page.wait_for_timeout(1500)
    if not follow:
        save(page, picture)
        return next((run["id"] for run in ask(up, "/flow_runs/filter", {}) if run["id"] not in before), None)
    return ended(up, before)


def ended(up: dict[str, Any], before: set[str]) -> str:
    """Wait for the new flow run to end, and return its id."""
    for _ in range(120):
        new = [run for run in ask(up, "/flow_runs/filter", {}) if run["id"] not in before]
        if new and new[0]["state_type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}:
            return str(new[0]["id"])
        time.sleep(0.5)
    raise SystemExit("the flow run did not end within a minute")


def show_run(page: Page, up: dict[str, Any], run: str | None, picture: str) -> None:
    """Save the page of a flow run."""
    page.goto(f"{up['prefect_ui']}/runs/flow-run/{run}")
    page.wait_for_timeout(4000)
    save(page, picture)


def show_artifact(
    page: Page, up: dict[str, Any], run: str | None, key: str, picture: str, height: int = HEIGHT
) -> None:
    """Save the page of one of a flow run's artifacts."""
    found = ask(up, "/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run]}, "key": {"any_": [key]}}})
    page.goto(f"{up['prefect_ui']}/artifacts/artifact/{found[0]['id']}")
    page.wait_for_timeout(3000)
    save(page, picture, height)


def save(page: Page, name: str, height: int = HEIGHT) -> None:
    """Save what is seen now in a window of this height."""
    page.set_viewport_size({"width": WIDTH, "height": height})
    page.wait_for_timeout(500)
    page.screenshot(path=PICTURES / f"prefect-{name}.png")
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})


def ask(up: dict[str, Any], path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401  (JSON)
    """Ask Prefect's API."""
    request = urllib.request.Request(  # noqa: S310  (the address is make up's own)
        up["prefect_api"] + path, json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return json.load(answer)


if __name__ == "__main__":
    main()
