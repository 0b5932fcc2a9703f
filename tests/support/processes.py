"""Whether processes have ended, when nobody may ever wait for them."""

import time

import psutil


def lives(pid: int) -> bool:
    """Tell whether the process is at work; one that has ended and is not yet waited for is not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_for_end(pid: int) -> None:
    """Return when the process is no longer at work."""
    while lives(pid):
        time.sleep(0.005)
