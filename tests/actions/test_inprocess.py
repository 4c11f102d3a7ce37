"""Actions in this process: modules written to a folder, run with rasa-sdk's tracker and dispatcher and with ours."""

from __future__ import annotations

import itertools
import logging
import sys
import threading

import pytest

from botapi.actions.action import ActionFailed, ActionRejected
from botapi.actions.inprocess import ActionModule
from botapi.agent.loader import services_of
from botapi.errors import ConfigError
from botapi.settings import Settings
from tests.actions.talk import Talk, short

DOMAIN = {
    "intents": ["greet"],
    "slots": {"note": {"type": "any", "mappings": [{"type": "custom"}], "initial_value": ["first"]}},
    "responses": {"utter_named": [{"text": "Dear {who}, {note}"}]},
    "actions": ["action_say", "action_wait", "action_look", "action_change", "action_refuse", "action_fail"],
    "forms": {},
}
MODULE = """
import asyncio

class Base:
    def name(self):
        raise NotImplementedError

    def run(self, dispatcher, tracker, domain):
        raise NotImplementedError

class Say(Base):
    def name(self):
        return "action_say"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="Hi", buttons=[{"title": "A", "payload": "/a"}], mood="sunny")
        dispatcher.utter_message(response="utter_named", who="Ann")
        return [{"event": "slot", "name": "note", "value": "said"}]

class Wait(Base):
    def name(self):
        return "action_wait"

    async def run(self, dispatcher, tracker, domain):
        await asyncio.sleep(0)
        dispatcher.utter_message("Waited")

class Look(Base):
    def name(self):
        return "action_look"

    def run(self, dispatcher, tracker, domain):
        seen = [tracker.sender_id, tracker.get_slot("note"), tracker.latest_message["text"], len(domain["intents"])]
        return [{"event": "slot", "name": "note", "value": seen}]

class Change(Base):
    def name(self):
        return "action_change"

    def run(self, dispatcher, tracker, domain):
        tracker.slots["note"].append("changed")
        tracker.events.clear()
        domain.clear()
        return []

class ActionExecutionRejection(Exception):
    pass

class Refuse(Base):
    def name(self):
        return "action_refuse"

    def run(self, dispatcher, tracker, domain):
        raise ActionExecutionRejection("not today")

class Fail(Base):
    def name(self):
        return "action_fail"

    def run(self, dispatcher, tracker, domain):
        return FAILURES[tracker.latest_message["text"]]()

def gone():
    raise RuntimeError("the database\\nis gone")

FAILURES = {
    "raise": gone,
    "text": lambda: "events",
    "number": lambda: 7,
    "unknown": lambda: [{"event": "explosion"}],
    "object": lambda: [object()],
    "null": lambda: [None],
}
"""
_numbers = itertools.count()


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a module's text under a name of its own, which it gives; the folder is on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def module(text: str, name: str | None = None) -> str:
        name = name or f"written_actions_{next(_numbers)}"
        path = tmp_path.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return name

    return module


@pytest.fixture(params=["with rasa-sdk", "without"])
def talk(request, write, monkeypatch):
    """A conversation with the module's actions, in which the user has said hi."""
    if request.param == "without":
        monkeypatch.setitem(sys.modules, "rasa_sdk.executor", None)
    talk = Talk(DOMAIN, server=ActionModule(write(MODULE)))
    talk.hears("greet", "hi")
    return talk


def test_events_and_messages_come_back(talk):
    first, second, slot = talk.runs("action_say")
    assert (first.text, first.data["buttons"], first.metadata) == (
        "Hi",
        [{"title": "A", "payload": "/a"}],
        {"mood": "sunny"},
    )
    assert short([second, slot]) == ["Dear Ann, ['first']", ("note", "said")]


def test_an_asynchronous_action_is_awaited_and_may_return_nothing(talk):
    assert short(talk.runs("action_wait")) == ["Waited"]


def test_the_tracker_and_the_domain_can_be_read(talk):
    assert short(talk.runs("action_look")) == [("note", ["anna", ["first"], "hi", 1])]


def test_what_an_action_changes_in_place_changes_nothing(talk):
    before = talk.tracker.current_state()
    assert talk.runs("action_change") == []
    assert talk.tracker.current_state() == before and talk.tracker.events
    assert short(talk.runs("action_look")) == [("note", ["anna", ["first"], "hi", 1])]


def test_a_rejection_makes_room_for_another_action(talk):
    with pytest.raises(ActionRejected, match="not today"):
        talk.runs("action_refuse")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("raise", r"RuntimeError: the database is gone \(.*written_actions_\d+\.py, line \d+\)"),
        ("text", "it returned 'events'; expected a list of events"),
        ("number", "it returned 7; expected a list of events"),
        ("unknown", "its event 0 is wrong: .*explosion"),
        ("object", "TypeError: Object of type object is not JSON serializable"),
        ("null", "its 'events' are no list of objects"),
    ],
)
def test_a_failure_is_one_line_that_names_the_action_the_module_and_the_cause(talk, text, cause, caplog):
    talk.hears("greet", text)
    with pytest.raises(
        ActionFailed, match=rf"^The action 'action_fail' failed in the module 'written_actions_\d+': {cause}"
    ):
        talk.runs("action_fail")


