"""Notices: people are told of what is held or fails, once a cause, by each channel, and nothing waits for them."""

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest

from reingest.operations.notices.notice import Notice, notify
from reingest.standin.server import StandIn
from reingest.store.database import connect
from tests.support.days import DATE
from tests.support.mail import MailServer, running_mail_server
from tests.support.sites import NOWHERE, Site
from tests.support.tls import server_context, write_certificate
from tests.support.versions import Store
from tests.support.webhooks import Webhook

PAGE = Path(__file__).parents[3] / "docs" / "notices.md"
DAY = date(2024, 3, 1)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("tls") / "localhost.pem")


@pytest.fixture
def told_site(database_url: str, tmp_path: Path, webhook: Webhook) -> Site:
    """Return a site without any date, whose notices go to the webhook."""
    settings = {"REINGEST_NOTICE_WEBHOOK_URL": webhook.url, "REINGEST_OUTBOX_RETRY_SECONDS": "0.1"}
    return Site(database_url, tmp_path / "home", settings=settings)


@pytest.fixture
def mail_server(certificate: Path) -> Iterator[MailServer]:
    """Return a mail server that offers STARTTLS."""
    with running_mail_server(starttls=server_context(certificate)) as server:
        yield server


def by_mail(server: MailServer, certificate: Path, *, scheme: str = "smtp", login: str = "") -> dict[str, str]:
    """Return the settings of a site that sends notices by this server."""
    return {
        "REINGEST_SMTP_URL": f"{scheme}://{login}localhost:{server.port}",
        "REINGEST_NOTICE_FROM": "Reingest <reingest@example.org>",
        "REINGEST_NOTICE_TO": "ann@example.org, Bob <bob@example.org>",
        "REINGEST_CA_BUNDLE": str(certificate),
        "REINGEST_OUTBOX_RETRY_SECONDS": "0.1",
    }


def tell(site: Site, cause: str, **fields: Any) -> bool:
    """Tell people something, in a transaction of its own."""
    notice = {"kind": "date_failed", "subject": f"About {cause}", "text": "It failed.", "detail": {}} | fields
    with connect(site.database_url, purpose="test") as connection, connection.transaction():
        return notify(connection, Notice(cause=cause, **notice))


def listed(site: Site, *words: str) -> list[dict[str, Any]]:
    """Return what `notices list` says, oldest first."""
    rows: list[dict[str, Any]] = site.reingest("notices", "list", *words, "--json").json
    return rows[::-1]


def states(site: Site) -> list[str]:
    return [notice["state"] for notice in listed(site)]


def test_a_held_date_is_told(published: Site, elexon: StandIn, webhook: Webhook) -> None:
    """A run that holds a version tells people what holds it, what it would change, and the commands that decide it."""
    published.settings["REINGEST_NOTICE_WEBHOOK_URL"] = webhook.url
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    run = published.date(DATE, "--expect-energy", "1").json
    (delivery,) = webhook.deliveries
    message = delivery.message
    assert (delivery.key, message["dedupe_key"]) == (f"date_held:{DATE}:2",) * 2
    assert (message["type"], message["kind"], message["settlement_date"]) == ("notice", "date_held", str(DATE))
    assert message["subject"] == f"Held: {DATE}, version 2"
    assert f"reingest publish {DATE} --version 2 --reason TEXT" in message["text"]
    detail = message["detail"]
    assert (detail["version"], detail["served_version"], detail["run_id"]) == (2, 1, run["run_id"])
    assert [check["name"] for check in detail["checks"]] == [
        check["name"] for check in run["checks"] if check["status"] == "fail"
    ]
    change = detail["change"]["so_flagged"]["energy_mwh"]
    assert change["after"] == run["totals"]["day"]["so_flagged"]["new"]["energy_mwh"]
    assert change["before"] == run["totals"]["day"]["so_flagged"]["served"]["energy_mwh"]
    assert states(published) == ["delivered"]


def test_a_version_that_is_held_again_is_not_told_again(published: Site, elexon: StandIn, webhook: Webhook) -> None:
    """Of one held version people are told once, however often a run comes to it."""
    published.settings["REINGEST_NOTICE_WEBHOOK_URL"] = webhook.url
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    for _ in range(2):
        assert published.date(DATE, "--expect-energy", "1").json["outcome"] == "held"
    assert len(webhook.deliveries) == 1
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="3")
    assert published.date(DATE, "--expect-energy", "1").json["outcome"] == "held"
    assert [delivery.key for delivery in webhook.deliveries] == [f"date_held:{DATE}:{number}" for number in (2, 3)]


