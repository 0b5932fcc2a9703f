"""A process without a network: inside a block every way out is refused but the database's own.

What Python's sockets do is seen by an audit hook, whichever library asks, and whether or not it took hold of `socket`
before. Another process would not be seen, so the calls that start one are refused too. libpq connects in C and is not
seen: it leads to the database and nowhere else.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from reingest.errors import Bug

_ADDRESSED: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_NAMED: Final = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
_PROCESSES: Final = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn"})
_WATCHED: Final = _ADDRESSED | _NAMED | _PROCESSES

Address = str | tuple[str, int]
"""A Unix socket's path, or a host and port."""

# A hook cannot be taken away again, so there is one, and it looks here. Empty: nothing is refused.
_allowed: list[frozenset[Address]] = []
_hooked: list[bool] = []


@contextmanager
def without_network(allowed: frozenset[Address]) -> Iterator[None]:
    """Refuse the network to the whole process, all of its threads, while the block runs.

    Args:
        allowed: The database's own addresses.

    Raises:
        Bug: something in the block asked for another address, for a name, or for another process.
    """
    if not _hooked:
        sys.addaudithook(_watch)
        _hooked.append(True)
    _allowed.append(allowed)
    try:
        yield
    finally:
        _allowed.remove(allowed)


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _allowed and event in _WATCHED and not _is_allowed(event, arguments):
        raise Bug(f"the network is denied here, and something asked for it: {event}{arguments[-2:]!r}")


def _is_allowed(event: str, arguments: tuple[Any, ...]) -> bool:
    if event in _PROCESSES:
        return False
    allowed = _allowed[-1]
    if event in _NAMED:
        return arguments[0] in {address[0] for address in allowed if not isinstance(address, str)}
    address = arguments[1]
    # A message without an address goes where its socket was connected to.
    return address is None or (tuple(address[:2]) if isinstance(address, tuple) else address) in allowed
