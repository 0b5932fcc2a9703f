"""Sinks: what each is owed, what counts as delivered, what stays secret, and the feed for those who have none."""

import json
from pathlib import Path

import pytest

from tests.support.outbox import FIRST, SECOND, facts, key, states
from tests.support.sites import Site
from tests.support.tls import server_context, write_certificate
from tests.support.versions import Store
from tests.support.webhooks import Webhook, running_webhook

SECRETS = ("s3cret-t0ken", "als0-secret")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("tls") / "localhost.pem")


def test_a_redirect_is_not_followed(place: Site, store: Store, webhook: Webhook) -> None:
    """A webhook that answers with a redirect has not taken the fact, and the other address is never told."""
    webhook.answers, webhook.headers = [302], {"location": webhook.url}
    store.publish(settlement_date=FIRST)
    assert place.reingest("outbox", "deliver").exit_code == 1
    assert len(webhook.deliveries) == 1


def test_the_certificate_is_checked(database_url: str, tmp_path: Path, store: Store, certificate: Path) -> None:
    """A webhook whose certificate nobody vouches for gets nothing; with `ca_bundle` it gets the fact."""
    with running_webhook(tls=server_context(certificate)) as webhook:
        site = Site(database_url, tmp_path / "home", settings={"REINGEST_WEBHOOK_URL": webhook.url})
        site.reingest("outbox", "deliver")
        store.publish(settlement_date=FIRST)
        assert site.reingest("outbox", "deliver").exit_code == 1
        assert facts(site)[0]["last_error"] == "its certificate was not accepted: self-signed certificate"
        assert webhook.deliveries == []
        site.reingest("outbox", "retry", facts(site)[0]["id"])
        assert site.reingest("outbox", "deliver", REINGEST_CA_BUNDLE=str(certificate)).exit_code == 0
    assert webhook.keys == [key(FIRST, 1)]


def test_the_address_stays_secret(place: Site, store: Store, webhook: Webhook) -> None:
    """No output, log line or stored error shows what is in the webhook's address beyond its host."""
    webhook.answers = [500]
    store.publish(settlement_date=FIRST)
    ran = [
        place.reingest("outbox", "deliver", REINGEST_LOG_LEVEL="DEBUG"),
        place.reingest("outbox", "deliver", REINGEST_WEBHOOK_URL="http://localhost:9/s3cret-t0ken?key=als0-secret"),
        place.reingest("outbox", "list", "--all", "--json"),
        place.reingest("config", "show"),
    ]
    said = "".join(one.out + one.err for one in ran) + str(place.rows("select * from outbox_delivery"))
    assert "http://localhost" in said
    assert not [secret for secret in SECRETS if secret in said]


def test_the_log_sink_gets_a_line_a_fact(database_url: str, tmp_path: Path, store: Store) -> None:
    """Each fact is one line of JSON in the file; what a crash left of a line is cut off before the next one."""
    log = tmp_path / "facts.jsonl"
    site = Site(database_url, tmp_path / "home", settings={"REINGEST_OUTBOX_LOG": str(log)})
    assert site.reingest("outbox", "deliver").exit_code == 0
    store.publish(settlement_date=FIRST)
    site.reingest("outbox", "deliver")
    with log.open("a", encoding="utf-8") as file:
        file.write('{"torn":')
    store.publish(settlement_date=SECOND)
    site.reingest("outbox", "deliver")
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [line["dedupe_key"] for line in lines] == [key(FIRST, 1), key(SECOND, 1)]


def test_a_log_that_cannot_be_written_is_a_failed_attempt(database_url: str, tmp_path: Path, store: Store) -> None:
    """A log in a folder that is not there leaves the fact pending, with the reason."""
    missing = tmp_path / "missing" / "facts.jsonl"
    site = Site(database_url, tmp_path / "home", settings={"REINGEST_OUTBOX_LOG": str(missing)})
    site.reingest("outbox", "deliver")
    store.publish(settlement_date=FIRST)
    assert site.reingest("outbox", "deliver").exit_code == 1
    assert facts(site)[0]["last_error"] == f"{missing}: No such file or directory"


