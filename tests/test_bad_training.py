"""Training data that means no good: YAML documents in; a model among others, or a 400 with the reason, out."""

from __future__ import annotations

import pytest

from botapi.wsgi import create_app
from tests.attackedbot import PROJECT, agent
from tests.attacks import check
from tests.strict import client

ALIASES = "a0: &a0 [x, x, x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 4)}]\n" for n in range(1, 30))
MERGES = ALIASES.replace("[", "{<<: [").replace("]", "]}").replace("x", "{x: 1}")

# What replaces a part of the good project, and with what; each must be refused.
REFUSED = {
    "regex that does not compile": ("- tea|coffee", "- (("),
    "regex of 5000 groups that does not close": ("- tea|coffee", "- " + "(" * 5000),
    "aliases that explode": ('version: "3.1"', ALIASES),
    "merge keys that explode": ('version: "3.1"', MERGES),
    "alias of itself": ('version: "3.1"', "a: &a [*a]"),
    "tag for code": ("language: en", "language: !!python/object/apply:os.system [id]"),
    "tag for a name": ("language: en", "language: !!python/name:os.system"),
    "tag of one's own": ("language: en", "language: !include /etc/passwd"),
    "nested 101 deep": ("language: en", "language: " + "[" * 101 + "]" * 101),
    "nested 101 deep in blocks": ("language: en", "a:\n" + "".join(" " * n + "-\n" for n in range(1, 102))),
    "NaN": ("threshold: 0.3", "threshold: .nan"),
    "infinity": ("threshold: 0.3", "threshold: .inf"),
    "float beyond all": ("threshold: 0.3", "threshold: 1.0e999"),
    "number of 5000 digits": ("threshold: 0.3", "threshold: " + "9" * 5000),
    "duplicate key": ("language: en", "language: en\nlanguage: de"),
    "two documents": ("language: en", "---\nlanguage: en"),
    "control character": ("hi there", "hi \x1b there"),
    "escaped NUL": ("language: en", 'language: "\\0"'),
    "escaped half surrogate": ("language: en", 'language: "\\ud800"'),
    "list as a key": ("language: en", "? [a, b]\n: c"),
    "class as a component": ("DIETClassifier", "os.system"),
    "class as a policy": ("- name: RulePolicy", "- name: subprocess.Popen"),
    "class as a slot's type": ("type: float", "type: os.PathLike"),
    "importers": ("language: en", "language: en\nimporters:\n- name: os.path\n"),
    "option that is no number": ("threshold: 0.3", "threshold: {a: b}"),
    "list as the language": ("language: en", "language: [en]"),
    "stories that multiply": (
        "stories:", "stories:\n  - story: many\n    steps:\n" + "    - or: [{intent: greet}, {intent: bye}]\n" * 40,
    ),
}  # fmt: skip

# What looks bad and is only a name or a number.
TAKEN = {
    "names that look like paths": ("greet", "../../x/greet"),
    "an assistant that looks like a path": ("assistant_id: attacked", "assistant_id: ../../../x"),
    "a regex that backtracks without end": ("- tea|coffee", "- (a+)+$"),
    "a lookup table that looks like a file": ("      - Paris", "      - /etc/passwd\n      - ../../x.txt"),
    "format strings": ("What?", "{item.__class__.__init__} %s {0} {{"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that keeps what it trains in a folder of its own."""
    made = create_app(agent())
    made.api.models = tmp_path_factory.mktemp("server") / "models"
    yield made
    made.close()


def models(server):
    """The names of what is in the folder for models."""
    folder = server.api.models
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def train(server, old, new):
    assert old in PROJECT
    body = PROJECT.replace(old, new).encode("utf-8", "surrogatepass")
    return check(client(server).request("/model/train", method="POST", body=body, expect_errors=True))


@pytest.mark.parametrize(("old", "new"), REFUSED.values(), ids=REFUSED)
def test_bad_training_data_is_refused(server, old, new):
    before = models(server)
    answer = train(server, old, new)
    assert answer.status_int == 400
    assert len(answer.body) < 2_000
    assert models(server) == before


@pytest.mark.parametrize(("old", "new"), TAKEN.values(), ids=TAKEN)
def test_what_only_looks_bad_is_trained_into_our_own_folder(server, old, new):
    answer = train(server, old, new)
    assert answer.headers["filename"] in models(server)
    assert {path.name for path in server.api.models.parent.iterdir()} <= {"models"}


def test_format_strings_show_nothing_but_slots(server):
    name = train(server, "What?", "{item.__class__.__init__} %s {0}").headers["filename"]
    talker = create_app(agent())
    talker.api.agent.load_model(server.api.models / name)
    answer = client(talker).post_json("/webhooks/rest/webhook", {"sender": "a", "message": "/order"})
    talker.close()
    assert answer.json[0]["text"] == "{item.__class__.__init__} %s {0}"
