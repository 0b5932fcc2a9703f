from typing import Final

from tests.drills.faults.fault import Fault

STORE: Final[tuple[Fault, ...]] = ()
