"""The documentation is true: examples run, tables name every flag, key and variable, links lead somewhere."""

from __future__ import annotations

import json
import re
import shlex
import time

import pytest

from botapi import yamlfile
from botapi.cli.main import COMMANDS, parser
from botapi.cli.train import WITHOUT_EFFECT
from botapi.settings import ENDPOINT_KEYS
from botapi.web.router import Route, Router
from tests.endpoints import CREDENTIALS, whole_table
from tests.programs import ROOT, finished, served

README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
# Pages whose curl commands run in order against the starter bot.
EXAMPLES = [README, ROOT / "docs" / "quickstart.md", ROOT / "docs" / "http-api.md"]
# Only a server that checks JWTs has /auth, to refuse to give any out; and the starter bot has no policy that learns on.
REFUSED = ("/auth", "/finetune")
BLOCK = re.compile(r"^```(sh|json)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def starter(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    assert finished("init", "--no-prompt", folder=folder).returncode == 0
    assert finished("train", "--fixed-model-name", "model", folder=folder).returncode == 0
    return folder


def curls(text):
    """(path, method, body, headers, promised answer or None) of each curl command, in order."""
    commands = []
    for kind, block in BLOCK.findall(text):
        if kind == "json":
            commands[-1][4] = json.loads(block)
            continue
        for line in block.splitlines():
            if line.startswith("curl "):
                commands.append([*curl(line), None])
    return commands


def curl(line):
    words = shlex.split(re.sub(r"-X(?=[A-Z])", "-X ", line))[1:]
    method = words.pop(words.index("-X") + 1) if "-X" in words else None
    (data,) = {"-d", "--data-binary"} & set(words) or {None}
    body = words.pop(words.index(data) + 1) if data else None
    headers = {}
    while "-H" in words:
        name, _, value = words.pop(words.index("-H") + 1).partition(": ")
        words.remove("-H")
        headers[name] = value
    (url,) = [word for word in words if word.startswith("http")]
    return url.removeprefix("http://localhost:5005"), method or ("POST" if body else "GET"), body, headers


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: page.name)
def test_curl_examples_get_the_answers_that_are_printed(page, starter, tmp_path):
    store, channels = tmp_path / "endpoints.yml", tmp_path / "credentials.yml"
    store.write_text("tracker_store: {type: in_memory}\n")
    channels.write_text(yamlfile.dump(CREDENTIALS))
    commands = curls(page.read_text())
    assert len(commands) >= 4
    assert page.name == "http-api.md" or any(promised is not None for *_, promised in commands)
    files = ("--endpoints", str(store), "--credentials", str(channels))
    with served("--enable-api", *files, folder=starter) as server:
        names = {}
        for path, method, body, headers, promised in commands:
            path = re.sub(r"\$[A-Z]+", lambda found: names[found[0]], path)
            status, answer = server.request(method, path, body and content(body, starter), headers)
            assert status in (200, 202, 204) or path in REFUSED, (path, answer)
            names.update(named_in(answer))
            while status == 202 and server.request("GET", f"/jobs/{answer['id']}")[1]["ended_at"] is None:
                time.sleep(0.05)
            if promised is not None:
                assert answer == promised


def content(body, folder):
    """What curl sends: the text itself, or the file behind an @."""
    return (folder / body[1:]).read_bytes() if body.startswith("@") else body.encode()


def named_in(answer):
    """What later commands mean by $JOB and $SID."""
    if isinstance(answer, dict) and "progress" in answer:
        yield "$JOB", answer["id"]
    if isinstance(answer, str) and answer.startswith("0{"):
        yield "$SID", json.loads(answer[1:])["sid"]


def test_every_endpoint_has_an_example():
    shown = [
        (method, path.partition("?")[0]) for path, method, *_ in curls((ROOT / "docs" / "http-api.md").read_text())
    ]
    table = Router(Route(endpoint.method, endpoint.path, endpoint) for endpoint in whole_table())
    called = {table.match(method, path)[0] for method, path in shown}
    assert {(route.method, route.app.path) for route in called} == {(one.method, one.path) for one in whole_table()}


def test_the_quickstarts_unit_test_passes(starter, monkeypatch):
    monkeypatch.chdir(starter)
    text = (ROOT / "docs" / "quickstart.md").read_text()
    (program,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    names = {}
    exec(program, names)
    names["app"].app.close()
    names["agent"].close()


def test_the_quickstarts_chat_is_what_the_bot_says(starter):
    text = (ROOT / "docs" / "quickstart.md").read_text()
    (said, heard) = re.search(r"Your input ->  (.*)\n    (.*)\n", text).groups()
    with served(folder=starter) as server:
        assert server.say(said) == [heard]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_flag_is_in_the_documentation(command):
    page = (ROOT / "docs" / "cli.md").read_text()
    actions = next(
        action.choices[command] for action in parser([command])._actions if hasattr(action.choices, "values")
    )._actions
    flags = {flag for action in actions for flag in action.option_strings} - {"-h", "--help"}
    accepted_silently = {"--connector", "--max-history"}
    assert {flag for flag in flags - accepted_silently if f"{flag}" not in page} == set()


def test_flags_without_effect_are_listed():
    page = (ROOT / "docs" / "cli.md").read_text()
    assert [flag for flag, *_ in WITHOUT_EFFECT if f"`{flag}`" not in page] == []


@pytest.mark.parametrize("key", ENDPOINT_KEYS)
def test_every_endpoint_key_is_in_the_documentation(key):
    assert f"`{key}`" in (ROOT / "docs" / "configuration.md").read_text()


def test_every_variable_of_make_app_is_in_the_documentation():
    known = set(re.findall(r"BOTAPI_[A-Z_]+", (ROOT / "botapi" / "settings.py").read_text()))
    told = set(re.findall(r"^\| `(BOTAPI_[A-Z_]+)`", (ROOT / "docs" / "deployment.md").read_text(), re.MULTILINE))
    assert told == {name for name in known if not name.endswith("_")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)(#[^)\s]*)?\)", page.read_text())
    local = [(target, anchor) for target, anchor in links if "://" not in target]
    for target, anchor in local:
        file = page.parent / target
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            assert anchor[1:] in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_names_every_page():
    index = (ROOT / "docs" / "index.md").read_text()
    assert [page.name for page in PAGES[1:] if page.name != "index.md" and f"({page.name})" not in index] == []


def test_the_unit_of_systemd_starts_what_there_is():
    unit = (ROOT / "conf" / "botapi.service").read_text().replace("\\\n", " ")
    program, *words = shlex.split(re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)[1])
    assert program.endswith("/botapi")
    arguments = parser(words).parse_args(words)
    stop_s = int(re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)[1])
    assert stop_s > arguments.drain_timeout + 30


def test_example_configuration_serves(starter):
    words = (
        "--endpoints",
        str(ROOT / "conf" / "endpoints.yml"),
        "--credentials",
        str(ROOT / "conf" / "credentials.yml"),
    )
    with served(*words, "--logging-config-file", str(ROOT / "conf" / "logging.yml"), folder=starter) as server:
        assert server.say("hello", sender="conf")
