"""Facts after a publish: every sink gets each of them at least once, in order, and nothing waits for a sink."""

import time
from datetime import date
from signal import SIGCONT, SIGKILL

import pytest

from reingest.operations.deliveries import soon
from reingest.operations.outbox import delivering
from reingest.standin.server import StandIn
from tests.support.days import DATE
from tests.support.outbox import FIRST, SECOND, facts, key, states, wait_until
from tests.support.sites import Site
from tests.support.versions import Store
from tests.support.webhooks import Webhook


def test_a_run_tells_the_webhook(published: Site, elexon: StandIn, webhook: Webhook) -> None:
    """After its commit a run posts one message, with what was published, what changed, and the key in a header."""
    published.settings["REINGEST_WEBHOOK_URL"] = webhook.url
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    run = published.date(DATE).json
    (delivery,) = webhook.deliveries
    message = delivery.message
    assert message["change"].pop("so_flagged") == {"energy_mwh": "11.75", "payment_gbp": "590.4375"}
    assert message["totals"].pop("so_flagged")["energy_mwh"] == "25.623456789012345678"
    assert set(message["change"]) == set(message["totals"]) == {"all_bids", "net"}
    del message["change"], message["totals"]
    assert message.pop("timestamp").endswith("Z")
    assert message.pop("seal") == published.value("select seal from day_digest")
    assert message == {
        "type": "date_published",
        "settlement_date": DATE.isoformat(),
        "generation": 2,
        "version": 2,
        "replaces": 1,
        "run_id": run["run_id"],
        "content_hash": run["content_hash"],
        "provisional": False,
        "verification": "unverified",
        "position": 2,
        "dedupe_key": key(DATE, 2),
    }
    assert (delivery.key, delivery.headers["content-type"]) == (key(DATE, 2), "application/json")
    assert states(published) == ["no_sink", "delivered"]


@pytest.mark.parametrize("point", ["after_publish_commit", "before_notify", "after_notify"])
def test_the_next_run_tells_what_a_killed_one_did_not(
    point: str, published: Site, elexon: StandIn, webhook: Webhook
) -> None:
    """A run that dies after its publish and before the news is marked leaves it to a plain re-run of the date."""
    published.settings["REINGEST_WEBHOOK_URL"] = webhook.url
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    assert published.start("date", DATE, REINGEST_CRASH_AT=point).finish().exit_code == -SIGKILL
    assert states(published) == ["no_sink", "pending"]
    assert published.date(DATE, "--wait", "10s").json["outcome"] == "unchanged"
    assert states(published) == ["no_sink", "delivered"]
    assert set(webhook.keys) == {key(DATE, 2)}


def test_a_held_version_that_is_published_is_told(published: Site, elexon: StandIn, webhook: Webhook) -> None:
    """A person's publish of a held version tells the webhook as a run does."""
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    assert published.date(DATE, "--expect-energy", "1").json["outcome"] == "held"
    published.settings["REINGEST_WEBHOOK_URL"] = webhook.url
    assert published.reingest("publish", DATE, "--version", 2, "--reason", "checked").exit_code == 0
    assert webhook.keys == [key(DATE, 2)]


def test_a_restored_version_is_told(published: Site, elexon: StandIn, webhook: Webhook) -> None:
    """A restore tells the webhook, with the change back to the older totals."""
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    published.date(DATE)
    published.settings["REINGEST_WEBHOOK_URL"] = webhook.url
    assert published.reingest("restore", DATE, "--version", 1, "--reason", "back").exit_code == 0
    (delivery,) = webhook.deliveries
    assert (delivery.key, delivery.message["replaces"]) == (key(DATE, 3), 2)
    assert delivery.message["change"]["so_flagged"] == {"energy_mwh": "-11.75", "payment_gbp": "-590.4375"}


