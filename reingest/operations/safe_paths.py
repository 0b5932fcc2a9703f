"""Path safety: acts that take things away, or write beside them, stay inside a home that is a home of Reingest."""

from pathlib import Path

import reingest
from reingest.errors import BadUsage


def safe_root(root: Path) -> Path:
    """Return the folder with its symlinks resolved, once it is one that an act of undoing may work in.

    Raises:
        BadUsage: it is the root of the file system, contains a person's home or Reingest's own code, or is the root of
            a repository.
    """
    resolved = root.resolve()
    code = Path(reingest.__file__).resolve().parent
    for what, precious in (("your home", Path.home().resolve()), ("Reingest's own code", code)):
        if precious.is_relative_to(resolved):
            raise BadUsage(f"{root} (that is {resolved}) contains {what}, {precious}: nothing is taken away there")
    if (resolved / ".git").exists():
        raise BadUsage(f"{root} (that is {resolved}) is the root of a repository: nothing is taken away there")
    return resolved


def ensure_under(path: Path, root: Path) -> Path:
    """Return the path with its symlinks resolved, once it is inside of the root and not the root itself.

    Raises:
        BadUsage: it is elsewhere; the message names the path, where it leads, and the root.
    """
    base, resolved = safe_root(root), path.resolve()
    if resolved == base or not resolved.is_relative_to(base):
        raise BadUsage(f"{path} leads to {resolved}, which is not inside of {base}")
    return resolved
