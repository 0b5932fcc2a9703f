"""What was asked of the stand-in, in order, with the attempt, the status and the faults that struck."""

from collections import Counter, deque
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

_KEPT: Final = 100_000


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One request that the stand-in was asked.

    Attributes:
        path: The path under Elexon's base, with its query.
        attempt: How many times it was asked since the last reset, this time included.
        status: The status that was sent; 0 where a fault sent none of HTTP's.
        faults: The kinds of fault that struck, in order.
        at: When it arrived; aware, UTC.
    """

    path: str
    attempt: int
    status: int
    faults: tuple[str, ...]
    at: datetime


class Journal:
    """Counts every request, and remembers the last 100,000."""

    def __init__(self) -> None:
        """Begin with nothing asked."""
        self._counts: Counter[str] = Counter()
        self._seen: deque[SeenRequest] = deque(maxlen=_KEPT)

    def attempt(self, path: str) -> int:
        """Count a request and return which attempt at this path and query it is, from 1."""
        self._counts[path] += 1
        return self._counts[path]

    def note(self, path: str, attempt: int, status: int, faults: tuple[str, ...], *, at: datetime) -> None:
        """Remember how a request that arrived `at` an instant was answered."""
        self._seen.append(SeenRequest(path, attempt, status, faults, at))

    def forget(self) -> None:
        """Begin anew: the next attempt at each request is its first."""
        self._counts.clear()
        self._seen.clear()

    def as_dict(self) -> dict[str, object]:
        """Return the journal for JSON."""
        asked = [asdict(seen) | {"at": seen.at.isoformat()} for seen in self._seen]
        return {"total": self._counts.total(), "by_path": dict(self._counts), "asked": asked}


def seen_requests(asked: list[dict[str, Any]]) -> list[SeenRequest]:
    """Return the requests that `Journal.as_dict` lists as `asked`."""
    return [
        SeenRequest(**entry | {"at": datetime.fromisoformat(entry["at"]), "faults": tuple(entry["faults"])})
        for entry in asked
    ]
