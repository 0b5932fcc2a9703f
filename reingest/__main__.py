"""`python -m reingest`: the same as `reingest`."""

import sys

from reingest.cli import main

sys.exit(main())
