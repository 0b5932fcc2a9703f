"""Messages for the outbox: what consumers are told after a commit, with figures as exact text."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from reingest.curtailment.exact import plain
from reingest.curtailment.totals import Totals
from reingest.curtailment.words import DefinitionName


def date_published(
    settlement_date: date,
    *,
    version: int,
    run_id: UUID,
    content_hash: str,
    provisional: bool,
    totals: Mapping[DefinitionName, Totals],
) -> dict[str, Any]:
    """Return the message that a date serves another version; publish adds when, the generation, and what changed."""
    return {
        "type": "date_published",
        "settlement_date": settlement_date.isoformat(),
        "version": version,
        "run_id": str(run_id),
        "content_hash": content_hash,
        "provisional": provisional,
        "totals": {
            name: {"energy_mwh": plain(total.energy_mwh), "payment_gbp": plain(total.payment_gbp)}
            for name, total in totals.items()
        },
    }
