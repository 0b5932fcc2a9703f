"""A mail server: a real one on a port, that takes e-mails, answers as it is told, and remembers what it was told."""

import base64
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer


@dataclass(frozen=True)
class Mail:
    """One e-mail that the server took."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    encrypted: bool
    user: str | None

    @property
    def text(self) -> str:
        return str(self.message.get_content())


@dataclass
class MailServer:
    """Where the server is and what it took.

    Attributes:
        answers: By command, such as `RCPT`, what it answers next; where that is empty, or used up, its own answer.
        lets_go: While this is clear it answers nothing.
    """

    port: int
    mails: list[Mail] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    lets_go: threading.Event = field(default_factory=threading.Event)
    logins: dict[str, str] = field(default_factory=lambda: {"robot": "p@ss w0rd"})

    def __post_init__(self) -> None:
        self.lets_go.set()

    def answer(self, command: str) -> str | None:
        waiting = self.answers.get(command)
        return waiting.pop(0) if waiting else None


@contextmanager
def running_mail_server(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[MailServer]:
    """Serve e-mail until the block ends: encrypted from the first byte with `tls`, on demand with `starttls`."""

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                _Conversation(self, server, starttls, tls).run()
            self.rfile.close()
            self.connection.close()

    class Server(ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    listening = Server(("127.0.0.1", 0), Handler)
    server = MailServer(listening.server_address[1])
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.lets_go.set()
        listening.shutdown()
        listening.server_close()
        thread.join()


class _Conversation:
    def __init__(
        self,
        handler: StreamRequestHandler,
        server: MailServer,
        starttls: ssl.SSLContext | None,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.server, self.starttls = server, starttls
        self.handler = handler
        self.encrypted = False
        self.user: str | None = None
        self.sender, self.recipients = "", list[str]()
        if tls is not None:
            self.encrypt(tls)

    def run(self) -> None:
        self.say("220 here")
        while line := self.handler.rfile.readline().decode().strip():
            command, _, rest = line.partition(" ")
            self.server.lets_go.wait(30)
            if answer := self.server.answer(command.upper()):
                self.say(answer)
            elif self.obey(command.upper(), rest):
                return

    def encrypt(self, context: ssl.SSLContext) -> None:
        socket = context.wrap_socket(self.handler.connection, server_side=True)
        self.handler.rfile.close()
        self.handler.request = self.handler.connection = socket
        self.handler.rfile = socket.makefile("rb")
        self.handler.wfile = socket.makefile("wb")
        self.encrypted = True

    def obey(self, command: str, rest: str) -> bool:
        """Do what a command says; return whether it was the last one."""
        match command:
            case "EHLO":
                offered = ["250-STARTTLS"] if self.starttls and not self.encrypted else []
                self.say("250-here", "250-AUTH PLAIN", *offered, "250 8BITMIME")
            case "STARTTLS" if self.starttls:
                self.say("220 go on")
                self.encrypt(self.starttls)
            case "AUTH":
                _, user, password = base64.b64decode(rest.rpartition(" ")[2]).decode().split("\0")
                right = self.server.logins.get(user) == password
                self.user = user if right else None
                self.say("235 welcome" if right else "535 who are you")
            case "MAIL":
                self.sender = _address(rest)
                self.say("250 ok")
            case "RCPT":
                self.recipients.append(_address(rest))
                self.say("250 ok")
            case "DATA":
                self.say("354 go on")
                self.take_mail()
            case "QUIT":
                self.say("221 bye")
            case _:
                self.say("250 ok")
        return command == "QUIT"

    def take_mail(self) -> None:
        lines = iter(self.handler.rfile.readline, b".\r\n")
        body = b"".join(line.removeprefix(b".").replace(b"\r\n", b"\n") for line in lines)
        message = message_from_bytes(body, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.server.mails.append(Mail(self.sender, tuple(self.recipients), message, self.encrypted, self.user))
        self.recipients = []
        self.say("250 taken")

    def say(self, *lines: str) -> None:
        self.handler.wfile.write("".join(f"{line}\r\n" for line in lines).encode())
        self.handler.wfile.flush()


def _address(text: str) -> str:
    return text.partition("<")[2].partition(">")[0]
