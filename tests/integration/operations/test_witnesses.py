"""Witnesses of a date: what confirms it, what contradicts it, and what happens without them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from reingest.standin.server import StandIn, StandInConfig
from tests.support.postgres import Databases
from tests.support.sites import NOWHERE, Site, copy_of

DAY = date(2025, 3, 21)
RULES = ("acceptance_volumes", "accepted_totals", "cashflows")
VERIFIED = dict.fromkeys(RULES, "verified")
WITHOUT_BOAV = VERIFIED | {"acceptance_volumes": "unverified"}
ABSENT = {"kind": "status", "status": 404, "dataset": "BOAV"}
LOST_ROW = {"kind": "dropped_row", "dataset": "BOAV", "side": "bid", "periods": 5, "row": 0}


Asking = Callable[..., AbstractContextManager[StandIn]]


@pytest.fixture(scope="module")
def generated() -> Iterator[StandIn]:
    """Return an Elexon that publishes generated days, whose rows have loss multipliers."""
    with StandIn(StandInConfig(generate=5, small=True)) as elexon:
        yield elexon


@pytest.fixture
def asking(generated: StandIn) -> Asking:
    """Return what has a site ask Elexon for the block, with these faults."""

    @contextmanager
    def ask(site: Site, *faults: dict[str, Any]) -> Iterator[StandIn]:
        generated.script(faults)
        generated.reset()
        site.elexon_url = generated.url
        yield generated
        generated.script([])
        site.elexon_url = NOWHERE

    return ask


@pytest.fixture
def placed(database_url: str, tmp_path: Path) -> Site:
    """Return a site where nothing was published, and that asks nobody."""
    return Site(database_url, tmp_path / "home")


@pytest.fixture(scope="module")
def verified_site(
    generated: StandIn, databases: Databases, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Return a site to be copied, where the date is published and verified."""
    with databases.database(template) as url:
        site = Site(url, tmp_path_factory.mktemp("verified") / "home", generated.url)
        assert site.date(DAY).json["verification"] == "verified"
        site.elexon_url = NOWHERE
        yield site


@pytest.fixture
def verified(verified_site: Site, databases: Databases, tmp_path: Path) -> Iterator[Site]:
    """Return a site where the date is published and verified, and that asks nobody."""
    with copy_of(verified_site, databases, tmp_path / "home") as site:
        yield site


def statuses(report: Any) -> dict[str, str]:
    """Return what each rule of a report says."""
    return {one["rule"]: one["status"] for one in report["witnesses"]}


def served(site: Site) -> str:
    """Return what the view says of the date."""
    (verification,) = {row[0] for row in site.rows("select verification from day where settlement_date = %s", DAY)}
    return str(verification)


def test_witnesses_verify_a_date(placed: Site, asking: Asking) -> None:
    """Four requests more verify a date; report, view, month, message, show, status and metrics say so."""
    with asking(placed) as elexon:
        ran = placed.date(DAY)
        asked = [one.path for one in elexon.requests() if "/stack/" not in one.path and "bmunits" not in one.path]
    assert (ran.json["outcome"], ran.json["verification"], statuses(ran.json)) == ("published", "verified", VERIFIED)
    assert len(asked) == 5
    assert served(placed) == "verified"
    shown = placed.show(DAY)
    assert (shown["verification"], {one["rule"]: one["status"] for one in shown["witnesses"]}) == ("verified", VERIFIED)
    assert "Witnesses: verified (acceptance_volumes verified, " in placed.reingest("show", DAY).out
    assert placed.show("2025-03")["days_verified"] == 1
    assert placed.reingest("status", DAY, "--json").json["verification"] == "verified"
    assert placed.value("select body ->> 'verification' from outbox") == "verified"
    assert 'reingest_verification{verification="verified"} 1.0' in placed.reingest("metrics").out
    named = placed.rows("select dataset, side from version_payload where dataset <> 'ISPSTACK' order by 1, 2")
    assert named == [("BOAV", "bid"), ("BOAV", "offer"), ("DISEBSP", None), ("EBOCF", "bid"), ("EBOCF", "offer")]
    assert placed.value("select indicative_cashflow_gbp from day where definition = 'net'") is not None
    assert placed.reingest("doctor", DAY).exit_code == 0
    assert placed.reingest("audit", DAY).exit_code == 0


