import ast
from pathlib import Path

import pytest

import reingest.curtailment

SOURCES = sorted(Path(next(iter(reingest.curtailment.__path__))).glob("*.py"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_no_sign_is_taken_away_and_no_float_made(source: Path) -> None:
    """Nothing in the domain calls `abs`, `fabs` or `copy_abs`, or makes a float."""
    forbidden = {"abs", "fabs", "copy_abs", "float"}
    tree = ast.parse(source.read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    assert not forbidden & (names | attributes)
    assert not [value for value in constants if isinstance(value, float)]