@pytest.mark.parametrize("point", ["after_notify", "after_success_mark"])
def test_a_crash_between_send_and_mark_sends_again_with_the_same_key(
    point: str, place: Site, store: Store, webhook: Webhook
) -> None:
    """A deliverer that dies after the webhook has the fact leaves it pending; it is sent again under the same key."""
    store.publish(settlement_date=FIRST)
    assert place.start("outbox", "deliver", REINGEST_CRASH_AT=point).finish().exit_code == -SIGKILL
    assert states(place) == ["pending"]
    assert place.reingest("outbox", "deliver").exit_code == 0
    assert webhook.keys == [key(FIRST, 1)] * 2
    assert webhook.deliveries[0].message == webhook.deliveries[1].message


@pytest.mark.parametrize(
    ("point", "sent"),
    [("after_know_sinks", 0), ("after_numbering", 0), ("before_notify", 0), ("after_notify_commit", 1)],
)
def test_a_crash_elsewhere_sends_once(point: str, sent: int, place: Site, store: Store, webhook: Webhook) -> None:
    """A deliverer that dies before the send, or after the mark, leaves nothing to be sent twice."""
    store.publish(settlement_date=FIRST)
    assert place.start("outbox", "deliver", REINGEST_CRASH_AT=point).finish().exit_code == -SIGKILL
    assert len(webhook.deliveries) == sent
    assert place.reingest("outbox", "deliver").exit_code == 0
    assert webhook.keys == [key(FIRST, 1)]


def test_three_refusals_then_one_delivery(place: Site, store: Store, webhook: Webhook) -> None:
    """A fact that is answered 500 three times and then 200 is delivered, once, at the fourth attempt."""
    webhook.answers = [500, 500, 500, 200]
    store.publish(settlement_date=FIRST)
    ran = place.reingest("outbox", "deliver", "--all", "--json")
    assert (ran.exit_code, webhook.keys) == (0, [key(FIRST, 1)] * 4)
    (sink,) = ran.json
    assert (sink["delivered"], sink["failed"], sink["pending"], sink["dead"]) == (1, 3, 0, 0)
    assert [(fact["state"], fact["attempts"]) for fact in facts(place)] == [("delivered", 4)]
    place.reingest("outbox", "deliver")
    assert len(webhook.deliveries) == 4


def test_a_date_keeps_its_order_and_other_dates_go_on(place: Site, store: Store, webhook: Webhook) -> None:
    """While a date's first fact is refused its second waits, and another date's fact is delivered."""
    webhook.answers = [400]
    store.publish(settlement_date=FIRST)
    store.publish(settlement_date=FIRST)
    store.publish(settlement_date=SECOND)
    assert place.reingest("outbox", "deliver", REINGEST_OUTBOX_RETRY_SECONDS="60").exit_code == 1
    assert webhook.keys == [key(FIRST, 1), key(SECOND, 1)]
    assert states(place) == ["pending", "pending", "delivered"]
    place.reingest("outbox", "retry", facts(place)[0]["id"])
    assert place.reingest("outbox", "deliver").exit_code == 0
    assert webhook.keys[2:] == [key(FIRST, 1), key(FIRST, 2)]


def test_backoff_goes_by_database_time(place: Site, store: Store, webhook: Webhook) -> None:
    """After a failure the next attempt waits for an instant that the database set, and that only its clock reaches."""
    webhook.answers = [500]
    store.publish(settlement_date=FIRST)
    slow = {"REINGEST_OUTBOX_RETRY_SECONDS": "100"}
    assert place.reingest("outbox", "deliver", **slow).exit_code == 1
    assert place.reingest("outbox", "deliver", **slow).exit_code == 1
    assert len(webhook.deliveries) == 1
    wait = place.value("select extract(epoch from next_attempt_at - last_attempt_at) from outbox_delivery")
    assert 50 <= wait <= 100
    place.rows("update outbox_delivery set next_attempt_at = clock_timestamp()")
    assert place.reingest("outbox", "deliver", **slow).exit_code == 0
    assert len(webhook.deliveries) == 2