def test_a_difference_holds_the_date_and_is_listed(placed: Site, asking: Asking) -> None:
    """A stack's row that BOAV does not have holds the date; report and command name period, unit and exact amounts."""
    with asking(placed, LOST_ROW):
        ran = placed.date(DAY)
    assert (ran.exit_code, ran.json["outcome"], ran.json["verification"]) == (1, "held", "differs")
    assert statuses(ran.json) == VERIFIED | {"acceptance_volumes": "differs"}
    (said,) = ran.json["witnesses"][0]["differences"]
    assert (said["period"], said["side"], said["witness"], said["difference"]) == (5, "bid", None, said["stack"])
    (check,) = [one for one in ran.json["checks"] if one["status"] == "fail"]
    assert check["name"] == "witness:acceptance_volumes"
    assert f"period 5 bid {said['bm_unit']} acceptance {said['acceptance_id']}" in check["detail"]
    listed = placed.reingest("witnesses", DAY, "--version", 1, "--json").json
    assert listed["differences"] == [{"rule": "acceptance_volumes"} | said]
    assert (listed["state"], listed["verification"]) == ("held", "differs")
    heading, line = placed.reingest("witnesses", DAY, "--version", 1, "--csv").out.splitlines()
    assert heading.startswith("rule,period,side,bm_unit,acceptance_id,pair_id,stack,witness,difference")
    assert line.startswith(f"acceptance_volumes,5,bid,{said['bm_unit']},{said['acceptance_id']},")
    table = placed.reingest("witnesses", DAY, "--version", 1).out
    assert "1 figures differ" in table
    assert f"Ask again: reingest date {DAY}" in table


def test_the_policy_may_let_a_difference_pass(placed: Site, asking: Asking) -> None:
    """With the policy `warn` a contradicted date is published, and whoever looks at it sees that it is contradicted."""
    placed.settings["REINGEST_WITNESS_POLICY"] = "warn"
    with asking(placed, LOST_ROW):
        ran = placed.date(DAY)
    assert (ran.exit_code, ran.json["outcome"], served(placed)) == (0, "published", "differs")
    assert f"The differences: reingest witnesses {DAY}" in placed.reingest("show", DAY).out
    assert "differs from a witness" in placed.reingest("status", DAY).out
    assert placed.rows("select period, difference = stack from witness_differences") == [(5, True)]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503, "retry_after": 3600, "dataset": "BOAV"},
        {"kind": "hang", "dataset": "BOAV"},
        {"kind": "unknown_shape", "dataset": "BOAV"},
        {"kind": "no_rows", "dataset": "BOAV"},
    ],
    ids=["told to wait", "silent", "unreadable", "empty"],
)
def test_a_witness_that_cannot_be_had_costs_no_run(placed: Site, asking: Asking, fault: dict[str, Any]) -> None:
    """A witness that is refused, silent, unreadable or empty leaves its rule unverified, and the run goes its way."""
    placed.settings |= {"REINGEST_WITNESS_PATIENCE_SECONDS": "0.3", "REINGEST_ATTEMPTS": "5"}
    with asking(placed, fault):
        ran = placed.date(DAY)
    assert (ran.exit_code, ran.json["outcome"], ran.json["verification"]) == (0, "published", "unverified")
    assert statuses(ran.json)["acceptance_volumes"] == "unverified"
    assert any("BOAV" in note for note in ran.json["notes"]) == (fault["kind"] != "no_rows")
    assert ran.json["seconds"]["fetch"] < 5
    (check,) = [one for one in ran.json["checks"] if one["name"] == "witness:acceptance_volumes"]
    assert check["status"] == "warn"


