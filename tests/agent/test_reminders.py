"""Reminders: scheduled, replaced, cancelled, fired once, and found again after a restart."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone

import pytest

from botapi.agent.reminders import Reminders, unfired
from botapi.errors import Timeout
from botapi.state import events as ev
from botapi.state.messages import CollectingOutput, UserMessage, parts
from botapi.stores.sqlite import SqliteStore
from botapi.stores.trackers import InMemoryStore
from tests import smallbot


class Waited:
    """An output and a `fire` that tells when something came."""

    name = "rest"

    def __init__(self) -> None:
        self.came = threading.Condition()
        self.texts: list[str] = []

    def send(self, recipient_id, response) -> None:
        with self.came:
            self.texts += [part["text"] for part in parts(recipient_id, response) if "text" in part]
            self.came.notify_all()

    def fire(self, sender_id, reminder) -> None:
        with self.came:
            self.texts.append(f"{sender_id}:{reminder.name}")
            self.came.notify_all()

    def wait_for(self, number: int) -> list[str]:
        with self.came:
            assert self.came.wait_for(lambda: len(self.texts) >= number, timeout=10), self.texts
            return self.texts


@pytest.fixture
def waited():
    return Waited()


@pytest.fixture
def reminders(waited):
    found = Reminders(waited.fire)
    yield found
    found.close()


def reminder(name, in_s=0.0, **options):
    moment = datetime.now(timezone.utc) + timedelta(seconds=in_s)
    return ev.ReminderScheduled("bye", moment.isoformat(), name=name, **options)


def test_what_is_due_fires_in_order_of_time(reminders, waited):
    reminders.note("a", [reminder("second", 0.1), reminder("first", 0.02), reminder("never", 3600)])
    assert waited.wait_for(2) == ["a:first", "a:second"]
    assert [one.name for _, one in reminders.pending()] == ["never"]


def test_one_of_the_same_name_replaces_only_in_its_own_conversation(reminders, waited):
    reminders.note("a", [reminder("r", 3600), reminder("r", 0.01)])
    reminders.note("b", [reminder("r", 0.05)])
    assert waited.wait_for(2) == ["a:r", "b:r"]
    assert reminders.pending() == []


@pytest.mark.parametrize(
    ("cancelled", "left"),
    [
        pytest.param(ev.ReminderCancelled(), [], id="all"),
        pytest.param(ev.ReminderCancelled(name="one"), ["two"], id="by name"),
        pytest.param(ev.ReminderCancelled(intent="bye"), [], id="by intent"),
        pytest.param(ev.ReminderCancelled(intent="greet"), ["one", "two"], id="another intent"),
        pytest.param(ev.ReminderCancelled(entities=[{"entity": "item", "value": "x"}]), ["one"], id="by entities"),
    ],
)
def test_cancelling(reminders, cancelled, left):
    reminders.note(
        "a", [reminder("one", 3600), reminder("two", 3600, entities=[{"entity": "item", "value": "x"}]), cancelled]
    )
    assert sorted(one.name for _, one in reminders.pending()) == left


def test_cancelling_does_not_reach_other_conversations(reminders):
    reminders.note("a", [reminder("one", 3600)])
    reminders.note("b", [ev.ReminderCancelled()])
    assert len(reminders.pending()) == 1


def test_a_failing_reminder_does_not_stop_the_next(waited):
    def fire(sender_id, due):
        waited.fire(sender_id, due)
        raise RuntimeError("broken")

    reminders = Reminders(fire)
    reminders.note("a", [reminder("one"), reminder("two", 0.02)])
    assert waited.wait_for(2) == ["a:one", "a:two"]
    reminders.close()


def test_a_reminder_of_a_busy_conversation_is_fired_later(waited, caplog):
    failures = [Timeout("busy")]

    def fire(sender_id, due):
        waited.fire(sender_id, due)
        if failures:
            raise failures.pop()

    reminders = Reminders(fire, retry_s=0.01)
    reminders.note("a", [reminder("one")])
    assert waited.wait_for(2) == ["a:one", "a:one"]
    assert "has to wait: busy" in caplog.text
    reminders.close()
    assert reminders.pending() == []


def test_a_fired_or_cancelled_reminder_is_not_found_again():
    fired = ev.UserUttered("EXTERNAL: bye", metadata={"is_external": True, "reminder": "fired"})
    events = [reminder("fired"), reminder("gone"), reminder("left"), ev.ReminderCancelled(name="gone"), fired]
    assert [one.name for one in unfired(events)] == ["left"]


def say(agent, text):
    agent.handle(UserMessage(text, "ann", "rest", CollectingOutput()))


def schedule(agent, *events):
    with agent.conversation("ann") as conversation:
        conversation.tracker.apply_all(events)
        conversation.take_effect(events, CollectingOutput())


def test_a_reminder_speaks_through_the_users_channel(waited):
    agent = smallbot.agent(outputs={"rest": waited})
    say(agent, "hello")
    schedule(agent, reminder("r", 0.01))
    assert waited.wait_for(2) == ["So long.", "Come again."]
    agent.close()


@pytest.mark.parametrize(("kill", "texts"), [(True, 0), (False, 2)])
def test_a_message_in_between_kills_the_reminder_if_it_says_so(waited, kill, texts):
    agent = smallbot.agent(outputs={"rest": waited})
    say(agent, "hello")
    due = reminder("r", 3600, kill_on_user_msg=kill)
    schedule(agent, due)
    say(agent, "hello")
    agent._remind("ann", due)
    assert len(waited.texts) == texts
    agent.close()


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(ev.ReminderCancelled(name="r"), id="cancelled"),
        pytest.param(reminder("r", 7200), id="put off"),
        pytest.param(ev.UserUttered("EXTERNAL: bye", metadata={"reminder": "r"}), id="fired"),
        pytest.param(ev.Restarted(), id="restarted"),
    ],
)
def test_what_another_process_did_to_a_reminder_counts(waited, later):
    store = InMemoryStore()
    agent = smallbot.agent(tracker_store=store, outputs={"rest": waited})
    say(agent, "hello")
    due = reminder("r", 3600, kill_on_user_msg=False)
    schedule(agent, due)
    other = smallbot.agent(tracker_store=store)
    schedule(other, later)
    agent._remind("ann", due)
    assert waited.texts == []
    agent.close()
    other.close()


def test_reminders_survive_a_restart(tmp_path, waited):
    first = smallbot.agent(tracker_store=SqliteStore(tmp_path / "c.db"))
    say(first, "hello")
    schedule(first, reminder("soon", 0.3), reminder("later", 3600), reminder("never", 3600))
    schedule(first, ev.ReminderCancelled(name="never"))
    first.close()
    second = smallbot.agent(tracker_store=SqliteStore(tmp_path / "c.db"), outputs={"rest": waited})
    second.restore_reminders()
    assert waited.wait_for(2) == ["So long.", "Come again."]
    second.close()
    third = smallbot.agent(tracker_store=SqliteStore(tmp_path / "c.db"), outputs={"rest": waited})
    third.restore_reminders()
    assert [one.name for _, one in third.reminders.pending()] == ["later"]
    third.close()


def test_a_damaged_conversation_does_not_keep_others_from_being_reminded(waited, caplog):
    agent = smallbot.agent(outputs={"rest": waited})
    agent.tracker_store.append("damaged", [{"event": "reminder", "date_time": "soon"}], 0)
    say(agent, "hello")
    with agent.conversation("ann") as conversation:
        conversation.tracker.apply(reminder("r", 0.01))
    agent.restore_reminders()
    assert waited.wait_for(2) == ["So long.", "Come again."]
    assert "damaged" in caplog.text
    agent.close()