def test_what_ends_well_or_is_only_planned_is_not_told(published: Site, elexon: StandIn, webhook: Webhook) -> None:
    """A published or unchanged date, a plan that would be held or fails, a refused run and a locked one tell nobody."""
    published.settings["REINGEST_NOTICE_WEBHOOK_URL"] = webhook.url
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    assert published.date(DATE, "--plan", "--expect-energy", "1").exit_code == 0
    assert published.date(DATE, "--plan", REINGEST_ELEXON_URL=NOWHERE).exit_code == 4
    assert [published.date(DATE).json["outcome"] for _ in range(2)] == ["published", "unchanged"]
    assert published.date(date(2999, 1, 1)).exit_code == 2
    assert published.value("select count(*) from notice") == 0
    assert webhook.deliveries == []


def test_a_failed_date_is_told_once_a_day(published: Site, webhook: Webhook) -> None:
    """A run without a source tells people its code and next command; the same failure is not told twice a day."""
    published.settings |= {"REINGEST_NOTICE_WEBHOOK_URL": webhook.url, "REINGEST_ELEXON_URL": NOWHERE}
    errors = [published.date(DATE).error for _ in range(2)]
    (delivery,) = webhook.deliveries
    assert delivery.message["kind"] == "date_failed"
    assert re.fullmatch(rf"date_failed:{DATE}:source_unreachable:\d{{4}}-\d\d-\d\d", delivery.key)
    assert delivery.message["detail"]["code"] == errors[0]["code"]
    assert errors[0]["next"] in delivery.message["text"]


def test_it_is_told_if_and_only_if_the_transaction_commits(told_site: Site) -> None:
    """What is told in a transaction that is rolled back was never told, and its cause can be told later."""
    with connect(told_site.database_url, purpose="test") as connection, connection.transaction(force_rollback=True):
        assert notify(connection, Notice("one", "date_failed", "About one", "It failed.", {}))
    assert told_site.value("select count(*) from notice") == 0
    assert [tell(told_site, "one"), tell(told_site, "one")] == [True, False]


def test_a_crash_costs_no_notice(told_site: Site, webhook: Webhook) -> None:
    """A deliverer that dies before its mark leaves the notice to the next one, which sends it under the same key."""
    tell(told_site, "one")
    assert told_site.start("notices", "deliver", REINGEST_CRASH_AT="after_notify").finish().exit_code == -SIGKILL
    assert told_site.reingest("notices", "deliver").exit_code == 0
    assert webhook.keys == ["one", "one"]


def test_a_killed_run_leaves_its_notice_to_the_next_deliverer(
    published: Site, elexon: StandIn, webhook: Webhook
) -> None:
    """A run that dies after it held a version has told people of it; whoever delivers next sends it."""
    published.settings["REINGEST_NOTICE_WEBHOOK_URL"] = webhook.url
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    killed = published.start("date", DATE, "--expect-energy", "1", REINGEST_CRASH_AT="after_hold_commit")
    assert killed.finish().exit_code == -SIGKILL
    assert published.reingest("notices", "deliver").exit_code == 0
    assert webhook.keys == [f"date_held:{DATE}:2"]


def test_notices_of_one_date_keep_their_order(told_site: Site, webhook: Webhook) -> None:
    """While a date's first notice is refused its second waits, and another date's goes out."""
    webhook.answers = [400]
    for cause, day in (("one", DAY), ("two", DAY), ("three", date(2024, 3, 2))):
        tell(told_site, cause, settlement_date=day)
    assert told_site.reingest("notices", "deliver", REINGEST_OUTBOX_RETRY_SECONDS="60").exit_code == 1
    assert webhook.keys == ["one", "three"]
    told_site.reingest("notices", "retry", listed(told_site)[0]["id"])
    assert told_site.reingest("notices", "deliver").exit_code == 0
    assert webhook.keys[2:] == ["one", "two"]


