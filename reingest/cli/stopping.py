"""Ctrl-C at work on many dates: the first one lets those under way end, the second one breaks them off."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from reingest.operations.ranges.lanes import Stopping

_Report = TypeVar("_Report")


async def until_stopped(work: Awaitable[_Report], stopping: "Stopping") -> _Report:
    """Work on; the first SIGINT or SIGTERM asks to stop, the second breaks off what is under way."""
    task = asyncio.ensure_future(work)

    def hear() -> None:
        act: Callable[[], object] = task.cancel if stopping.asked else stopping.ask
        act()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, hear)
    return await task