def test_what_the_webhook_asks_for_is_waited_for(place: Site, store: Store, webhook: Webhook) -> None:
    """A Retry-After longer than the backoff is obeyed, and one that is longer than an hour is cut to that."""
    webhook.answers, webhook.headers = [429], {"retry-after": "86400"}
    store.publish(settlement_date=FIRST)
    place.reingest("outbox", "deliver")
    wait = place.value("select round(extract(epoch from next_attempt_at - last_attempt_at)) from outbox_delivery")
    assert wait == 3600


def test_a_dead_letter_and_its_retry(place: Site, store: Store, webhook: Webhook) -> None:
    """After the last attempt a fact is dead, its date goes on without it, and a retry delivers it after all."""
    webhook.answers = [500, 500]
    store.publish(settlement_date=FIRST)
    store.publish(settlement_date=FIRST)
    few = {"REINGEST_OUTBOX_ATTEMPTS": "2"}
    ran = place.reingest("outbox", "deliver", "--all", "--json", **few)
    assert (ran.exit_code, ran.json[0]["dead"], ran.json[0]["pending"]) == (1, 1, 0)
    assert webhook.keys == [key(FIRST, 1), key(FIRST, 1), key(FIRST, 2)]
    (dead,) = facts(place, "--dead")
    assert (dead["dedupe_key"], dead["attempts"], dead["last_error"]) == (
        key(FIRST, 1),
        2,
        "it answered 500 Internal Server Error",
    )
    assert "Next: reingest outbox retry --dead" in place.reingest("outbox", "list").out
    assert "1 to be delivered" in place.reingest("outbox", "retry", "--dead").out
    assert place.reingest("outbox", "deliver", **few).exit_code == 0
    assert webhook.keys[3:] == [key(FIRST, 1)]
    assert states(place) == ["delivered", "delivered"]


def test_the_doctor_lists_what_does_not_get_out(published: Site, webhook: Webhook) -> None:
    """A dead letter is a finding with the command that tries it again, and so is a sink that waits for a day."""
    published.settings |= {"REINGEST_WEBHOOK_URL": webhook.url, "REINGEST_OUTBOX_ATTEMPTS": "1"}
    published.reingest("outbox", "deliver")
    published.reingest("outbox", "retry", "--no-sink")
    published.rows("update outbox set created_at = created_at - interval '25 hours'")
    ran = published.reingest("doctor", "--quick", "--json")
    assert (ran.exit_code, [one["id"] for one in ran.json["findings"]]) == (1, ["outbox-overdue"])
    webhook.answers = [410]
    published.reingest("outbox", "deliver")
    (finding,) = published.reingest("doctor", "--quick", "--json").json["findings"]
    assert (finding["id"], finding["found"]) == ("outbox-dead", "dead after 1 attempts: it answered 410 Gone")
    assert published.reingest(*finding["command"].split()[1:]).exit_code == 0
    assert published.reingest("outbox", "deliver").exit_code == 0
    assert published.reingest("doctor", "--quick").exit_code == 0


def test_two_deliverers_share_the_work(place: Site, store: Store, webhook: Webhook) -> None:
    """Of two deliverers at once each fact is sent by one, and every date's facts arrive in order."""
    days = [date(2024, 3, day) for day in range(1, 6)]
    for _ in range(2):
        for day in days:
            store.publish(settlement_date=day)
    webhook.lets_go.clear()
    both = [place.start("outbox", "deliver", "--all") for _ in range(2)]
    wait_until(lambda: webhook.at_once == 2)
    webhook.lets_go.set()
    assert [one.finish().exit_code for one in both] == [0, 0]
    assert webhook.most_at_once == 2
    assert sorted(webhook.keys) == sorted(key(day, number) for day in days for number in (1, 2))
    assert all(webhook.keys.index(key(day, 1)) < webhook.keys.index(key(day, 2)) for day in days)


