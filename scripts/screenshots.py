"""Run every deployment from its form in Prefect's UI, as a person would, and take the pictures of the docs.

    make up                                                 # in another terminal
    python scripts/screenshots.py [--only NAME] [CHROMIUM]  # needs playwright, and a Chromium (/usr/bin/chromium)

A date is published, published again after a restatement, held by an expected total, and refused: once before a run
exists, because a list of periods is not written as one, and once by the run, because the date has no such period. Of
every other deployment the form, the run and an artifact are taken; forms that check what is typed get something wrong
first. Pictures that no page of the docs shows are kept in the home of `make up`, to be looked at.
"""

import argparse
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, sync_playwright  # type: ignore[import-not-found]  # installed for this script alone

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
HOME = Path(os.environ.get("REINGEST_HOME") or ROOT / ".reingest" / "up")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
DATE = "2025-03-24"
UNIT = "T_ALDMO-4"  # of the stand-in's fleet; it is curtailed on most days
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
WIDTH, HEIGHT, HIGH = 1280, 960, 1740


@dataclass(frozen=True)
class Shown:
    """What is done with a deployment, and which pictures are taken.

    Attributes:
        fields: What is filled in, by the title of the field.
        wrong: Something that the form must refuse, in the same way.
        artifact: The artifact of the run that is looked at.
        height: Of the window for the form.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)
    artifact: str = ""
    height: int = HEIGHT


SHOWN: Final = {
    "units-refresh": Shown(artifact="units"),
    "staged-reingest": Shown(
        {"Settlement date": "2025-03-25", "Periods to stage": "1-12"}, {"Periods to stage": "morning"}, "staged", 1200
    ),
    "reingest-range": Shown({"From": "2025-03-01", "To": "2025-03-06"}, {"From": "March"}, "report", HIGH),
    "reconcile": Shown({"Policy": "repair", "Dates at once": "2"}, {"Hold beyond, GBP": "a lot"}, "reconciliation"),
    "health": Shown(artifact="health"),
    "deliver-outbox": Shown(),
}


def main() -> None:
    """Run the deployments and save the pictures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("chromium", nargs="?", default="/usr/bin/chromium")
    parser.add_argument("--only", choices=("reingest-date", *SHOWN))
    arguments = parser.parse_args()
    up = json.loads((HOME / "prefect" / "up.json").read_text())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        if arguments.only in {None, "reingest-date"}:
            show_dates(page, up)
        for name, shown in SHOWN.items():
            if arguments.only in {None, name}:
                show_deployment(page, up, name, shown)
        browser.close()


def show_dates(page: Page, up: dict[str, Any]) -> None:
    """Run a date in every way, and take the pictures of docs/operate.md."""
    wanted = {"Settlement date": DATE}
    submit(page, up, "reingest-date", wanted, picture="form")
    restate(up, DATE)
    published = submit(page, up, "reingest-date", wanted)
    show_run(page, up, published, "run")
    show_artifact(page, up, published, "report", "report", HIGH)
    held = submit(page, up, "reingest-date", wanted | {"Expected energy, MWh": "50518.72"})
    show_artifact(page, up, held, "report", "held")
    refuse(page, up, "reingest-date", wanted | {"Only these periods": "1 to 12"}, "refused")
    show_run(page, up, submit(page, up, "reingest-date", wanted | {"Only these periods": "47-49"}), "no-such-period")


def show_deployment(page: Page, up: dict[str, Any], name: str, shown: Shown) -> None:
    """Take the form of a deployment, what it refuses, and a run with its artifact."""
    if name == "reconcile":
        prepare_reconciliation(up)
    if shown.wrong:
        refuse(page, up, name, {**shown.fields, **shown.wrong}, f"{name}-refused")
    run = submit(page, up, name, shown.fields, picture=f"{name}-form", height=shown.height)
    show_run(page, up, run, f"{name}-run")
    if shown.artifact:
        show_artifact(page, up, run, shown.artifact, f"{name}-{shown.artifact}")


def prepare_reconciliation(up: dict[str, Any]) -> None:
    """Publish some of the last weeks' dates, and make a few of them stale by another fuel type of a unit."""
    today = datetime.now(UTC).date()
    first, last = (str(today - timedelta(days=days)) for days in (12, 3))
    submit_by_api(up, "reingest-range", start=first, end=last)
    stale = ("--valid-from", str(today - timedelta(days=9)), "--valid-to", str(today - timedelta(days=6)))
    reingest("units", "correct", UNIT, *stale, "--fuel-type", "OTHER", "--reason", "it is a battery")


def restate(up: dict[str, Any], day: str) -> None:
    """Have the stand-in calculate a period again."""
    reingest("stand-in", "restate", "--url", up["elexon"], "--date", day, "--period", "20", "--factor", "1.1")


