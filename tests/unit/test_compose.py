"""The compose file, read as it stands: there may be no Docker here, but what it runs is our own."""

import re
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it comes with Prefect

from deployments.prefect_file import CHECKOUT
from deployments.start import command_of
from reingest.cli.app import COMMANDS
from reingest.settings import SECRET_SETTINGS, Settings, environment_name

TEXT = (CHECKOUT / "deployments" / "compose.yaml").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
OURS = [name for name, service in SERVICES.items() if service["image"] == "reingest"]
START = ["python", "-m", "deployments.start"]


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_command_that_there_is(name: str) -> None:
    """A service of our image runs `reingest` or a part of Prefect, waits for what it needs, and shares the archive."""
    command = SERVICES[name]["command"]
    if command[:3] == START:
        assert command_of(command[3:])
    else:
        assert (command[0], command[1] in COMMANDS) == ("reingest", True)
    assert {*SERVICES[name]["depends_on"]} < {*SERVICES}
    assert SERVICES[name]["volumes"] == ["archive:/var/lib/reingest/archive"]


def test_no_secret_stands_in_the_file() -> None:
    """Passwords come from the environment, and without them nothing starts."""
    for variable in ("POSTGRES_PASSWORD", "PREFECT_PASSWORD"):
        assert {*re.findall(rf"\$\{{{variable}(..)", TEXT)} == {":?"}


def test_the_variables_are_settings() -> None:
    """Each variable of Reingest's is one of its settings; a secret one is empty unless it is given."""
    known = {environment_name(name): name for name in Settings.model_fields}
    for service in SERVICES.values():
        for variable, value in service["environment"].items():
            if variable.startswith("REINGEST_"):
                assert variable in known
                assert known[variable] not in SECRET_SETTINGS or value == f"${{{variable}:-}}"


def test_the_image_is_built_from_the_lock() -> None:
    """The image takes the locked requirements with their hashes, has everything that is run, and runs not as root."""
    dockerfile = (CHECKOUT / "deployments" / "Dockerfile").read_text(encoding="utf-8")
    assert "--no-deps --require-hashes --requirement requirements/run.txt" in dockerfile
    copied = {word for line in re.findall(r"^COPY (.+) \S+$", dockerfile, re.MULTILINE) for word in line.split()}
    assert copied >= {"reingest", "flows", "deployments", "migrations"}
    ignored = (CHECKOUT / "deployments" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} >= copied
    assert re.search(r"^USER reingest$", dockerfile, re.MULTILINE)
