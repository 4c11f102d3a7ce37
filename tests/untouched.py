"""Attacks that name files, modules and addresses outside of the project: a folder in, requests to a server in it done.

Run as `python -m tests.untouched FOLDER` in a process that is watched; each answer is checked like any other.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from botapi.model import open_model, pack
from botapi.settings import Settings
from botapi.stores.sqlite import SqliteStore
from botapi.wsgi import application
from tests.attackedbot import PROJECT, agent, archive
from tests.attacks import check
from tests.strict import client

CONTROL = "the control begins"
# What a class of one's own, a file or a folder could be named for.
CONFIGURED = (
    "pipeline: [{{name: {module}.Component}}]",
    "pipeline: [{{name: WhitespaceTokenizer}}, {{name: KeywordIntentClassifier, file: '{file}', dir: '{folder}'}}]",
    "pipeline: [{{name: JiebaTokenizer, dictionary_path: '{folder}'}}]",
    "pipeline: [{{name: SpacyNLP, model: '{module}'}}, {{name: SpacyTokenizer}}]",
    "pipeline: [{{name: SpacyNLP, model: '{folder}'}}, {{name: SpacyEntityExtractor}}]",
    "pipeline: [{{name: DucklingEntityExtractor, url: 'http://{module}.invalid'}}]",
    "pipeline: [{{name: MitieNLP, model: '{file}'}}]",
    "pipeline: [{{name: LanguageModelFeaturizer, model_name: '{folder}', cache_dir: '{folder}'}}]",
    "policies: [{{name: {module}.Policy}}]",
    "policies: [{{name: TEDPolicy, featurizer: [{{name: {module}.Featurizer}}]}}]",
    "recipe: {module}",
    "importers: [{{name: {module}.Importer, path: '{file}'}}]",
    "slots: {{a: {{type: {module}.Slot}}}}",
    "nlu: [{{lookup: a, examples: '- {file}'}}, {{lookup: b, elements: '{file}'}}, {{regex: c, examples: '- {file}'}}]",
    "nlu: !include {file}",
    "nlu: !!python/object/apply:{module}.run ['{file}']",
    "nlu: !!python/name:{module}.run",
    "data: '{folder}'\nimport: ['{file}']\ninclude: '{file}'",
    "tracker_store: {{type: {module}.Store}}\nmiddleware: [{{class: {module}.Layer}}]",
    "assistant_id: '{file}'\nlanguage: '{file}'\nname: '{file}'\nfixed_model_name: '{file}'",
    "intents: ['{file}', '{module}.X']\nactions: ['{module}.Action', '../../{file}']",
    "responses: {{'utter_{file}': [{{text: '{{a.__class__}} {file}', image: 'file://{file}', custom: '{file}'}}]}}",
)


def main(outside: Path) -> None:
    """Make every attack with the names of things in `outside`, then, for comparison, touch each of those things."""
    names = {"file": str(outside / "bait.tar.gz"), "folder": str(outside / "bait"), "module": "bait_module"}
    store = SqliteStore("conversations.db")
    served = agent(tracker_store=store)
    server = application(served, Settings(enable_api=True, folder="."))
    app = client(server)
    for text in names.values():
        converse(app, text)
        swap(app, text)
    train(app, names)
    for path in archives(Path("models"), names):
        swap(app, str(path))
        converse(app, "bait_module")
    server.close()
    served.close()
    touch(outside)


def converse(app, text: str) -> None:
    """Everything that a conversation can be told."""
    path = "/conversations/a"
    parse_data = {"intent": {"name": text}, "entities": [{"entity": text, "value": text}]}
    events = [
        {"event": "export", "path": text},
        {"event": "slot", "name": "item", "value": text},
        {"event": "user", "text": text, "parse_data": parse_data, "input_channel": text, "message_id": text},
        {"event": "bot", "text": text, "data": {"attachment": text, "image": text, "custom": {"path": text}}},
        {"event": "action", "name": text, "policy": text},
        {"event": "followup", "name": f"{text}.Action"},
        {"event": "active_loop", "name": text},
        {"event": "reminder", "intent": text, "date_time": "2130-01-01T00:00:00"},
        {"event": "agent", "text": text, "data": {"path": text}, "metadata": {"model_id": text}},
    ]
    for event in events:
        post(app, f"{path}/tracker/events?execute_side_effects=true&output_channel={text}.Output", event)
        post(app, "/webhooks/rest/webhook", {"sender": text, "message": text, "input_channel": text})
    ask(app, "PUT", f"{path}/tracker/events", json.dumps(events))
    for query in ("", f"?output_channel=latest&include_events={text}", f"?output_channel={text}"):
        post(app, f"{path}/execute{query}", {"name": f"{text}.Action", "policy": text})
        post(app, f"{path}/trigger_intent{query}", {"name": text, "entities": {text: text}})
        post(app, f"{path}/messages{query}", {"sender": "user", "text": text, "parse_data": parse_data})
        post(app, f"{path}/predict{query}", {})
    post(app, "/model/predict", events)
    post(app, f"/model/parse?emulation_mode={text}", {"text": text})
    ask(app, "GET", f"/conversations/{text}/tracker")
    ask(app, "GET", f"{path}/story")
    ask(app, "GET", "/domain", headers={"Accept": text})


def swap(app, text: str) -> None:
    """Everything that could name a model."""
    for path in (text, f"file://{text}", f"../../../../../../../..{text}", f"models/../..{text}", f"{text}\0"):
        for name in ("model_file", "model_server", "remote_storage"):
            ask(app, "PUT", "/model", json.dumps({name: path}))
            ask(app, "PUT", "/model", json.dumps({name: {"url": path}}))
    post(app, f"/model/test/intents?model={text}", {"rasa_nlu_data": {}})
    post(app, f"/model/train?callback_url=file://{text}", {"nlu": text})
    post(app, f"/model/test/stories?callback_url={text}", {"stories": text})


def train(app, names: dict[str, str]) -> None:
    """Everything that training data could name; some of it is trained on, most refused."""
    for template in CONFIGURED:
        added = template.format(**names)
        ask(app, "POST", "/model/train", f"{without(PROJECT, added.partition(':')[0])}\n{added}")


def without(project: str, part: str) -> str:
    """The project without one of its parts."""
    return re.sub(rf"(?m)^{part}:.*\n([ -].*\n)*", "", project)


def archives(folder: Path, names: dict[str, str]):
    """Archives of ours whose configuration names what it should not."""
    good = open_model(archive())
    for template in CONFIGURED[:10]:
        config = good.json("config.json")
        entry = {"name": f"{names['module']}.Component", "file": names["file"], "class": f"{names['module']}.X"}
        part = "policies" if template.startswith("policies") else "pipeline"
        config[part] = [entry, *(config[part] or [])] if "." in template else [{**one, **entry} for one in config[part]]
        path = folder / f"hostile-{len(list(folder.iterdir()))}.tar.gz"
        pack(path, {**good.members, "config.json": json.dumps(config).encode()}, {"kind": "full"})
        yield path


def touch(outside: Path) -> None:
    """What the watcher must see, so that seeing nothing means something."""
    Path(CONTROL).write_text("")
    (outside / "bait.tar.gz").read_bytes()
    list((outside / "bait").iterdir())
    (outside / "written").write_text("")
    __import__("bait_module")


def post(app, path: str, value) -> None:
    ask(app, "POST", path, json.dumps(value))


def ask(app, method: str, path: str, body: str = "", **options) -> None:
    check(app.request(path, method=method, body=body.encode(), expect_errors=True, **options))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
