"""The agent: what it stores, forgets and keeps apart, with real stores and a trained bot."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from botapi.agent.agent import Agent
from botapi.errors import Conflict, ModelError, NotFound, StoreError
from botapi.state.events import ActionExecuted, SlotSet
from botapi.state.messages import CollectingOutput, UserMessage
from botapi.state.tracker import Verbosity
from botapi.stores.sqlite import SqliteStore
from botapi.stores.trackers import InMemoryStore
from tests import smallbot


@pytest.fixture
def agent():
    found = smallbot.agent()
    yield found
    found.close()


def say(agent: Agent, text: str, sender: str = "ann") -> list[str]:
    output = CollectingOutput()
    agent.handle(UserMessage(text, sender, output=output))
    return [message["text"] for message in output.messages]


def names(agent: Agent, sender: str = "ann") -> list[str]:
    return [event["event"] for event in agent.tracker_store.read(sender)]


def test_a_turn_is_answered_and_stored(agent):
    assert say(agent, "hello") == ["Hello there."]
    assert names(agent) == [
        "action", "session_started", "action", "user", "user_featurization", "action", "bot", "action",
    ]  # fmt: skip


def test_the_cache_only_reads_what_it_lacks_and_gives_the_same_answers():
    store = InMemoryStore()
    cached, uncached = smallbot.agent(tracker_store=store), smallbot.agent(tracker_store=store, cached_trackers=0)
    for turn in ("hello", '/order{"item": "tea"}', "bye"):
        say(cached, turn)
        with uncached.conversation("ann") as other, cached.conversation("ann") as mine:
            assert other.tracker.current_state(Verbosity.ALL) == mine.tracker.current_state(Verbosity.ALL)


def test_a_look_shows_the_last_channel_of_all_sessions_cached_or_not():
    store = InMemoryStore()
    cached, uncached = smallbot.agent(tracker_store=store), smallbot.agent(tracker_store=store, cached_trackers=0)
    cached.handle(UserMessage("hello", "ann", "phone", CollectingOutput()))
    with cached.conversation("ann") as conversation:
        conversation.execute("action_session_start", None, None, CollectingOutput())
    with cached.conversation("ann") as conversation:
        assert conversation.tracker.latest_input_channel is None
    for agent in (cached, uncached):
        with agent.look("ann") as tracker:
            assert tracker.current_state(settled=True)["latest_input_channel"] == "phone"


def test_two_agents_on_one_store_see_each_others_turns():
    store = InMemoryStore()
    one, other = smallbot.agent(tracker_store=store), smallbot.agent(tracker_store=store)
    say(one, '/order{"item": "tea"}')
    say(other, "hello")
    with one.conversation("ann") as conversation:
        assert conversation.tracker.slots["item"] == "tea"
        assert conversation.tracker.latest_message.text == "hello"


class Overtaken(InMemoryStore):
    """A store to which another process writes just after a read, and the first time only."""

    def read(self, sender_id, after=0):
        events = super().read(sender_id, after)
        if not any(event["event"] == "pause" for event in events):
            self.append(sender_id, [{"event": "pause"}], self.last(sender_id))
        return events


@pytest.mark.parametrize("cached_trackers", [0, 10])
def test_what_another_process_writes_while_a_conversation_is_read_is_not_missed(cached_trackers):
    store = Overtaken()
    agent = smallbot.agent(tracker_store=store, cached_trackers=cached_trackers)
    say(agent, "hello")
    store.append("ann", [{"event": "slot", "name": "item", "value": "tea"}], store.last("ann"))
    with agent.conversation("ann") as conversation:
        assert conversation.tracker.paused
        assert len(conversation.tracker.events) == store.last("ann")


def test_an_event_that_was_mended_in_the_store_is_read_again_with_those_before_it(agent):
    say(agent, "hello")
    store, count = agent.tracker_store, agent.tracker_store.last("ann")
    store.append("ann", [{"event": "pause"}, {"event": "slot"}], count)
    with pytest.raises(StoreError), agent.conversation("ann"):
        pass
    store._logs["ann"].texts[-1] = '{"event": "resume"}'
    with agent.conversation("ann") as conversation:
        assert [event.type_name for event in conversation.tracker.events[count:]] == ["pause", "resume"]


def test_a_refused_request_costs_no_reading_of_the_whole_conversation(agent):
    say(agent, "hello")
    with agent.conversation("ann") as conversation:
        tracker = conversation.tracker
    with pytest.raises(NotFound), agent.conversation("ann") as conversation:
        conversation.trigger("no such intent", [], CollectingOutput())
    with agent.conversation("ann") as conversation:
        assert conversation.tracker is tracker


def test_a_failing_block_changes_nothing(agent):
    say(agent, "hello")
    before = names(agent)
    with pytest.raises(RuntimeError), agent.conversation("ann") as conversation:
        conversation.tracker.apply(SlotSet("item", "lost"))
        raise RuntimeError("the handler fails")
    assert names(agent) == before
    with agent.conversation("ann") as conversation:
        assert conversation.tracker.slots["item"] is None


def test_a_store_that_fails_fails_the_turn_and_nothing_is_half_stored(tmp_path):
    store = SqliteStore(tmp_path / "c.db")
    agent = smallbot.agent(tracker_store=store)
    say(agent, "hello")
    count = store.last("ann")
    with pytest.raises(StoreError), agent.conversation("ann") as conversation:
        conversation.tracker.apply(SlotSet("item", "x"))
        store.append("ann", [{"event": "pause"}], count)  # somebody who does not hold the lock
    assert say(agent, "hello") == []  # paused by the other
    agent.close()


def test_turns_of_one_conversation_run_one_after_the_other(agent):
    threads = [threading.Thread(target=say, args=(agent, "hello")) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(agent).count("user") == 20
    assert names(agent).count("bot") == 20


def test_a_swapped_model_keeps_conversations(agent):
    say(agent, '/order{"item": "tea"}')
    old = agent.bot
    agent.load_model(smallbot.archive())
    assert agent.bot is not old
    assert say(agent, "/order") == ["You get tea."]
    with agent.conversation("ann") as conversation:
        assert conversation.bot is agent.bot


def test_a_swapped_model_is_freed_though_conversations_stay_in_memory(agent):
    say(agent, "hello")
    say(agent, "hello", "bob")
    with agent.conversation("bob") as conversation:
        conversation.tracker.apply(SlotSet("item", "tea"))
        old = weakref.ref(conversation.bot)
        agent.load_model(smallbot.archive())  # in the middle of a turn
    del conversation
    gc.collect()
    assert old() is None
    assert say(agent, "/order", "bob") == ["You get tea."]


def test_a_model_that_fails_to_load_changes_nothing(agent, tmp_path):
    old = agent.bot
    (tmp_path / "bad.tar.gz").write_bytes(b"not an archive")
    for path in (tmp_path / "bad.tar.gz", tmp_path / "missing.tar.gz", tmp_path):
        with pytest.raises(ModelError):
            agent.load_model(path)
        if path.name == "bad.tar.gz":
            path.unlink()
    assert agent.bot is old


def test_without_a_model_there_is_no_conversation():
    agent = Agent()
    assert not agent.is_ready()
    with pytest.raises(Conflict, match="No agent loaded"), agent.conversation("ann"):
        pass
    with pytest.raises(Conflict):
        agent.parse("hello")


def test_replacing_events_replaces_all_of_them(agent):
    say(agent, "hello")
    state = agent.replace_events("ann", [SlotSet("item", "tea", timestamp=5.0)], Verbosity.ALL)
    assert state["slots"]["item"] == "tea"
    assert [event["timestamp"] for event in state["events"]] == [5.0]
    with agent.conversation("ann") as conversation:
        assert len(conversation.tracker.events) == 1
    agent.replace_events("ann", [], Verbosity.ALL)
    assert names(agent) == [] and agent.exists("ann")


def test_a_damaged_stored_event_is_a_fault_of_the_store_not_of_the_caller(agent):
    agent.tracker_store.append("ann", [{"event": "slot"}], 0)
    with pytest.raises(StoreError, match="can't be read"), agent.conversation("ann"):
        pass


def test_imagined_conversations_are_not_stored(agent):
    found = agent.imagine([ActionExecuted("action_listen")]).prediction(Verbosity.NONE)
    assert found["tracker"]["events"] is None
    assert agent.tracker_store.page(None, 1) == []


def test_the_cache_is_bounded():
    agent = smallbot.agent(cached_trackers=2)
    for number in range(5):
        say(agent, "hello", f"user-{number}")
    assert len(agent._cache) == 2
    assert say(agent, "bye", "user-0") == ["So long.", "Come again."]