def test_a_killed_deliverer_leaves_nothing_stuck(place: Site, store: Store, webhook: Webhook) -> None:
    """A deliverer that is killed while the webhook thinks holds nothing up: the next one sends at once."""
    store.publish(settlement_date=FIRST)
    webhook.lets_go.clear()
    deliverer = place.start("outbox", "deliver")
    wait_until(lambda: webhook.deliveries)
    deliverer.send(SIGKILL)
    deliverer.finish()
    webhook.lets_go.set()
    wait_until(lambda: place.reingest("outbox", "deliver").exit_code == 0)
    assert webhook.keys == [key(FIRST, 1)] * 2


def test_a_stopped_deliverer_is_overtaken(place: Site, store: Store, webhook: Webhook) -> None:
    """A deliverer that sleeps loses its fact within its time limit; awake again, it ends and marks nothing."""
    store.publish(settlement_date=FIRST)
    sleeper = place.start("outbox", "deliver", stop_at="before_notify", REINGEST_WEBHOOK_TIMEOUT_SECONDS="0.1")
    sleeper.wait_until_stopped()
    place.reingest("outbox", "deliver")
    assert webhook.deliveries == []
    wait_until(lambda: place.reingest("outbox", "deliver").exit_code == 0)
    assert webhook.keys == [key(FIRST, 1)]
    sleeper.send(SIGCONT)
    assert sleeper.finish().exit_code == 69
    assert [(fact["state"], fact["attempts"]) for fact in facts(place)] == [("delivered", 1)]


def test_a_webhook_that_hangs_does_not_hold_up_a_run(
    published: Site, elexon: StandIn, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run waits for the webhook no longer than its bound, ends as published, and leaves the fact pending."""
    monkeypatch.setattr(soon, "SOON_SECONDS", 1)
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    webhook.lets_go.clear()
    with_webhook = {"REINGEST_WEBHOOK_URL": webhook.url}
    began = time.monotonic()
    ran = published.date(DATE, **with_webhook)
    took = time.monotonic() - began
    assert (ran.exit_code, ran.json["outcome"]) == (0, "published")
    assert took - sum(ran.json["seconds"].values()) < 3
    (pending,) = facts(published, "--pending")
    assert (pending["attempts"], pending["last_error"][:16]) == (1, "no answer within")
    assert published.value("select count(*) from lease") == 0
    webhook.lets_go.set()
    published.reingest("outbox", "retry", pending["id"])
    assert published.reingest("outbox", "deliver", **with_webhook).exit_code == 0


def test_a_webhook_that_nobody_serves_fails_no_run(published: Site, elexon: StandIn) -> None:
    """With a webhook that refuses connections a run ends as published; the outbox says why the fact is pending."""
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    ran = published.date(DATE, REINGEST_WEBHOOK_URL="http://127.0.0.1:9/s3cret-t0ken?key=als0-secret")
    assert (ran.exit_code, ran.json["outcome"]) == (0, "published")
    (pending,) = facts(published, "--pending")
    assert pending["last_error"].startswith("ConnectError")


def test_a_fault_of_the_delivery_fails_no_run(
    published: Site, elexon: StandIn, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong in a run's delivery, the run ends as published, and the fault is logged."""
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    monkeypatch.setattr(delivering, "claim_delivery", lambda *_args, **_options: 1 / 0)
    ran = published.date(DATE, REINGEST_WEBHOOK_URL=webhook.url)
    assert (ran.exit_code, ran.json["outcome"]) == (0, "published")
    assert "ZeroDivisionError" in ran.err
    assert [fact["state"] for fact in facts(published, "--pending")] == ["pending"]


def test_a_sink_that_is_down_ends_the_pass(place: Site, store: Store) -> None:
    """After three failures of the webhook itself the pass ends; the other facts keep all their attempts."""
    for day in range(1, 6):
        store.publish(settlement_date=date(2024, 3, day))
    place.reingest("outbox", "deliver", REINGEST_WEBHOOK_URL="http://127.0.0.1:9/")
    assert [fact["attempts"] for fact in facts(place)] == [1, 1, 1, 0, 0]