def reingest(*words: str) -> None:
    """Run a command in the home of `make up`."""
    command = [str(ROOT / ".venv" / "bin" / "reingest"), *words]
    subprocess.run(command, check=True, env=os.environ | {"REINGEST_HOME": str(HOME)})


def refuse(page: Page, up: dict[str, Any], name: str, fields: Mapping[str, str], picture: str) -> None:
    """Fill the form with something wrong, and find that no run comes of it."""
    before = runs(up)
    fill(page, up, name, fields)
    page.get_by_role("button", name="Submit").click()
    page.wait_for_timeout(1500)
    save(page, picture)
    if {*runs(up)} - {*before}:
        raise SystemExit(f"{name} let {fields} through")


def submit(
    page: Page, up: dict[str, Any], name: str, fields: Mapping[str, str], picture: str = "", height: int = HIGH
) -> str:
    """Fill the form as a person would, submit it, and return the flow run's id once it has ended."""
    before = runs(up)
    fill(page, up, name, fields)
    if picture:
        save(page, picture, height)
    page.get_by_role("button", name="Submit").click()
    return ended(up, {*before})


def submit_by_api(up: dict[str, Any], name: str, **parameters: str) -> str:
    """Have a deployment run, and return the flow run's id once it has ended."""
    before = {*runs(up)}
    ask(up, f"/deployments/{deployment_id(up, name)}/create_flow_run", {"parameters": parameters})
    return ended(up, before)


def fill(page: Page, up: dict[str, Any], name: str, fields: Mapping[str, str]) -> None:
    """Open the form of a deployment, and fill fields by their titles."""
    page.goto(f"{up['prefect_ui']}/deployments/deployment/{deployment_id(up, name)}/run")
    page.get_by_role("button", name="Submit").wait_for()
    page.wait_for_timeout(1000)
    for title, value in fields.items():
        one = page.locator(".p-label", has=page.get_by_text(title, exact=False)).first
        if title == "Settlement date":
            page.get_by_text("Select date").first.click()
            page.locator("input[type=date]").fill(value)
            page.get_by_role("button", name="Apply").click()
        elif one.locator("textarea").count():
            one.locator("textarea").first.fill(value)
        elif one.locator("input[type=number]").count():
            one.locator("input[type=number]").first.fill(value)
        else:
            one.locator(".p-select-button button").first.focus()
            page.keyboard.press("ArrowDown")  # a click opens the list and, by way of its label, closes it again
            page.get_by_role("option", name=value, exact=True).first.click()


def ended(up: dict[str, Any], before: set[str]) -> str:
    """Wait for the new flow run to end, and return its id."""
    for _ in range(2400):
        new = {name: state for name, state in runs(up).items() if name not in before}
        if new and {*new.values()} <= FINAL:
            return next(iter(new))
        time.sleep(0.5)
    raise SystemExit("the flow run did not end within twenty minutes")


def show_run(page: Page, up: dict[str, Any], run: str, picture: str) -> None:
    """Save the page of a flow run."""
    page.goto(f"{up['prefect_ui']}/runs/flow-run/{run}")
    page.wait_for_timeout(4000)
    save(page, picture)


def show_artifact(page: Page, up: dict[str, Any], run: str, key: str, picture: str, height: int = HEIGHT) -> None:
    """Save the page of one of a flow run's artifacts."""
    found = ask(up, "/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run]}, "key": {"any_": [key]}}})
    page.goto(f"{up['prefect_ui']}/artifacts/artifact/{found[0]['id']}")
    page.wait_for_timeout(3000)
    save(page, picture, height)


def save(page: Page, name: str, height: int = HEIGHT) -> None:
    """Save what is seen now in a window of this height: beside the docs where a page of them shows it."""
    file = f"prefect-{name}.png"
    others = HOME / "pictures"
    others.mkdir(exist_ok=True)
    shown = any(file in one.read_text(encoding="utf-8") for one in (ROOT / "docs").glob("*.md"))
    page.set_viewport_size({"width": WIDTH, "height": height})
    page.wait_for_timeout(500)
    page.screenshot(path=(PICTURES if shown else others) / file)
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})


def deployment_id(up: dict[str, Any], name: str) -> str:
    """Return the id of a deployment."""
    found: str = ask(up, "/deployments/filter", {"deployments": {"name": {"any_": [name]}}})[0]["id"]
    return found


def runs(up: dict[str, Any]) -> dict[str, str]:
    """Return the type of the state of every flow run, by id."""
    return {run["id"]: run["state_type"] for run in ask(up, "/flow_runs/filter", {"sort": "EXPECTED_START_TIME_DESC"})}


def ask(up: dict[str, Any], path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401  (JSON)
    """Ask Prefect's API."""
    request = urllib.request.Request(  # noqa: S310  (the address is make up's own)
        up["prefect_api"] + path, json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return json.load(answer)


if __name__ == "__main__":
    main()
