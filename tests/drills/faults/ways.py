"""Ways in which faults of the network are made, where the stand-in's script does not reach."""

import contextlib
import socket
import ssl
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.drills.faults.fault import Ground
from tests.support.tls import server_context, write_certificate

MEGABYTE = b" " * 2**20
PATIENCE_SECONDS = 1.0


@contextmanager
def elexon_at(ground: Ground, *, url: str) -> Iterator[None]:
    """Have the site ask another address for the block."""
    before, ground.site.elexon_url = ground.site.elexon_url, url
    try:
        yield
    finally:
        ground.site.elexon_url = before


@contextmanager
def untrusted_elexon(ground: Ground) -> Iterator[None]:
    """Be an Elexon whose certificate nobody vouches for."""
    with tempfile.TemporaryDirectory() as folder:
        context = server_context(write_certificate(Path(folder) / "localhost.pem"))
    with _listening(lambda client: _handshake(client, context)) as port, _at_https(ground, port):
        yield


@contextmanager
def cut_tls(ground: Ground) -> Iterator[None]:
    """Be an Elexon that closes the connection in the handshake."""
    with _listening(lambda client: client.recv(1)) as port, _at_https(ground, port):
        yield


def _at_https(ground: Ground, port: int) -> contextlib.AbstractContextManager[None]:
    return elexon_at(ground, url=f"https://localhost:{port}/bmrs/api/v1")


def _handshake(client: socket.socket, context: ssl.SSLContext) -> None:
    with context.wrap_socket(client, server_side=True) as secured:
        secured.recv(1)


@contextmanager
def _listening(talk: Callable[[socket.socket], object]) -> Iterator[int]:
    """Talk to whoever connects, one after another, until the block ends; give the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # the listener was closed
                return
            client.settimeout(PATIENCE_SECONDS)
            with client, contextlib.suppress(OSError):
                talk(client)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@contextmanager
def endless_body(ground: Ground, *, path: str, megabytes: int) -> Iterator[list[int]]:
    """Answer one path with so many megabytes in chunks, and everything else as Elexon does; give what was sent."""
    sent: list[int] = []
    elexon = ground.elexon

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if path in self.path:
                self._flood()
            else:
                self._pass_on()

        def _flood(self) -> None:
            self.send_response(200)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            sent.append(0)
            with contextlib.suppress(OSError):
                for _ in range(megabytes):
                    self.wfile.write(b"100000\r\n" + MEGABYTE + b"\r\n")
                    sent[-1] += 1
            self.close_connection = True

        def _pass_on(self) -> None:
            with urllib.request.urlopen(elexon.url.removesuffix("/bmrs/api/v1") + self.path) as answer:  # noqa: S310
                body = answer.read()
                self.send_response(answer.status)
                self.send_header("content-type", answer.headers["content-type"])
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with elexon_at(ground, url=f"http://127.0.0.1:{server.server_port}/bmrs/api/v1"):
            yield sent
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