def test_a_dead_notice_and_its_retry(told_site: Site, webhook: Webhook) -> None:
    """After the last attempt a notice is dead, the doctor says so with the command, and that delivers it after all."""
    webhook.answers = [500, 500]
    tell(told_site, "one", settlement_date=DAY)
    few = {"REINGEST_OUTBOX_ATTEMPTS": "2"}
    ran = told_site.reingest("notices", "deliver", "--all", "--json", **few)
    assert (ran.exit_code, ran.json[0]["channel"], ran.json[0]["dead"]) == (1, "webhook", 1)
    (finding,) = told_site.reingest("doctor", "--quick", "--json").json["findings"]
    assert (finding["id"], finding["found"]) == (
        "notice-dead",
        "dead after 2 attempts: it answered 500 Internal Server Error",
    )
    assert "Next: reingest notices retry --dead" in told_site.reingest("notices", "list").out
    assert told_site.reingest(*finding["command"].split()[1:]).exit_code == 0
    assert told_site.reingest("notices", "deliver").exit_code == 0
    assert states(told_site) == ["delivered"]


def test_a_channel_that_waits_for_a_day_is_a_finding(told_site: Site) -> None:
    """A notice that no machine has delivered for a day is a finding of the doctor, until it is delivered."""
    tell(told_site, "one")
    told_site.reingest("notices", "deliver", REINGEST_NOTICE_WEBHOOK_URL="http://127.0.0.1:9/")
    assert told_site.reingest("doctor", "--quick").exit_code == 0
    told_site.rows("update notice set created_at = created_at - interval '25 hours'")
    (finding,) = told_site.reingest("doctor", "--quick", "--json").json["findings"]
    assert (finding["id"], finding["subject"]) == ("notice-overdue", "channel webhook")
    told_site.rows("update notice_delivery set next_attempt_at = now()")
    assert told_site.reingest(*finding["command"].split()[1:]).exit_code == 0
    assert told_site.reingest("doctor", "--quick").exit_code == 0


def test_only_what_is_wanted_is_sent(told_site: Site, webhook: Webhook) -> None:
    """A kind that nobody wants is listed and not sent, nor sent when the wish changes, unless somebody asks for it."""
    tell(told_site, "one", kind="doctor_findings")
    tell(told_site, "two", kind="date_held")
    wanted = {"REINGEST_NOTICE_KINDS": "date_held, date_failed"}
    assert told_site.reingest("notices", "deliver", **wanted).exit_code == 0
    assert told_site.reingest("notices", "deliver").exit_code == 0
    assert (webhook.keys, states(told_site)) == (["two"], ["unwanted", "delivered"])
    told_site.reingest("notices", "retry", listed(told_site)[0]["id"])
    assert told_site.reingest("notices", "deliver").exit_code == 0
    assert webhook.keys == ["two", "one"]
    refused = told_site.reingest("notices", "deliver", "--json", REINGEST_NOTICE_KINDS="date_lost")
    assert (refused.exit_code, refused.error["code"]) == (2, "bad_setting")


def test_a_new_channel_is_not_told_of_long_ago(told_site: Site, webhook: Webhook) -> None:
    """A channel that is new gets what was told within the last day, and nothing from before."""
    tell(told_site, "long ago")
    told_site.rows("update notice set created_at = created_at - interval '25 hours'")
    tell(told_site, "today")
    assert told_site.reingest("notices", "deliver").exit_code == 0
    assert webhook.keys == ["today"]


def test_a_dead_fact_is_told(database_url: str, tmp_path: Path, webhook: Webhook) -> None:
    """When a sink refuses a fact for the last time people are told, once a day and sink, by the other channel."""
    settings = {"REINGEST_WEBHOOK_URL": f"{webhook.url}&facts", "REINGEST_OUTBOX_ATTEMPTS": "1"}
    site = Site(database_url, tmp_path / "home", settings=settings)
    site.reingest("outbox", "deliver")
    webhook.answers = [410, 410]
    for day in (date(2024, 3, 1), date(2024, 3, 2)):
        Store(database_url).publish(settlement_date=day)
    assert site.reingest("outbox", "deliver").exit_code == 1
    assert site.reingest("notices", "deliver", REINGEST_NOTICE_WEBHOOK_URL=webhook.url).exit_code == 0
    message = webhook.deliveries[-1].message
    assert (message["kind"], message["detail"]["sink"]) == ("dead_letters", "webhook")
    assert message["detail"]["dedupe_key"] == "date_published:2024-03-01:1"
    assert len(webhook.deliveries) == 3


