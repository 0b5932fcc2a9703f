"""A reply on its way out: status, headers and bytes, with its gzip form made once."""

import gzip
import json
from dataclasses import dataclass, field
from typing import Final

_LEAST_WORTH_COMPRESSING: Final = 256


@dataclass(slots=True)
class Reply:
    """One answer, ready to be sent.

    Attributes:
        body: The bytes as the client will read them, before any content encoding.
        headers: Further headers, in lower case.
    """

    status: int
    content_type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    _gzipped: bytes | None = None

    def encoded(self, accept_encoding: str) -> tuple[bytes, dict[str, str]]:
        """Return the bytes and headers for a client, compressed where it accepts gzip and it is worth it."""
        headers = {"content-type": self.content_type, **self.headers} if self.content_type else dict(self.headers)
        if "gzip" not in accept_encoding or len(self.body) < _LEAST_WORTH_COMPRESSING:
            return self.body, headers
        return self.gzipped(), {**headers, "content-encoding": "gzip", "vary": "Accept-Encoding"}

    def gzipped(self) -> bytes:
        """Return the body as gzip; equal bodies give equal bytes, so no time is written into them."""
        if self._gzipped is None:
            self._gzipped = gzip.compress(self.body, compresslevel=6, mtime=0)
        return self._gzipped

    @property
    def held_bytes(self) -> int:
        """How much memory the reply's bytes take."""
        return len(self.body) + len(self._gzipped or b"")


def json_reply(status: int, content: object) -> Reply:
    """Return a reply of JSON."""
    return Reply(status, "application/json; charset=utf-8", json.dumps(content).encode())


def not_found() -> Reply:
    """Return what Elexon's gateway answers to a path that does not exist, as recorded."""
    return json_reply(404, {"statusCode": 404, "message": "Resource not found"})


def no_data() -> Reply:
    """Return the documented 404 of the summary, the only dataset that has one."""
    return json_reply(404, {"statusCode": 404, "message": "No data found"})


def bad_request(detail: str) -> Reply:
    """Return a 400; its body was never recorded, so it takes the usual form of Elexon's framework."""
    name, _, message = detail.partition(": ")
    problem = {
        "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
        "title": "One or more validation errors occurred.",
        "status": 400,
        "errors": {name: [message or detail]},
    }
    return Reply(400, "application/problem+json; charset=utf-8", json.dumps(problem).encode())