def test_a_later_run_verifies_what_an_earlier_one_could_not(placed: Site, asking: Asking) -> None:
    """An unchanged date becomes verified when its witnesses are there: no new version, no news, and it stays so."""
    with asking(placed, ABSENT):
        assert placed.date(DAY).json["verification"] == "unverified"
    with asking(placed):
        ran = placed.date(DAY)
    assert (ran.json["outcome"], ran.json["verification"], served(placed)) == ("unchanged", "verified", "verified")
    assert placed.states(DAY) == {1: "published"}
    assert placed.value("select count(*) from outbox") == 1
    with asking(placed, ABSENT):
        ran = placed.date(DAY)
    assert (statuses(ran.json), ran.json["verification"]) == (WITHOUT_BOAV, "verified")
    assert served(placed) == "verified"
    assert placed.value("select count(*) from witness_verdict") == 3 * len(RULES)


def test_witnesses_can_be_left_out(placed: Site, asking: Asking) -> None:
    """With `witnesses` off nobody asks for BOAV and EBOCF, and the date stays unverified."""
    placed.settings["REINGEST_WITNESSES"] = "off"
    with asking(placed) as elexon:
        ran = placed.date(DAY, "--with-disptav")
        asked = {
            one.path.split("/settlement/")[1].split("/")[1] for one in elexon.requests() if "/all/bid/" in one.path
        }
    assert (ran.json["outcome"], ran.json["verification"]) == ("published", "unverified")
    assert statuses(ran.json) == dict.fromkeys(RULES, "unverified") | {"accepted_totals": "verified"}
    assert asked == {"all", "volumes"}
    assert placed.value("select count(*) from \"fetch\" where dataset = 'DISPTAV' and outcome <> 'unreadable'") == 2


def test_the_archive_gives_the_witnesses_too(verified: Site) -> None:
    """A run from the archive judges by the archived witnesses, also after a reset took the date away."""
    words = ("--date", DAY, "--i-understand", "--no-backup", "--reason", "a test")
    done = verified.reingest("reset", "data", *words)
    assert done.exit_code == 0, done.err
    ran = verified.date(DAY, "--source", "archive")
    assert (ran.json["outcome"], ran.json["requests"], statuses(ran.json)) == ("published", 0, VERIFIED)
    assert served(verified) == "verified"


def test_an_applied_plan_is_judged_by_its_own_witnesses(placed: Site, asking: Asking) -> None:
    """A sealed plan that is applied is verified by the witnesses that its plan asked, with no network."""
    file = placed.home.parent / "plan.json"
    with asking(placed):
        assert placed.date(DAY, "--plan", "--out", file).json["verification"] == "verified"
    applied = placed.reingest("apply", file)
    assert applied.exit_code == 0, applied.err
    assert served(placed) == "verified"


def test_a_lost_witness_is_said_and_left_out(verified: Site) -> None:
    """A witness whose archived payload is gone leaves its rule unverified in a run from the archive."""
    sha256 = verified.value("select payload_sha256 from version_payload where dataset = 'BOAV' and side = 'bid'")
    (verified.home / "archive" / "payloads" / sha256[:2] / f"{sha256}.zst").unlink()
    ran = verified.date(DAY, "--source", "archive")
    assert (ran.json["outcome"], statuses(ran.json), served(verified)) == ("unchanged", WITHOUT_BOAV, "verified")
    assert "BOAV of the bid side cannot be used" in ran.json["notes"][0]


def test_a_restored_version_keeps_its_verdict(verified: Site) -> None:
    """A restored version is judged as the one whose content it has, by the same answers."""
    verified.settings["REINGEST_WITNESSES"] = "off"
    assert verified.date(DAY, "--source", "archive", "--side", "bid").json["verification"] == "unverified"
    assert served(verified) == "unverified"
    restored = verified.reingest("restore", DAY, "--version", 1, "--reason", "a test")
    assert restored.exit_code == 0, restored.err
    assert served(verified) == "verified"
    payloads = "select array_agg(fetch_id order by fetch_id) from version_payload join version on id = version_id"
    assert verified.value(f"{payloads} where number = 3") == verified.value(f"{payloads} where number = 1")
