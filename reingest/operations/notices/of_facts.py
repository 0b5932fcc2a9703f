"""What people are told of the outbox: that a sink takes a fact at no attempt."""

from reingest.clock import utc_now
from reingest.operations.notices.notice import Notice
from reingest.store.outbox import OwedFact


def dead_letter_notice(sink: str, fact: OwedFact, reason: str) -> Notice:
    """Return what people are told when a sink refused a fact at every attempt: of one sink, one notice a day."""
    return Notice(
        cause=f"dead_letters:{sink}:{utc_now():%Y-%m-%d}",
        kind="dead_letters",
        subject=f"Not delivered to {sink}: a fact about {fact.settlement_date}",
        text=(
            f"{sink} did not take the fact {fact.dedupe_key}, at any attempt; the last one: {reason}.\n"
            "It is a dead letter now, and there may be more of them: consumers have not heard of these publishes.\n\n"
            "Next:\n    reingest outbox list --dead\n    reingest outbox retry --dead"
        ),
        detail={
            "sink": sink,
            "dedupe_key": fact.dedupe_key,
            "settlement_date": fact.settlement_date.isoformat(),
            "last_error": reason,
            "next": "reingest outbox list --dead",
        },
    )
