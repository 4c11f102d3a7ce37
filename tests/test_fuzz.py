"""The whole API against its own description: requests made from /openapi.json in; every answer as it says out."""

from __future__ import annotations

import shutil

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from botapi.settings import Settings
from botapi.web.openapi.document import path_of
from botapi.wsgi import application
from tests.channels.receiver import receiver
from tests.endpoints import CREDENTIALS, whole_table
from tests.programs import ROOT
from tests.smallbot import agent, archive
from tests.strict import strict

CASES = 2
TABLE = [(endpoint.method, path_of(endpoint)) for endpoint in whole_table()]
# PERF: each of these runs a process of its own; here they get their examples only, and more in scripts/fuzz.
HEAVY = {
    ("POST", path) for path in ("/model/train", "/model/test/stories", "/model/test/intents", "/evaluate", "/finetune")
}
# What is refused whatever is asked, needs another model or an archive, or knows nothing of what the example names.
REFUSED = {
    ("POST", "/auth"),
    ("POST", "/finetune"),
    ("POST", "/model"),
    ("GET", "/socket.io/"),
    ("POST", "/socket.io/"),
    *((method, path) for method, path in TABLE if path.startswith("/jobs/")),
}
QUICK = settings(
    max_examples=CASES,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def whole(app):
    """The application for werkzeug's client, which schemathesis uses.

    NOTE: it raises what start_response is told of an error, where servers only look, and leaves long answers unclosed.
    """

    def wrapped(environ, start_response):
        result = app(environ, lambda status, headers, exc_info=None: start_response(status, headers))
        try:
            return [b"".join(result)]
        finally:
            result.close()

    return wrapped


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The server with all channels, in a folder with a model."""
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "models").mkdir()
    shutil.copy(archive(), folder / "models")
    with receiver() as there, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        credentials = {**CREDENTIALS, "callback": {"url": there.url}}
        options = {"auth_token": "t", "jwt_secret": "s" * 32, "folder": str(folder)}
        made = application(agent(), Settings(enable_api=True, credentials=credentials, **options))
        yield made
        made.close()


@pytest.fixture(scope="module")
def api(server):
    """What schemathesis makes of the server's own description."""
    config = schemathesis.Config.from_path(ROOT / "conf" / "schemathesis.toml")
    return schemathesis.openapi.from_wsgi("/openapi.json?token=t", whole(strict(server)), config=config)


@pytest.fixture(autouse=True)
def with_model(server):
    """Whatever was deleted before."""
    if not server.api.agent.is_ready():
        server.api.agent.load_model(archive())


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
@pytest.mark.parametrize(("method", "path"), [one for one in TABLE if one not in HEAVY])
def test_every_answer_is_as_described(api, server, method, path, mode):
    operation = api[path][method]
    if mode is GenerationMode.NEGATIVE and not (operation.query or operation.body):
        return  # nothing that could be wrong

    @QUICK
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case):
        if not server.api.agent.is_ready():
            server.api.agent.load_model(archive())
        case.call_and_validate()

    check()


@pytest.mark.parametrize(("method", "path"), TABLE)
def test_every_example_does_what_it_promises(api, method, path):
    """Trainings and tests among them, with the tiny project of the description."""
    operation = api[path][method]
    examples = {one.name: one.definition["schema"].get("examples", [None])[0] for one in operation.query}
    given = {
        "path_parameters": {"conversation_id": "ann", "job_id": "x"},
        "headers": {"Authorization": "Bearer t"},
        "query": {name: example for name, example in examples.items() if example and method == "GET"},
    }
    for body in operation.body or [None]:
        sent = {"body": body.definition["example"], "media_type": body.media_type} if body is not None else {}
        answer = operation.Case(**given, **sent).call_and_validate()
        assert answer.status_code < 300 or (method, path) in REFUSED
