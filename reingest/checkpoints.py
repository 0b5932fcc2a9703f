"""Checkpoints: named places at which a drill may kill the process; nothing happens there otherwise.

`REINGEST_CRASH_AT=<name>` arms one. The kill is SIGKILL, so no handler, `finally` or transaction end runs: what a
crash at that place leaves behind is what the next run finds.
"""

import os
import signal

VARIABLE = "REINGEST_CRASH_AT"


def checkpoint(name: str) -> None:
    """Pass the place of that name; die there where it is armed."""
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