def test_slack_gets_blocks_and_a_text(told_site: Site, webhook: Webhook) -> None:
    """Slack gets a header, the text with its signs escaped and never longer than Slack takes, and a fallback text."""
    told_site.settings = {"REINGEST_SLACK_URL": webhook.url}
    tell(told_site, "one", subject="Held: <one> & " + "more " * 60, text="a < b & c\n" + "long " * 1000)
    assert told_site.reingest("notices", "deliver").exit_code == 0
    (delivery,) = webhook.deliveries
    header, section, context = delivery.message["blocks"]
    assert (header["type"], section["type"], context["type"]) == ("header", "section", "context")
    assert header["text"]["type"] == "plain_text"
    assert (len(header["text"]["text"]), len(section["text"]["text"])) == (150, 3000)
    assert section["text"]["text"].startswith("a &lt; b &amp; c\n")
    assert "`date_failed`" in context["elements"][0]["text"]
    assert delivery.message["text"].startswith("Held: &lt;one&gt; &amp; more")


@pytest.mark.parametrize("way", ["starttls", "tls", "plain"])
def test_an_e_mail(way: str, told_site: Site, certificate: Path) -> None:
    """An e-mail goes to everybody, encrypted where the server can, with the text, and with one id for one cause."""
    context = server_context(certificate)
    ways: dict[str, Any] = {"starttls": {"starttls": context}, "tls": {"tls": context}, "plain": {}}
    login = "" if way == "plain" else "robot:p%40ss%20w0rd@"
    with running_mail_server(**ways[way]) as server:
        told_site.settings = by_mail(server, certificate, scheme="smtps" if way == "tls" else "smtp", login=login)
        tell(told_site, "one", subject="Held: 2024-03-01", text="Version 2 is held.\n\nNext:\n    reingest diff £")
        assert told_site.reingest("notices", "deliver").exit_code == 0
        (mail,) = server.mails
    assert (mail.encrypted, mail.user) == (way != "plain", None if way == "plain" else "robot")
    assert (mail.sender, mail.recipients) == ("reingest@example.org", ("ann@example.org", "bob@example.org"))
    assert mail.message["Subject"] == "[Reingest] Held: 2024-03-01"
    assert mail.text.startswith("Version 2 is held.\n\nNext:\n    reingest diff £\n\n-- \nReingest, date_failed, ")
    assert re.fullmatch(r"<[0-9a-f]{32}@reingest>", mail.message["Message-ID"])


def test_a_password_is_never_sent_in_the_clear(told_site: Site, certificate: Path) -> None:
    """A server that offers no encryption gets neither the password nor the e-mail."""
    with running_mail_server() as server:
        told_site.settings = by_mail(server, certificate, login="robot:p%40ss%20w0rd@")
        tell(told_site, "one")
        assert told_site.reingest("notices", "deliver").exit_code == 1
        assert server.mails == []
    assert "offers no STARTTLS" in listed(told_site)[0]["last_error"]


def test_a_mail_server_whose_certificate_nobody_vouches_for(
    told_site: Site, mail_server: MailServer, certificate: Path
) -> None:
    """A mail server with a certificate that is not trusted gets nothing."""
    told_site.settings = by_mail(mail_server, certificate)
    del told_site.settings["REINGEST_CA_BUNDLE"]
    tell(told_site, "one")
    assert told_site.reingest("notices", "deliver").exit_code == 1
    assert listed(told_site)[0]["last_error"] == "its certificate was not accepted: self-signed certificate"
    assert mail_server.mails == []


def test_a_mail_server_that_fails_is_tried_again(told_site: Site, mail_server: MailServer, certificate: Path) -> None:
    """After a temporary answer, a refused message and a wrong password the e-mail goes out, once, with the reasons."""
    told_site.settings = by_mail(mail_server, certificate)
    mail_server.answers = {"MAIL": ["451 later", "550 not this"], "RCPT": ["", "550 no bob"]}
    tell(told_site, "one")
    errors = []
    for _ in range(2):
        told_site.reingest("notices", "deliver", "--json")
        errors.append(listed(told_site)[0]["last_error"])
        told_site.reingest("notices", "retry", listed(told_site)[0]["id"])
    assert errors == ["the mail server answered 451 later", "the mail server answered 550 not this"]
    assert told_site.reingest("notices", "deliver").exit_code == 0
    assert [mail.recipients for mail in mail_server.mails] == [("ann@example.org",)]


