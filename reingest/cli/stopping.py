"""Ctrl-C at work on many dates: the first one lets those under way end, the second one breaks them off."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from reingest.errors import Interrupted

if TYPE_CHECKING:
    from reingest.operations.ranges.lanes import Stopping

_Report = TypeVar("_Report")


def run_until_stopped(work: Awaitable[_Report], stopping: "Stopping", *, next_command: str) -> _Report:
    """Work to the end, or until it has stopped because it was asked to, and return what came of it.

    Raises:
        Interrupted: somebody insisted; `next_command` goes on with what is left.
    """
    try:
        return asyncio.run(_until_stopped(work, stopping))
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise Interrupted("the dates under way were broken off", next_command=next_command) from None


async def _until_stopped(work: Awaitable[_Report], stopping: "Stopping") -> _Report:
    """Work on; the first SIGINT or SIGTERM asks to stop, the second breaks off what is under way."""
    task = asyncio.ensure_future(work)

    def hear() -> None:
        act: Callable[[], object] = task.cancel if stopping.asked else stopping.ask
        act()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, hear)
    return await task
