"""The documentation on embedding, run: its examples, a copy of the layers, a host with the same package name."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from middleware.wsgi import respond
from tests.strict import client

ROOT = Path(__file__).parent.parent.parent
LAYERS_EXAMPLE, OWN_LAYER, SHARED_NAME = re.findall(
    r"^```python\n(.*?)^```", (ROOT / "docs" / "embedding.md").read_text(), re.DOTALL | re.MULTILINE
)


def run(program, folder, *path):
    """What a program prints that runs in a process of its own, with these folders to import from."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-W", "error", "-c", program]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_layers_go_around_a_flask_application():
    names: dict = {}
    exec(LAYERS_EXAMPLE, names)
    app = client(names["site"].wsgi_app)
    origin = {"Origin": "https://shop.example.com"}
    refused = app.get("/hello", headers=origin, status=401)
    assert refused.headers["Access-Control-Allow-Origin"] == "https://shop.example.com"
    allowed = app.get("/hello?token=a+secret+of+yours", headers=origin)
    assert (allowed.json, bool(allowed.headers["X-Request-ID"])) == ({"hello": "you"}, True)


def test_a_layer_of_one_s_own_works_as_it_is_printed():
    names: dict = {}
    exec(OWN_LAYER, names)

    def app(environ, start_response):
        return respond(environ, start_response, 200, [("Content-Type", "text/plain")], b"x")

    assert client(names["Signed"](app, name="me")).get("/").headers["X-Made-By"] == "me"


def layer_options():
    """{"module.Class": [option, ...]} of every class in the package that takes an application first."""
    found = {}
    for path in sorted((ROOT / "middleware").glob("[a-z]*.py")):
        module = importlib.import_module(f"middleware.{path.stem}")
        for name, cls in inspect.getmembers(module, inspect.isclass):
            parameters = list(inspect.signature(cls).parameters) if cls.__module__ == module.__name__ else []
            if parameters[:1] == ["app"]:
                found[f"{path.stem}.{name}"] = parameters[1:]
    return found


def test_the_table_names_every_layer_and_option():
    text = (ROOT / "docs" / "embedding.md").read_text()
    table = re.findall(r"^\| `(\w+\.\w+)` \| (.*?) \|", text, re.MULTILINE)
    assert {name: re.findall(r"`(\w+)`", re.sub(r" \(.*?\)", "", cell)) for name, cell in table} == layer_options()


def test_a_copy_works_under_another_name(tmp_path):
    shutil.copytree(ROOT / "middleware", tmp_path / "shop" / "layers", ignore=shutil.ignore_patterns("__pycache__"))
    modules = sorted(path.stem for path in (ROOT / "middleware").glob("[a-z]*.py"))
    program = f"""
import sys, importlib
for name in {modules}:
    importlib.import_module("shop.layers." + name)
print("middleware" in sys.modules, importlib.import_module("shop.layers").stack.__module__)
"""
    assert run(program, tmp_path, tmp_path) == "False shop.layers.stack"


@pytest.fixture
def host(tmp_path):
    """A project that has a package `middleware` of its own."""
    package = tmp_path / "middleware"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "timing.py").write_text("HERE = 'the host'")
    return tmp_path


def test_a_package_of_the_same_name_hides_ours(host):
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run("import middleware.cors", host, host, ROOT)
    assert "ModuleNotFoundError" in caught.value.stderr


def test_a_package_of_the_same_name_can_take_ours_in(host):
    (host / "middleware" / "__init__.py").write_text(SHARED_NAME)
    program = """
from middleware import HTTPError, stack
from middleware.cors import CORS
from middleware.timing import HERE
print(HERE, callable(stack), CORS.__module__, HTTPError(404).reason)
"""
    assert run(program, host, host, ROOT) == "the host True middleware.cors NotFound"
