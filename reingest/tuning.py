"""How the interpreter is tuned: for a date, and whatever else runs has it too.

The garbage collector: a date makes some hundred thousand small objects, nearly all of them free of cycles, and frees
them by reference count. At its default threshold the collector walks them hundreds of times to find nothing, which
was 0.2 s of a date's CPU. While modules are imported it finds as little: 0.06 s of what a command takes to begin, and
0.2 s of what Prefect's engine takes.

The switch interval: while one thread archives answers, with a handful of system calls each, the other parses. After
each call the first one waits for its turn, 5 ms by default; a date at 50 ms latency took 0.2 s longer for it.

python -m reingest.tuning MODULE runs a module as `python -m MODULE` would, without a collector until `tune_process`.
"""

import gc
import sys
from functools import cache
from typing import Final

GENERATION_0: Final = 200_000
SWITCH_SECONDS: Final = 0.0005


def tune_process() -> None:
    """Collect seldom, and let threads take turns quickly; for the edge of every process."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(GENERATION_0, 10, 10)
    gc.enable()


@cache  # asking the collector whether it is done would walk all that is kept, 20 ms of it
def keep_imports() -> None:
    """Never walk what is loaded by now; for when a process has imported what it needs. Only the first call counts."""
    gc.freeze()  # with no collection before it, which would walk all that once more


if __name__ == "__main__":
    import runpy

    gc.disable()
    runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
