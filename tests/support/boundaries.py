"""What the source says of checkpoints and durable boundaries, read from its syntax trees."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import reingest
from reingest.operations.stages import STAGES
from reingest.store.sql import query, query_names

SOURCE: Final = Path(reingest.__file__).parent

_FILE_CALLS: Final = frozenset({"fsync", "rename", "replace", "write_text", "write_bytes", "copytree", "copy2"})
_DATABASE_CALLS: Final = frozenset({"transaction", "copy", "commit", "executemany"})
_OF_PATHS: Final = frozenset({"replace"})
"""Durable with one argument; with two it is of a text, with none of an instant."""
_WRITES: Final = re.compile(
    r"\binsert\s+into\b|\bupdate\s+[\w\"]+(\s+\w+)?\s+set\b|\bdelete\s+from\b|^\s*copy\b|\btruncate\b|\bcreate\s+database\b"
    r"|\bdrop\s+database\b|\bremove_\w+\(",
    re.IGNORECASE | re.MULTILINE,
)

_OTHER_COPIES: Final = frozenset(
    {"copy_bm_units", "copy_register_entries", "copy_differences", "copy_reconciliation_dates"}
)
"""COPY statements that are not of a version, and have checkpoints of their own."""


@dataclass
class Function:
    """A function of the source, with what it does that matters here."""

    module: str
    name: str
    line: int
    checkpoints: list[ast.expr] = field(default_factory=list)
    boundaries: list[str] = field(default_factory=list)
    calls: set[str] = field(default_factory=set)


def checkpoint_names() -> list[str]:
    """Return the name of every checkpoint that the source passes, a stage's and a COPY's own names among them.

    Raises:
        ValueError: a call's name cannot be told from the source.
    """
    return [name for function in _functions() for call in function.checkpoints for name in _names(call)]


def unguarded_boundaries(unless: frozenset[tuple[str, str]]) -> list[str]:
    """Return every function with a durable boundary that passes no checkpoint, nor is called by ones that do only.

    Args:
        unless: modules and functions that need none.
    """
    functions = list(_functions())
    callers: dict[str, list[Function]] = defaultdict(list)
    for function in functions:
        for name in function.calls:
            callers[name].append(function)
    return [
        f"{function.module}:{function.line} {function.name}: {', '.join(function.boundaries)}"
        for function in functions
        if function.boundaries and (function.module, function.name) not in unless
        if not _is_guarded(function, callers)
    ]


def functions_with_boundaries() -> set[tuple[str, str]]:
    """Return module and name of every function that makes something durable."""
    return {(function.module, function.name) for function in _functions() if function.boundaries}


def _is_guarded(function: Function, callers: Mapping[str, list[Function]], seen: frozenset[str] = frozenset()) -> bool:
    """Tell whether a checkpoint is near; callers go by their bare names, so one more can only make it stricter."""
    if function.checkpoints:
        return True
    seen |= {function.name}
    found = [caller for caller in callers.get(function.name, ()) if caller.name not in seen]
    return bool(found) and all(_is_guarded(caller, callers, seen) for caller in found)


def _functions() -> Iterator[Function]:
    for path in sorted(SOURCE.rglob("*.py")):
        module = path.relative_to(SOURCE).as_posix()
        if not module.startswith("standin/"):
            yield from _functions_of(module, ast.parse(path.read_text(encoding="utf-8")))


def _functions_of(module: str, tree: ast.Module) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = Function(module, node.name, node.lineno)
            for call in (inner for inner in ast.walk(node) if isinstance(inner, ast.Call)):
                _take_in(function, call)
            yield function


def _take_in(function: Function, call: ast.Call) -> None:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    function.calls.add(name)
    if name == "checkpoint":
        function.checkpoints.append(call.args[0])
    elif isinstance(call.func, ast.Attribute) and name in _FILE_CALLS | _DATABASE_CALLS:
        if name not in _OF_PATHS or len(call.args) == 1:
            function.boundaries.append(name)
    elif name in {"execute", "query"} and call.args and _WRITES.search(_sql(name, call.args[0])):
        function.boundaries.append(ast.unparse(call.args[0])[:60])


def _sql(call: str, argument: ast.expr) -> str:
    """Return the SQL that a call names or says; empty where only the running program knows."""
    if isinstance(argument, ast.JoinedStr):
        return "".join(str(part.value) for part in argument.values if isinstance(part, ast.Constant))
    if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
        return ""
    text = str(query(argument.value)) if call == "query" else argument.value
    return re.sub(r"--.*", "", text)


def _names(argument: ast.expr) -> list[str]:
    text = ast.unparse(argument)
    if isinstance(argument, ast.Constant):
        return [str(argument.value)]
    if text == "f'after_{stage.name}'":
        return [f"after_{stage.name}" for stage in STAGES]
    if text == "f'after_{name}'":
        return [
            f"after_{name}" for name in sorted(query_names()) if name.startswith("copy_") and name not in _OTHER_COPIES
        ]
    raise ValueError(f"a checkpoint has a name that is not known: {text}")
