"""The Prefect file, read as it stands."""

import re
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # it comes with Prefect

from deployments.prefect_file import PREFECT_FILE, deployment_names, read_prefect_file, schedule_slugs, with_schedules

FLOWS = PREFECT_FILE.parents[1] / "flows"
FLOW = re.compile(r"^@flow\((?P<options>[^)]*)\)\nasync def (?P<name>\w+)\(", re.MULTILINE)
DEPLOYMENTS = read_prefect_file()["deployments"]


def flows() -> dict[str, str]:
    """Return the options of every flow of the project by its entrypoint."""
    found = {}
    for path in sorted(FLOWS.glob("*.py")):
        for flow in FLOW.finditer(path.read_text(encoding="utf-8")):
            found[f"flows/{path.name}:{flow['name']}"] = flow["options"]
    return found


def test_every_flow_has_one_deployment() -> None:
    """Each flow has exactly one deployment, under a name of its own."""
    assert sorted(one["entrypoint"] for one in DEPLOYMENTS) == sorted(flows())
    assert len({*deployment_names()}) == len(DEPLOYMENTS)


@pytest.mark.parametrize("entrypoint", flows())
def test_no_flow_is_retried_by_prefect(entrypoint: str) -> None:
    """A flow says that it is not retried, and no task or deployment says otherwise."""
    assert "retries=0" in flows()[entrypoint]
    source = (PREFECT_FILE.parents[1] / entrypoint.partition(":")[0]).read_text(encoding="utf-8")
    assert not re.search(r"retries=[^0]|retry_", source)


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=deployment_names())
def test_a_deployment_is_registered_as_the_others(deployment: dict[str, object]) -> None:
    """It is in the project's pool with its tag, is described, and its limit only bounds load."""
    pool = deployment["work_pool"]
    assert isinstance(pool, dict)
    assert pool["name"] == "reingest"
    assert "reingest.tuning prefect.engine" in pool["job_variables"]["command"]
    assert deployment["tags"] == ["reingest"]
    assert str(deployment["description"]).endswith(".")
    assert deployment["concurrency_limit"] in [
        {"limit": 4, "collision_strategy": "ENQUEUE"},
        {"limit": 2, "collision_strategy": "ENQUEUE"},
        {"limit": 1, "collision_strategy": "CANCEL_NEW"},
    ]


def test_every_schedule_is_of_london_and_off() -> None:
    """Each schedule has a slug, is in Europe/London, off, and outside the hour that London has twice or not at all."""
    schedules = [schedule for one in DEPLOYMENTS for schedule in one.get("schedules", ())]
    assert len(schedules) == len({*schedule_slugs()}) > 0
    for schedule in schedules:
        assert schedule["timezone"] == "Europe/London"
        assert schedule["active"] is False
        assert schedule["cron"].split()[1] != "1"


def test_schedules_that_are_on_stay_on(tmp_path: Path) -> None:
    """What is registered says of a schedule what was chosen for it, and nothing else otherwise."""
    first, *others = schedule_slugs()
    with with_schedules({first: True}) as file:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    active = {
        (one["name"], schedule.pop("slug")): schedule.pop("active")
        for one in content["deployments"]
        for schedule in one.get("schedules", ())
    }
    assert active == {first: True, **dict.fromkeys(others, False)}
    assert [one["name"] for one in content["deployments"]] == deployment_names()
