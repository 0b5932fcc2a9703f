"""SQL as named blocks: each `.sql` file here holds blocks that begin with `-- name: <name>`.

The comment lines below a name say what the block is for; they travel with it, so that a slow query in the server's
log tells who it is.
"""

import re
from functools import cache
from importlib import resources
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def query(name: str) -> LiteralString:
    """Return the block of that name.

    Raises:
        KeyError: no file has such a block, which is a fault of the code.
    """
    return _blocks()[name]


def query_names() -> frozenset[str]:
    """Return the names of all blocks."""
    return frozenset(_blocks())


@cache
def _blocks() -> dict[str, LiteralString]:
    blocks: dict[str, LiteralString] = {}
    for file in sorted(resources.files(__name__).iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".sql"):
            continue
        pieces = _NAME.split(file.read_text(encoding="utf-8"))[1:]
        for name, text in zip(pieces[::2], pieces[1::2], strict=True):
            if name in blocks:
                raise KeyError(f"two SQL blocks are named {name}")
            # The text is the package's own, never a user's: a literal in all but syntax.
            blocks[name] = cast("LiteralString", text.strip())
    return blocks
