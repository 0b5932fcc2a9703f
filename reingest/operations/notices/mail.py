"""Sending an e-mail: over TLS from the first byte (smtps), or by STARTTLS where the server offers it (smtp).

A password goes over an encrypted connection or not at all: whoever is in the way could take the offer out.
"""

import asyncio
import logging
import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Final, Literal, cast
from urllib.parse import unquote, urlsplit

from reingest.errors import BadSetting
from reingest.operations.deliveries.posting import Failure

log = logging.getLogger(__name__)

_PORTS: Final = {"smtp": 587, "smtps": 465}
_PERMANENT: Final = 500
"""From here on a server's answer is about the message, and stays; below it the server cannot do it now."""


class NoTls(Exception):
    """The server offers no encryption, and a password is not sent without it."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where e-mail is handed in.

    Attributes:
        trusted: What its certificate is checked against.
    """

    scheme: Literal["smtp", "smtps"]
    host: str
    port: int
    trusted: ssl.SSLContext
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def mail_server(url: str, trusted: ssl.SSLContext) -> MailServer:
    """Read the setting `smtp_url`, such as smtp://user:password@host:587.

    Raises:
        BadSetting: it has no host, or a port that is none.
    """
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadSetting("smtp_url has a port that is none") from error
    if not host or parts.scheme not in _PORTS:
        raise BadSetting("smtp_url is smtp://host or smtps://host, with user:password@ before and :port behind")
    return MailServer(
        scheme=cast("Literal['smtp', 'smtps']", parts.scheme),
        host=host,
        port=port or _PORTS[parts.scheme],
        trusted=trusted,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


async def send_mail(server: MailServer, mail: EmailMessage, timeout_seconds: float) -> Failure | None:
    """Hand the e-mail in; None means that the server took it for somebody, within the time."""
    session = _Session(server, timeout_seconds)
    try:
        async with asyncio.timeout(timeout_seconds):
            await asyncio.to_thread(session.send, mail)
    except TimeoutError:
        session.cut()
        return Failure(f"the mail server did not take it within {timeout_seconds:.1f} s", sink_down=True)
    except smtplib.SMTPRecipientsRefused as error:
        refused = "; ".join(f"{code} {_text(said)}" for code, said in error.recipients.values())
        return Failure(f"every recipient was refused: {refused}")
    except smtplib.SMTPResponseException as error:
        failed = f"the mail server answered {error.smtp_code} {_text(error.smtp_error)}"
        # A wrong password is the channel's fault, whatever is to be sent.
        down = error.smtp_code < _PERMANENT or isinstance(error, smtplib.SMTPAuthenticationError)
        return Failure(failed, sink_down=down)
    except ssl.SSLCertVerificationError as error:
        return Failure(f"its certificate was not accepted: {error.verify_message}", sink_down=True)
    except (OSError, smtplib.SMTPException, NoTls) as error:
        return Failure(f"{type(error).__name__}: {error}", sink_down=True)
    return None


class _Session:
    """One conversation with the server, in a thread of its own."""

    def __init__(self, server: MailServer, timeout_seconds: float) -> None:
        self._server = server
        self._timeout = timeout_seconds
        self._smtp: smtplib.SMTP | None = None

    def send(self, mail: EmailMessage) -> None:
        with self._connect() as smtp:
            self._smtp = smtp
            self._encrypt(smtp)
            if self._server.user and self._server.password:
                smtp.login(self._server.user, self._server.password)
            for refused, (code, said) in smtp.send_message(mail).items():
                log.warning("the mail server refused the recipient %s: %d %s", refused, code, _text(said))

    def cut(self) -> None:
        """End the conversation from another thread: whoever waits in it hears of that at once."""
        sock = getattr(self._smtp, "sock", None)
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        if server.scheme == "smtps":
            return smtplib.SMTP_SSL(server.host, server.port, timeout=self._timeout, context=server.trusted)
        return smtplib.SMTP(server.host, server.port, timeout=self._timeout)

    def _encrypt(self, smtp: smtplib.SMTP) -> None:
        if self._server.scheme == "smtps":
            return
        smtp.ehlo_or_helo_if_needed()
        if smtp.has_extn("starttls"):
            smtp.starttls(context=self._server.trusted)
        elif self._server.password:
            raise NoTls("the mail server offers no STARTTLS, and a password is not sent in the clear")


def _text(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())
