from typing import Final

from tests.drills.faults.fault import Fault

PROCESS: Final[tuple[Fault, ...]] = ()