def test_an_action_that_the_module_lacks_fails(write):
    talk = Talk(DOMAIN, server=ActionModule(write(MODULE)))
    with pytest.raises(ActionFailed, match="has no action 'action_nowhere', only action_say, action_wait"):
        talk.actions.find("action_say")._server.run("action_nowhere", talk.tracker, talk.domain)


def test_conversations_do_not_wait_for_each_other(write):
    name = write(
        "import threading\n"
        "class Meet:\n"
        "    barrier = threading.Barrier(2)\n"
        "    def name(self): return 'action_say'\n"
        "    async def run(self, dispatcher, tracker, domain):\n"
        "        self.barrier.wait(10)\n"
    )
    server = ActionModule(name)
    talks = [Talk(DOMAIN, server=server) for _ in range(2)]
    answers = []
    threads = [threading.Thread(target=lambda talk=talk: answers.append(talk.runs("action_say"))) for talk in talks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [[], []]


def test_actions_of_all_modules_of_a_package_are_found(write):
    text = "class A:\n    def name(self): return 'action_{0}'\n    def run(self, d, t, o): return None\n"
    for name in ("say", "look"):
        write(text.format(name), f"packed_actions.deep.{name}")
    write("", "packed_actions.deep.__init__")
    write("from packed_actions.deep.say import A\n", "packed_actions.__init__")
    server = ActionModule("packed_actions")
    talk = Talk(DOMAIN, server=server)
    assert talk.runs("action_say") == talk.runs("action_look") == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = 1\n", "has no actions; expected classes"),
        ("import nowhere_at_all\n", "can't be imported: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("1 / 0\n", "can't be imported: ZeroDivisionError"),
        ("class A:\n    run = name = lambda *a: 'a'\nclass B(A):\n    pass\n", "has two actions named 'a'"),
        ("class A:\n    run = id\n    def name(self): return 1 / 0\n", "A of '.*' fails: ZeroDivisionError"),
    ],
)
def test_a_module_that_can_not_be_used_is_refused(write, text, problem):
    with pytest.raises(ConfigError, match=problem):
        ActionModule(write(text))


@pytest.mark.parametrize("key", ["actions_module", "actions"])
def test_endpoints_yml_names_a_module_of_the_bots_folder(tmp_path, monkeypatch, key):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / f"named_by_{key}.py").write_text(MODULE)
    settings = Settings(endpoints={"action_endpoint": {key: f"named_by_{key}"}}, folder=str(tmp_path))
    server = services_of(settings).action_server
    assert short(Talk(DOMAIN, server=server).runs("action_wait")) == ["Waited"]


@pytest.mark.parametrize("section", [{"actions_module": "a", "url": "http://localhost"}, {"actions": ["a"]}])
def test_a_section_that_is_unclear_is_refused(section):
    with pytest.raises(ConfigError, match="expected either the 'url' of an action server, or the dotted name"):
        services_of(Settings(endpoints={"action_endpoint": section}))


def test_form_validation_of_rasa_sdk_works(write):
    name = write(
        "from rasa_sdk import FormValidationAction\n"
        "class V(FormValidationAction):\n"
        "    def name(self): return 'validate_a_form'\n"
        "    async def required_slots(self, slots, dispatcher, tracker, domain): return [*slots, 'card']\n"
        "    def extract_card(self, dispatcher, tracker, domain): return {}\n"
        "    def validate_size(self, value, dispatcher, tracker, domain):\n"
        "        dispatcher.utter_message(text='So ' + value)\n"
        "        return {'size': value.upper()}\n"
    )
    domain = {
        "intents": ["greet", "inform"],
        "slots": {
            "size": {"type": "text", "mappings": [{"type": "from_text"}]},
            "card": {"type": "text", "mappings": [{"type": "custom"}]},
        },
        "forms": {"a_form": {"required_slots": ["size"]}},
        "actions": ["validate_a_form"],
    }
    talk = Talk(domain, server=ActionModule(name))
    assert talk.turns("a_form", "greet", "small") == [
        ("loop", "a_form"),
        "So small",
        ("size", "SMALL"),
        ("requested_slot", "card"),
    ]


def test_a_rejection_is_logged_as_no_error(write, caplog):
    talk = Talk(DOMAIN, server=ActionModule(write(MODULE)))
    with caplog.at_level(logging.INFO), pytest.raises(ActionRejected):
        talk.runs("action_refuse")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "The action 'action_refuse' rejected to run: not today")
    ]
