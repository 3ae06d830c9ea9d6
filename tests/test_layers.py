"""Imports run downwards only: experiments -> probe, vlm -> training, backbones (DESIGN.md)."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = {
    "backbones": set(),
    "training": set(),
    "probe": {"backbones", "training"},
    "vlm": {"backbones", "training"},
    "experiments": {"backbones", "training", "probe", "vlm"},
    "benchmarks": {"backbones", "training", "probe", "vlm"},
}


def imported_packages(path: Path) -> set[str]:
    """The first parts of all module names that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("package", FLOORS)
def test_a_package_imports_only_from_the_floors_below_it(package):
    for path in (ROOT / package).rglob("*.py"):
        ours = imported_packages(path) & FLOORS.keys() - {package}
        assert ours <= FLOORS[package], f"{path} imports {ours - FLOORS[package]}"


def test_every_file_says_what_it_is_and_stays_readable():
    for package in FLOORS:
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert ast.get_docstring(ast.parse(text)), f"{path} has no docstring"
            assert len(text.splitlines()) <= 300, f"{path} is longer than 300 lines"
