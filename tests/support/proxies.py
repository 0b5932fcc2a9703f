"""Proxies before Postgres: one loses a connection at a COMMIT, after the server has heard it; one falls silent."""

import contextlib
import select
import socket
import threading
from types import TracebackType
from typing import Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo

MESSAGE = 65536


class Proxy:
    """Stands between a client and Postgres at `url`; what it passes on is up to its kind."""

    def __init__(self, database_url: str) -> None:
        self._target = conninfo_to_dict(database_url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        port = self._listener.getsockname()[1]
        self.url = make_conninfo(database_url, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable")

    def __enter__(self) -> Self:
        self._begin(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # the listener was closed: the test is over
                return
            self._begin(self._serve, client)

    def _begin(self, act: object, *arguments: object) -> None:
        thread = threading.Thread(target=act, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, self._server() as server, contextlib.suppress(OSError):
            self.relay(client, server)

    def relay(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on what the two say, until the connection is over."""
        raise NotImplementedError

    def _server(self) -> socket.socket:
        host, port = str(self._target.get("host") or "127.0.0.1"), self._target.get("port") or 5432
        if host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{host}/.s.PGSQL.{port}")
            return server
        return socket.create_connection((host, int(port)))


class CommitThief(Proxy):
    """Passes everything on, until a connection that wrote to a table commits: then both ends are closed.

    Attributes:
        stolen: How many commits the server heard whose answer nobody got.
        most: After how many it lets the others pass.
    """

    stolen = 0

    def __init__(self, database_url: str, wrote: bytes = b"insert into outbox", most: int = 1000) -> None:
        super().__init__(database_url)
        self._wrote = wrote
        self.most = most

    def relay(self, client: socket.socket, server: socket.socket) -> None:
        writing = False
        while True:
            readable, _, _ = select.select([client, server], [], [])
            for source, sink in ((client, server), (server, client)):
                if source not in readable:
                    continue
                data = source.recv(MESSAGE)
                if not data:
                    return
                sink.sendall(data)
                writing = writing or self._wrote in data
                if source is client and writing and b"COMMIT" in data and self.stolen < self.most:
                    server.recv(MESSAGE)  # the commit has happened
                    self.stolen += 1
                    return


class Swallower(Proxy):
    """Passes everything on, until `swallowing` is set: from then on both ends hear nothing, and no end is closed."""

    def __init__(self, database_url: str) -> None:
        super().__init__(database_url)
        self.swallowing = threading.Event()
        self._over = threading.Event()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        super().__exit__(kind, error, trace)

    def relay(self, client: socket.socket, server: socket.socket) -> None:
        while not self._over.is_set():
            readable, _, _ = select.select([client, server], [], [], 0.05)
            for source, sink in ((client, server), (server, client)):
                if source not in readable:
                    continue
                data = source.recv(MESSAGE)
                if not data:
                    if self.swallowing.is_set():  # nobody is told of an end either
                        self._over.wait()
                    return
                if not self.swallowing.is_set():
                    sink.sendall(data)
