"""The shape of the code itself: imports, sizes and first lines, read from the sources."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OWN = ("botapi", "middleware")
MAX_FILE_LINES = 450
MAX_FUNCTION_LINES = 80
SOURCES = sorted(path for package in OWN for path in (ROOT / package).rglob("*.py") if "__pycache__" not in path.parts)
TESTS = sorted(path for path in (ROOT / "tests").rglob("*.py") if path.name != "__init__.py")
# Files of the starter bot are a user's: they are run by an action server, not imported here.
STARTER = ROOT / "botapi" / "cli" / "starter"


def every(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in paths])


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def test_rooms_import_only_what_lies_below_them():
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@every(SOURCES)
def test_the_first_line_says_what_lives_in_a_file(path):
    lines = path.read_text().splitlines()
    assert lines and lines[0].startswith('"""') and len(lines[0]) > 20


@every(TESTS)
def test_the_first_line_says_what_a_test_file_is_about(path):
    assert path.read_text().startswith('"""')


@every(SOURCES)
def test_files_and_functions_stay_short(path):
    text = path.read_text()
    assert text.count("\n") <= MAX_FILE_LINES
    long = {f.name: f.end_lineno - f.lineno + 1 for f in functions(ast.parse(text))}
    assert {name: lines for name, lines in long.items() if lines > MAX_FUNCTION_LINES} == {}


@every(SOURCES)
def test_own_modules_are_imported_at_the_top_only(path):
    hidden = [
        node.lineno
        for function in functions(ast.parse(path.read_text()))
        for node in ast.walk(function)
        if (isinstance(node, ast.ImportFrom) and (node.level or str(node.module).split(".")[0] in OWN))
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] in OWN for alias in node.names))
    ]
    assert hidden == []


@every(SOURCES)
def test_what_catches_everything_says_why(path):
    text = path.read_text()
    lines = text.splitlines()
    unexplained = [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ExceptHandler) and broad(node.type)
        if not any("#" in line for line in lines[node.lineno - 2 : node.lineno + 1])
    ]
    assert unexplained == []


def broad(kind: ast.expr | None) -> bool:
    return kind is None or (isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException"))


@every([path for path in SOURCES if STARTER not in path.parents])
def test_nothing_is_left_for_later(path):
    assert re.findall(r"\b(?:TODO|FIXME|XXX)\b|raise NotImplementedError", path.read_text()) == []


@pytest.mark.parametrize("room", sorted(p.name for p in (ROOT / "botapi").iterdir() if any(p.glob("[a-z]*.py"))))
def test_tests_mirror_the_rooms(room):
    assert list((ROOT / "tests" / room).rglob("test_*.py"))


def test_importing_does_no_work():
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in SOURCES
        if STARTER not in path.parents and path.name != "__main__.py"
    ]
    program = (
        "import builtins, importlib, os, socket, sys, threading\n"
        "def refuse(*a, **k): raise AssertionError('work at import')\n"
        "socket.socket.connect = socket.socket.bind = threading.Thread.start = refuse\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "assert threading.active_count() == 1\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
