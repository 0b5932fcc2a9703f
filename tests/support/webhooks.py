"""A webhook: a real HTTP server that answers as it is told and remembers what it was sent."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Status = int | Callable[["Delivery"], int]


@dataclass(frozen=True)
class Delivery:
    """One POST that the webhook got."""

    path: str
    headers: dict[str, str]
    message: dict[str, Any]

    @property
    def key(self) -> str:
        return self.headers["idempotency-key"]


@dataclass
class Webhook:
    """Where the webhook is, what it was sent, and what it answers: these statuses in turn, then 204.

    While `holds` is clear no request is answered.
    """

    url: str
    answers: list[Status] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    lets_go: threading.Event = field(default_factory=threading.Event)
    at_once: int = 0
    most_at_once: int = 0

    def __post_init__(self) -> None:
        self.lets_go.set()

    @property
    def keys(self) -> list[str]:
        return [delivery.key for delivery in self.deliveries]

    def take(self, delivery: Delivery) -> int:
        with self.lock:
            self.deliveries.append(delivery)
            answer = self.answers.pop(0) if self.answers else 204
        return answer(delivery) if callable(answer) else answer


@contextmanager
def running_webhook(answers: Sequence[Status] = (), *, tls: ssl.SSLContext | None = None) -> Iterator[Webhook]:
    """Serve a webhook until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with webhook.lock:
                webhook.at_once += 1
                webhook.most_at_once = max(webhook.most_at_once, webhook.at_once)
            status = webhook.take(Delivery(self.path, headers, json.loads(body)))
            webhook.lets_go.wait(30)
            with webhook.lock:
                webhook.at_once -= 1
            self.send_response(status)
            for name, value in webhook.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A deliverer that was killed hears no answer."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    scheme = "https" if tls else "http"
    webhook = Webhook(f"{scheme}://localhost:{server.server_address[1]}/hooks/s3cret-t0ken?key=als0-secret")
    webhook.answers = list(answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield webhook
    finally:
        webhook.lets_go.set()
        server.shutdown()
        server.server_close()
        thread.join()
