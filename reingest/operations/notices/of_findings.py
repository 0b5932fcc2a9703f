"""What people are told of what the doctor found."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Final

from reingest.operations.doctor.finding import Finding
from reingest.operations.notices.delivering import deliver_notices_soon
from reingest.operations.notices.notice import Notice, notify
from reingest.settings import Settings
from reingest.store.database import connect

_LISTED: Final = 20
_OF_NOTICES: Final = frozenset({"notice-dead", "notice-overdue"})
"""Findings of which no notice tells: it would not get out either."""


async def tell_findings(settings: Settings, database_url: str, findings: Sequence[Finding]) -> bool:
    """Tell people of what the doctor found, once for the same findings; return whether there was news.

    Raises:
        DatabaseError: Postgres cannot be used.
    """
    told = [finding for finding in findings if finding.id not in _OF_NOTICES]
    if not told:
        return False
    with connect(database_url, purpose="findings") as connection:
        is_new = notify(connection, findings_notice(told))
    if is_new:
        await deliver_notices_soon(settings, database_url)
    return is_new


def findings_notice(findings: Sequence[Finding]) -> Notice:
    """Return what people are told of these findings, which are one at the least."""
    keys = hashlib.sha256(" ".join(sorted(finding.key for finding in findings)).encode()).hexdigest()
    counts = Counter(finding.id for finding in findings)
    kinds = ", ".join(f"{count} x {kind}" for kind, count in sorted(counts.items()))
    listed = [f"  - {one.id}: {one.subject}: {one.found}; expected {one.expected}" for one in findings[:_LISTED]]
    rest = len(findings) - len(listed)
    return Notice(
        cause=f"doctor_findings:{keys[:32]}",
        kind="doctor_findings",
        subject=f"The doctor found {len(findings)}: {kinds}",
        text="\n".join(
            [
                "Database, archive and files do not agree, or something waits for a person:",
                "",
                *listed,
                *([f"  and {rest} more"] if rest > 0 else []),
                "",
                "Next:",
                "    reingest doctor",
            ]
        ),
        detail={
            "counts": dict(counts),
            "findings": [one.as_dict() for one in findings[:_LISTED]],
            "next": "reingest doctor",
        },
    )
