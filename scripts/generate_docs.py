"""Write the generated parts of docs/*.md anew; with --check, only tell whether they are up to date.

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`; the rest of a page is written by hand.
"""

import ast
import re
import sys
from collections.abc import Callable
from inspect import cleandoc
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, Final

import typer
from pydantic_core import PydanticUndefined

from reingest import settings as settings_module
from reingest.cli.app import every_command
from reingest.curtailment import content, digests, seals
from reingest.elexon.rejects import ROW_MEANINGS, STRUCTURAL_MEANINGS
from reingest.errors import every_error
from reingest.operations.doctor.finding import KINDS
from reingest.operations.metrics import SERIES
from reingest.operations.plans import document as plan
from reingest.operations.proofs import document as proof
from reingest.operations.proofs.verifying import MEANINGS
from reingest.operations.reconciliation import due, verdicts
from reingest.settings import Settings, environment_name

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / "docs"
BLOCK: Final = re.compile(r"<!-- generated: (\w+) -->\n.*?<!-- end -->", re.DOTALL)
WIDTH: Final = 100


def commands_block() -> str:
    """Return each command's help, as the terminal prints it."""
    parts = []
    for name, command in every_command():
        context = typer.Context(command, info_name=name, terminal_width=WIDTH)
        parts.append(f"### {name}\n\n```text\n{command.get_help(context).strip()}\n```")
    return "\n\n".join(parts)


def settings_block() -> str:
    """Return the settings: variable, default, bounds, meaning."""
    meanings = dict(re.findall(r"^\| `(\w+)` \| `\w+` \| (.+) \|$", str(settings_module.__doc__), re.MULTILINE))
    lines = ["| setting | environment | default | bounds | meaning |", "|---|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        bounds = " and ".join(filter(None, map(_bound, field.metadata)))
        lines.append(f"| `{name}` | `{environment_name(name)}` | {_default(field)} | {bounds} | {meanings[name]} |")
    return "\n".join(lines)


def errors_block() -> str:
    """Return the errors: code, exit code, sentence, what is safe, next command."""
    lines = ["| code | exit | what happened | what is safe | next |", "|---|---|---|---|---|"]
    for error in every_error()[1:]:  # the root is never raised itself
        sentence = str(error.__doc__).splitlines()[0]
        following = error.default_next.replace("{date}", "D")
        lines.append(f"| `{error.code}` | {error.exit_code} | {sentence} | {error.safe} | `{following}` |")
    return "\n".join(lines)


def payload_rejects_block() -> str:
    """Return the codes that reject a whole answer."""
    return _codes(STRUCTURAL_MEANINGS)


def row_rejects_block() -> str:
    """Return the codes that reject one row."""
    return _codes(ROW_MEANINGS)


def metrics_block() -> str:
    """Return the series of metrics: name, type, labels with the values that are always there, meaning."""
    lines = ["| series | type | labels | meaning |", "|---|---|---|---|"]
    for series in SERIES:
        labels = "; ".join(f"`{name}`{': ' + ', '.join(values) if values else ''}" for name, values in series.labels)
        lines.append(f"| `{series.name}` | {series.kind} | {labels} | {series.meaning} |")
    return "\n".join(lines)


def findings_block() -> str:
    """Return the doctor's findings: id, severity, what is wrong, how it is mended."""
    rows = [
        f"| `{kind.id}` | {kind.severity} | {kind.meaning} | {kind.mending} | {kind.mended_by} |"
        for kind in KINDS.values()
    ]
    return "\n".join(["| id | severity | what is wrong | mending | what is done |", "|---|---|---|---|---|", *rows])


def _told_by(module: ModuleType) -> Callable[[], str]:
    """Return what renders a format as its own module tells it."""
    return lambda: cleandoc(str(module.__doc__)).partition("\n\n")[2]


def _table_in(module: ModuleType) -> Callable[[], str]:
    """Return what renders the table that stands in a module's own words."""
    lines = cleandoc(str(module.__doc__)).splitlines()
    return lambda: "\n".join(line for line in lines if line.startswith("|"))


def proof_parts_block() -> str:
    """Return the parts of a proof's check, with what each means."""
    rows = [f"| `{name}` | {meaning} |" for name, meaning in MEANINGS.items()]
    return "\n".join(["| part | what it shows |", "|---|---|", *rows])


def _faults(group: str) -> Callable[[], str]:
    """Return what renders a group of the catalogue of faults, which lies with the drills that try them."""

    def block() -> str:
        sys.path.insert(0, str(ROOT))
        from tests.drills.faults.catalogue import fault_table  # noqa: PLC0415  (only for one page)

        return fault_table(group)  # type: ignore[arg-type]

    return block


def drills_block() -> str:
    """Return what each drill proves, in its own words."""
    lines = ["| drill | what it proves |", "|---|---|"]
    for path in sorted((ROOT / "tests" / "drills").rglob("test_*.py")):
        name = str(path.relative_to(ROOT / "tests" / "drills")).removesuffix(".py")
        tests = (one for one in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(one, ast.FunctionDef))
        lines += [f"| `{name}` | {ast.get_docstring(one)} |" for one in tests if one.name.startswith("test_")]
    return "\n".join(lines)


def _codes(meanings: dict[str, str]) -> str:
    rows = [f"| `{code}` | {meaning} |" for code, meaning in meanings.items()]
    return "\n".join(["| code | what is wrong |", "|---|---|", *rows])


def _default(field: Any) -> str:  # noqa: ANN401  (pydantic's FieldInfo)
    if field.default is PydanticUndefined:
        return "`~/.local/share/reingest`"
    return "none" if field.default is None else f"`{field.default}`"


def _bound(rule: object) -> str:
    words = {"ge": "at least", "gt": "more than", "le": "at most"}
    return next((f"{word} {getattr(rule, name)}" for name, word in words.items() if hasattr(rule, name)), "")


BLOCKS: Final = MappingProxyType[str, Callable[[], str]](
    {
        "commands": commands_block,
        "settings": settings_block,
        "errors": errors_block,
        "payload_rejects": payload_rejects_block,
        "row_rejects": row_rejects_block,
        "dump": _told_by(content),
        "digests": _told_by(digests),
        "seals": _told_by(seals),
        "plan": _told_by(plan),
        "proof": _told_by(proof),
        "proof_parts": proof_parts_block,
        "due": _table_in(due),
        "verdicts": _table_in(verdicts),
        **{f"faults_{group}": _faults(group) for group in ("http", "data", "store", "process")},
        "drills": drills_block,
        "metrics": metrics_block,
        "findings": findings_block,
    }
)


def refreshed(page: str) -> str:
    """Return the page with its generated parts written anew."""
    return BLOCK.sub(lambda found: f"<!-- generated: {found[1]} -->\n{BLOCKS[found[1]]()}\n<!-- end -->", page)


def main(*, check: bool) -> int:
    """Write or check every page; return 1 where --check finds a stale one."""
    stale = []
    for path in sorted(DOCS.rglob("*.md")):
        page = path.read_text(encoding="utf-8")
        fresh = refreshed(page)
        if fresh != page:
            stale.append(path.name)
            if not check:
                path.write_text(fresh, encoding="utf-8")
    if stale:
        print(f"{'stale' if check else 'written'}: {', '.join(stale)}")
    return 1 if stale and check else 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
