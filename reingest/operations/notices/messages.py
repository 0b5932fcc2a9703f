"""A notice in the form of each channel: JSON, the blocks of Slack, an e-mail."""

import hashlib
import json
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final

from reingest.store.notices import OwedNotice

# Slack refuses a message with longer ones.
_LONGEST_HEADER: Final = 150
_LONGEST_SECTION: Final = 3000
_CUT: Final = " …"


def notice_document(notice: OwedNotice) -> dict[str, Any]:
    """Return the notice as a webhook gets it."""
    return {
        "type": "notice",
        "kind": notice.kind,
        "settlement_date": notice.settlement_date.isoformat() if notice.settlement_date else None,
        "subject": notice.subject,
        "text": notice.text,
        "detail": notice.detail,
        "timestamp": f"{notice.created_at:%Y-%m-%dT%H:%M:%S.%f}Z",
        "dedupe_key": notice.dedupe_key,
    }


def slack_document(notice: OwedNotice) -> dict[str, Any]:
    """Return the notice as an incoming webhook of Slack takes it: blocks, and a text for where blocks are not shown."""
    about = [f"`{notice.kind}`", f"{notice.created_at:%Y-%m-%d %H:%M}Z"]
    return {
        "text": _cut(f"{_escaped(notice.subject)}\n{_escaped(notice.text)}", _LONGEST_SECTION),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": _cut(notice.subject, _LONGEST_HEADER)}},
            {"type": "section", "text": {"type": "mrkdwn", "text": _cut(_escaped(notice.text), _LONGEST_SECTION)}},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": " · ".join(about)}]},
        ],
    }


def as_body(document: Mapping[str, Any]) -> bytes:
    """Return a document as it is posted: JSON in UTF-8 on one line, keys in order."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True).encode()


def mail_of(notice: OwedNotice, *, sender: str, recipients: str) -> EmailMessage:
    """Return the notice as an e-mail, which has the same id at every attempt."""
    mail = EmailMessage()
    mail["Subject"] = f"[Reingest] {' '.join(notice.subject.split())}"
    mail["From"] = sender
    mail["To"] = recipients
    mail["Date"] = format_datetime(notice.created_at)
    mail["Message-ID"] = f"<{hashlib.sha256(notice.dedupe_key.encode()).hexdigest()[:32]}@reingest>"
    # So that no holiday answers it.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Reingest-Kind"] = notice.kind
    mail.set_content(
        f"{notice.text.rstrip()}\n\n-- \nReingest, {notice.kind}, {notice.created_at:%Y-%m-%d %H:%M:%S}Z\n"
    )
    return mail


def _escaped(text: str) -> str:
    """Return a text in which Slack finds no links and no mentions."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - len(_CUT)] + _CUT
