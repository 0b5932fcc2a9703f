"""Channels: the ways by which people are told. Each takes the same notices, in a form of its own."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from reingest.operations.deliveries.posting import Failure, Post, open_post
from reingest.operations.notices.mail import MailServer, mail_server, send_mail
from reingest.operations.notices.messages import as_body, mail_of, notice_document, slack_document
from reingest.settings import Settings
from reingest.store.notices import ChannelName, OwedNotice
from reingest.tls import trusted_certificates

SETTING_OF_CHANNEL: Final[Mapping[ChannelName, str]] = {
    "email": "smtp_url",
    "slack": "slack_url",
    "webhook": "notice_webhook_url",
}


def configured_channels(settings: Settings) -> tuple[ChannelName, ...]:
    """Return the channels that the settings name."""
    return tuple(channel for channel, setting in SETTING_OF_CHANNEL.items() if getattr(settings, setting))


@asynccontextmanager
async def open_channels(settings: Settings) -> AsyncIterator[list["Channel"]]:
    """Give the configured channels for the block.

    Raises:
        BadSetting: the CA bundle cannot be read, or the mail server's address not be used.
    """
    async with AsyncExitStack() as opened:
        channels: list[Channel] = []
        for name, url, form in (
            ("webhook", settings.notice_webhook_url, notice_document),
            ("slack", settings.slack_url, slack_document),
        ):
            if url is not None:
                channels.append(PostChannel(name, await opened.enter_async_context(open_post(settings, url)), form))
        if settings.smtp_url is not None:
            server = mail_server(settings.smtp_url, trusted_certificates(settings.smtp_url, settings.ca_bundle))
            channels.append(MailChannel(server, settings.notice_from or "", settings.notice_to or ""))
        yield channels


@dataclass(frozen=True, slots=True)
class PostChannel:
    """Posts each notice to an address, as a JSON document."""

    name: str
    post: Post
    form: Callable[[OwedNotice], dict[str, Any]]

    async def send(self, notice: OwedNotice, timeout_seconds: float) -> Failure | None:
        """Post the notice; None means that the answer was 2xx within the time."""
        return await self.post.send(as_body(self.form(notice)), notice.dedupe_key, timeout_seconds)


@dataclass(frozen=True, slots=True)
class MailChannel:
    """Sends each notice as one e-mail to everybody."""

    server: MailServer
    sender: str
    recipients: str
    name: str = "email"

    async def send(self, notice: OwedNotice, timeout_seconds: float) -> Failure | None:
        """Hand the e-mail in; None means that the server took it within the time."""
        return await send_mail(
            self.server, mail_of(notice, sender=self.sender, recipients=self.recipients), timeout_seconds
        )


Channel = PostChannel | MailChannel
