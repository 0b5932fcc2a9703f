"""docs/runbooks.md, run as it stands on sites that were broken as its headings say."""

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT, SIGKILL
from typing import Final, TypeAlias

import pytest

from reingest.standin.server import StandIn
from tests.support.days import DATE
from tests.support.postgres import Databases
from tests.support.sites import Site, copy_of
from tests.support.webhooks import running_webhook

PAGE: Final = (Path(__file__).parents[3] / "docs" / "runbooks.md").read_text(encoding="utf-8")
_SECTION: Final = re.compile(r"^##+ (?P<heading>.+?)\n(?P<text>.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_CONSOLE: Final = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND: Final = re.compile(r"^\$ (?P<command>.+?)(?: +# exit (?P<exit>\d+))?$", re.MULTILINE)

Commands: TypeAlias = list[tuple[str, int]]


def runbooks() -> dict[str, Commands]:
    """Return the commands of each runbook with the exit codes that the page tells, by heading."""
    books = {
        section["heading"]: [
            (found["command"], int(found["exit"] or 0))
            for block in _CONSOLE.findall(section["text"])
            for found in _COMMAND.finditer(block)
        ]
        for section in _SECTION.finditer(PAGE)
    }
    return {heading: commands for heading, commands in books.items() if commands}


@dataclass
class Place:
    """A site where the date is published as version 1, and Elexon says something else by now."""

    site: Site
    elexon: StandIn
    until: ExitStack

    def crash_at(self, checkpoint: str) -> None:
        """Kill a run at a checkpoint."""
        assert self.site.start("date", DATE, REINGEST_CRASH_AT=checkpoint).finish().exit_code == -SIGKILL

    def hold(self) -> None:
        """Hold a version, for a total that nobody should have expected."""
        assert self.site.reingest("expected", "set", DATE, "--energy", "1").exit_code == 0
        assert self.site.date(DATE).exit_code == 1

    def contradict(self) -> None:
        """Hold a version because a witness lacks one of its acceptances."""
        self.elexon.script([{"kind": "dropped_row", "dataset": "BOAV", "side": "bid", "periods": 1, "row": 0}])
        assert self.site.date(DATE).exit_code == 1

    def contradict_for_a_moment(self) -> None:
        """Hold a version because a witness lacked one of its acceptances when it was asked."""
        self.contradict()
        self.elexon.script([])

    def crash_before_notification(self) -> None:
        """Kill a run that has published and was about to tell a webhook."""
        self.site.settings["REINGEST_WEBHOOK_URL"] = self.until.enter_context(running_webhook()).url
        self.crash_at("before_notify")

    def hold_the_lease(self) -> None:
        """Stop a run that has the date's lease; it wakes when the runbook is done, and finds that it was overtaken."""
        holder = self.site.start("date", DATE, stop_at="after_lease")
        holder.wait_until_stopped()

        def wake() -> None:
            holder.send(SIGCONT)
            assert holder.finish().exit_code == 5

        self.until.callback(wake)

    def change_rows(self) -> None:
        """Change a figure by hand."""
        self.publish()
        self.site.rows(
            "update daily_summary set payment_gbp = payment_gbp + 1 from version"
            " where version.id = version_id and state = 'published' and definition = 'so_flagged'"
        )

    def lose_a_payload(self) -> None:
        """Lose the file of a served period."""
        self.publish()
        sha256 = self.site.value(
            "select payload_sha256 from version_period join version on version.id = version_id"
            ' join "fetch" on "fetch".id = fetch_id'
            " where state = 'published' and version_period.period = 1 and version_period.side = 'bid'"
        )
        (lost,) = (path for path in self.site.home.rglob(f"*{sha256}*") if path.is_file())
        lost.unlink()

    def limit_the_rate(self) -> None:
        """Have Elexon refuse some requests, and a run end with it."""
        self.elexon.script([{"kind": "status", "status": 429, "dataset": "ISPSTACK", "periods": "17-20"}])
        assert self.site.date(DATE).exit_code == 4
        self.elexon.script([])

    def crash_and_lose_a_payload(self) -> None:
        """Lose the file of a served period, and kill a run besides."""
        self.lose_a_payload()
        self.crash_at("after_basis")

    def publish(self) -> None:
        """Publish what Elexon says."""
        assert self.site.date(DATE).exit_code == 0


BROKEN: Final[dict[str, Callable[[Place], None]]] = {
    "Killed before anything was fetched": lambda place: place.crash_at("after_basis"),
    "Killed while it fetched": lambda place: place.crash_at("after_fetch_rows"),
    "Killed with a candidate written": lambda place: place.crash_at("after_stage"),
    "Killed inside the publish": lambda place: place.crash_at("before_publish_commit"),
    "Killed after the commit": lambda place: place.crash_at("after_publish_commit"),
    "Killed before the notification was sent": Place.crash_before_notification,
    "A lease that does not end": Place.hold_the_lease,
    "Rows that were changed in the database": Place.change_rows,
    "A payload that is missing or altered": Place.lose_a_payload,
    "Elexon limits the rate": Place.limit_the_rate,
    "The expected total was wrong": Place.hold,
    "A person knows better": Place.hold,
    "The answers were of two moments": Place.contradict_for_a_moment,
    "The witness is wrong": Place.contradict,
    "Back to an earlier version": Place.publish,
    "A figure changed": Place.publish,
    "From detection to work again, in five commands": Place.crash_and_lose_a_payload,
}
BACK: Final = "Back to an earlier version"


@pytest.fixture
def place(published: Site, elexon: StandIn) -> Iterator[Place]:
    """Return the place to break."""
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    with ExitStack() as until:
        yield Place(published, elexon, until)


def test_every_runbook_is_tried() -> None:
    """Each runbook of the page that has commands has its way of breaking a site, and there is no other."""
    assert set(runbooks()) == set(BROKEN)


@pytest.mark.parametrize("heading", BROKEN)
def test_runbook(heading: str, place: Place, databases: Databases, tmp_path: Path) -> None:
    """The commands of a runbook end as the page says, and leave a consistent site with a clean run's figures."""
    site = place.site
    old = site.dump(DATE)
    with copy_of(site, databases, tmp_path / "clean" / "home") as clean:
        assert clean.date(DATE).exit_code == 0
        new = clean.dump(DATE)
    with place.until:
        BROKEN[heading](place)
        for command, exit_code in runbooks()[heading]:
            ran = run(site, command)
            assert ran[0] == exit_code, f"{command}: {ran}"
    assert site.dump(DATE) == (old if heading == BACK else new) != (new if heading == BACK else old)
    exit_code, findings, _ = run(site, "reingest doctor")
    assert exit_code == 0, findings


def run(site: Site, command: str) -> tuple[int, str, str]:
    """Run a command line as a shell would: variables first, then `reingest` and its words; KEY is the finding's."""
    words = [key_of_finding(site) if word == "KEY" else word for word in shlex.split(command)]
    variables = dict(word.split("=", 1) for word in words[: words.index("reingest")])
    ran = site.reingest(*words[words.index("reingest") + 1 :], **variables)
    return ran.exit_code, ran.out, ran.err


def key_of_finding(site: Site) -> str:
    """Return the key of the one finding that is left, as the doctor prints it."""
    ran = site.reingest("doctor", "--json")
    (finding,) = ran.json["findings"]
    return str(finding["key"])