def test_each_sink_gets_every_fact(place: Site, store: Store, webhook: Webhook, tmp_path: Path) -> None:
    """Two sinks are owed a fact separately: one that fails does not keep it from the other."""
    log = tmp_path / "facts.jsonl"
    place.settings["REINGEST_OUTBOX_LOG"] = str(log)
    place.reingest("outbox", "deliver")
    webhook.answers = [503]
    store.publish(settlement_date=FIRST)
    place.reingest("outbox", "deliver")
    assert {fact["sink"]: fact["state"] for fact in facts(place)} == {"log": "delivered", "webhook": "pending"}
    place.reingest("outbox", "deliver", "--all")
    assert states(place) == ["delivered", "delivered"]
    assert len(log.read_text("utf-8").splitlines()) == 1


def test_without_a_sink_facts_stay_readable(database_url: str, tmp_path: Path, store: Store, webhook: Webhook) -> None:
    """Where no sink was ever configured a fact is marked no_sink, which is no error; a sink can have it later."""
    site = Site(database_url, tmp_path / "home")
    store.publish(settlement_date=FIRST)
    ran = site.reingest("outbox", "deliver")
    assert (ran.exit_code, "No sink is configured here" in ran.out) == (0, True)
    assert states(site) == ["no_sink"]
    assert site.reingest("changes", "--since", 0, "--json").json["changes"][0]["dedupe_key"] == key(FIRST, 1)
    site.settings["REINGEST_WEBHOOK_URL"] = webhook.url
    site.reingest("outbox", "deliver")
    assert webhook.deliveries == []
    site.reingest("outbox", "retry", "--no-sink")
    assert site.reingest("outbox", "deliver").exit_code == 0
    assert webhook.keys == [key(FIRST, 1)]


def test_a_sink_is_owed_facts_by_publishers_that_do_not_know_it(place: Site, store: Store, webhook: Webhook) -> None:
    """A publish from a machine without the setting is owed to the sink all the same, and waits for who can deliver."""
    store.publish(settlement_date=FIRST)
    ran = place.reingest("outbox", "deliver", "--json", REINGEST_WEBHOOK_URL="")
    assert (ran.exit_code, ran.json[0]["configured"], ran.json[0]["pending"]) == (0, False, 1)
    assert place.reingest("outbox", "deliver").exit_code == 0
    assert webhook.keys == [key(FIRST, 1)]


def test_a_forgotten_sink_is_owed_nothing(place: Site, store: Store, webhook: Webhook) -> None:
    """A sink that is forgotten gets nothing any more, not even what was pending, until it is configured again."""
    store.publish(settlement_date=FIRST)
    assert place.reingest("outbox", "forget", "webhook", "--reason", "replaced").exit_code == 0
    store.publish(settlement_date=FIRST)
    assert states(place) == ["forgotten", "no_sink"]
    assert place.value("select reason from operator_action") == "replaced"
    assert place.reingest("outbox", "forget", "webhook", "--reason", "again").exit_code == 2
    place.reingest("outbox", "deliver")
    store.publish(settlement_date=FIRST)
    place.reingest("outbox", "deliver")
    assert webhook.keys == [key(FIRST, 3)]


def test_retry_wants_one_choice(place: Site) -> None:
    """A retry of nothing, of two things, or of a fact that is not there is refused."""
    for words in ([], ["--dead", "--no-sink"], ["1", "--dead"], ["999"]):
        assert place.reingest("outbox", "retry", *words).exit_code == 2, words


def test_changes_are_paged(place: Site, store: Store) -> None:
    """The feed gives what comes after a position, in order, and says from where to go on."""
    for day in (FIRST, SECOND, FIRST):
        store.publish(settlement_date=day)
    first = place.reingest("changes", "--since", 0, "--limit", 2, "--json").json
    assert [change["settlement_date"] for change in first["changes"]] == [str(FIRST), str(SECOND)]
    rest = place.reingest("changes", "--since", first["next"], "--csv").out.splitlines()
    assert rest[1].endswith(key(FIRST, 2))
    assert len(rest) == 2
    end = place.reingest("changes", "--since", 3)
    assert end.out == "Next: reingest changes --since 3\n"
