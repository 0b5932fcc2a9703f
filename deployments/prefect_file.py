"""`prefect.yaml` as Prefect's own command reads it, and the same with each schedule on or off as is wanted."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]  # it comes with Prefect, which reads the file with it

CHECKOUT: Final = Path(__file__).resolve().parents[1]
PREFECT_FILE: Final = CHECKOUT / "deployments" / "prefect.yaml"

Slug = tuple[str, str]
"""A schedule: the name of its deployment, and its own."""


def read_prefect_file() -> dict[str, Any]:
    """Return what `prefect.yaml` says."""
    found: dict[str, Any] = yaml.safe_load(PREFECT_FILE.read_text(encoding="utf-8"))
    return found


def deployment_names() -> list[str]:
    """Return the names of the deployments, in their order."""
    return [deployment["name"] for deployment in read_prefect_file()["deployments"]]


def schedule_slugs() -> list[Slug]:
    """Return every schedule."""
    return [
        (deployment["name"], schedule["slug"])
        for deployment in read_prefect_file()["deployments"]
        for schedule in deployment.get("schedules", ())
    ]


@contextmanager
def with_schedules(active: Mapping[Slug, bool]) -> Iterator[Path]:
    """Give, for the block, a file that says of these schedules whether they are on; of others it says what it said.

    Prefect's command would set every schedule to what the file says, whatever a person chose since.
    """
    content = read_prefect_file()
    for deployment in content["deployments"]:
        for schedule in deployment.get("schedules", ()):
            schedule["active"] = active.get((deployment["name"], schedule["slug"]), schedule["active"])
    with tempfile.TemporaryDirectory(prefix="reingest-") as folder:
        file = Path(folder) / PREFECT_FILE.name
        file.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
        yield file