def test_a_mail_server_that_hangs_holds_nothing_up(told_site: Site, mail_server: MailServer, certificate: Path) -> None:
    """A mail server that does not answer costs an attempt and no more than the time for one."""
    told_site.settings = by_mail(mail_server, certificate) | {"REINGEST_WEBHOOK_TIMEOUT_SECONDS": "0.3"}
    tell(told_site, "one")
    mail_server.lets_go.clear()
    assert told_site.reingest("notices", "deliver").exit_code == 1
    assert listed(told_site)[0]["last_error"].startswith("the mail server did not take it within 0.3 s")


def test_every_channel_can_be_tried(
    told_site: Site, webhook: Webhook, mail_server: MailServer, certificate: Path
) -> None:
    """`notices test` sends a trial message by each channel, or one, and says what went wrong; nothing is stored."""
    told_site.settings |= by_mail(mail_server, certificate) | {"REINGEST_SLACK_URL": webhook.url}
    webhook.answers = [204, 403]
    ran = told_site.reingest("notices", "test", "--json")
    assert (ran.exit_code, {row["channel"]: row["error"] for row in ran.json}) == (
        1,
        {"webhook": None, "slack": "it answered 403 Forbidden", "email": None},
    )
    assert (webhook.deliveries[0].message["kind"], len(mail_server.mails)) == ("test", 1)
    assert told_site.reingest("notices", "test", "--channel", "email").exit_code == 0
    assert (len(webhook.deliveries), len(mail_server.mails)) == (2, 2)
    assert told_site.reingest("notices", "test", "--channel", "slack", REINGEST_SLACK_URL="").exit_code == 2
    assert told_site.value("select count(*) from notice") == 0


def test_secrets_stay_secret(told_site: Site, webhook: Webhook, mail_server: MailServer, certificate: Path) -> None:
    """No output, log line or stored error shows a token or a password."""
    told_site.settings |= by_mail(mail_server, certificate, login="robot:wr0ng-s3cret@")
    told_site.settings["REINGEST_SLACK_URL"] = webhook.url
    webhook.answers = [500, 500]
    tell(told_site, "one")
    ran = [
        told_site.reingest("notices", "deliver", REINGEST_LOG_LEVEL="DEBUG"),
        told_site.reingest("notices", "test", REINGEST_LOG_LEVEL="DEBUG"),
        told_site.reingest("notices", "list", "--json"),
        told_site.reingest("config", "show"),
    ]
    said = "".join(one.out + one.err for one in ran) + str(told_site.rows("select * from notice_delivery"))
    assert "the mail server answered 535" in said
    assert not [secret for secret in ("s3cret-t0ken", "als0-secret", "wr0ng-s3cret") if secret in said]


def test_a_mail_server_needs_addresses(told_site: Site, mail_server: MailServer) -> None:
    """A mail server without a sender or a recipient is a bad setting, which says what is missing."""
    ran = told_site.reingest("config", "show", "--json", REINGEST_SMTP_URL=f"smtp://localhost:{mail_server.port}")
    assert (ran.exit_code, ran.error["code"]) == (2, "bad_setting")
    assert "notice_from and notice_to" in ran.error["message"]


def test_the_page_shows_what_is_sent(published: Site, elexon: StandIn, webhook: Webhook) -> None:
    """docs/notices.md shows messages of the shape that the webhook and Slack get: the same keys at every level."""
    published.settings |= {"REINGEST_NOTICE_WEBHOOK_URL": webhook.url, "REINGEST_SLACK_URL": webhook.url}
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    published.date(DATE, "--expect-energy", "1")
    shown = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)]
    sent = [delivery.message for delivery in webhook.deliveries]
    assert [shape(one) for one in shown[:2]] == [shape(one) for one in sent]


def shape(value: Any) -> Any:
    """Return the keys of a document at every level; of a list, the shape of its first entry, of `change` of one."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items() if key not in {"all_bids", "net"}}
    if isinstance(value, list):
        return [shape(value[0])] if value and value[0].get("type") is None else [shape(one) for one in value]
    return type(value).__name__
