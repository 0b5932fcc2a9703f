"""Whether a version is still what it was made as: what was changed by hand is neither published nor restored."""

from datetime import date

from reingest.curtailment.content import content_hash
from reingest.store.contents import content_of, version_facts
from reingest.store.database import Connection
from reingest.store.versions import recomputed_differences


def is_unaltered(connection: Connection, settlement_date: date, number: int) -> bool:
    """Tell whether a version's stored rows come to its content hash, and its totals to its rows."""
    facts = version_facts(connection, settlement_date, number)
    same = content_hash(content_of(connection, settlement_date, facts)) == facts.content_hash
    return same and not recomputed_differences(connection, facts.id)
