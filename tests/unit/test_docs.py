import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from reingest.cli.app import every_command
from reingest.elexon.rejects import MEANINGS
from reingest.errors import ReingestError, every_error
from reingest.operations.doctor.finding import KINDS
from reingest.settings import Settings, environment_name
from reingest.store.runs import EXIT_CODES
from reingest.store.tables import Table

ROOT = Path(__file__).parents[2]
COMMANDS = dict(every_command())


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_generated_parts_are_fresh() -> None:
    """What scripts/generate_docs.py would write stands in the pages already."""
    script = ROOT / "scripts" / "generate_docs.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    """A command has its heading in docs/cli.md, a sentence of help, and a help text for each of its options."""
    command = COMMANDS[name]

    assert f"\n### {name}\n" in page("cli.md")
    assert command.help
    assert [one.name for one in command.params if not getattr(one, "help", None)] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_no_help_is_cut(name: str) -> None:
    """Whatever a command's help lists, it lists in whole sentences."""
    context = typer.Context(COMMANDS[name], info_name=name, terminal_width=80)
    assert not re.search(r"\.\.\.$", COMMANDS[name].get_help(context).partition("Options:")[2], re.MULTILINE)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    """A setting has a line in docs/settings.md with its environment variable and a meaning."""
    assert re.search(rf"^\| `{name}` \| `{environment_name(name)}` \|.*\| .+ \|$", page("settings.md"), re.MULTILINE)


@pytest.mark.parametrize("error", every_error()[1:], ids=lambda error: error.__name__)
def test_every_error_is_documented(error: type[ReingestError]) -> None:
    """An error below the root has a line in docs/errors.md with its exit code, what is safe and the next command."""
    assert f"| `{error.code}` | {error.exit_code} |" in page("errors.md")
    assert error.safe
    assert error.default_next.startswith(("reingest ", "make "))


@pytest.mark.parametrize("code", MEANINGS)
def test_every_reject_code_is_documented(code: str) -> None:
    """A reject code has a line in docs/errors.md."""
    assert f"| `{code}` |" in page("errors.md")


@pytest.mark.parametrize("kind", KINDS)
def test_every_finding_is_documented(kind: str) -> None:
    """What the doctor can find has a line in docs/doctor.md, and its command is one that there is."""
    assert f"| `{kind}` |" in page("doctor.md")
    words = KINDS[kind].command.format(date="D", scope="", version=1, key="K", id=kind).split()
    assert any(" ".join(words[:length]) in COMMANDS for length in (2, 3))


@pytest.mark.parametrize("exit_code", sorted({*EXIT_CODES.values(), *(error.exit_code for error in every_error())}))
def test_every_exit_code_is_documented(exit_code: int) -> None:
    """Each exit code that a run or an error can end with has a line in docs/cli.md."""
    assert f"\n| {exit_code} |" in page("cli.md")


@pytest.mark.parametrize("table", sorted(str(model.__tablename__) for model in Table.__subclasses__()))
def test_every_table_is_documented(table: str) -> None:
    """Each table has its name in docs/tables.md."""
    assert f"`{table}`" in page("tables.md")


def test_links_between_pages_lead_somewhere() -> None:
    """A link from one page to another names a file that is there."""
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
    links = [
        (path.name, link)
        for path in pages
        for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
        if "://" not in link and not (path.parent / link).exists()
    ]

    assert links == []
