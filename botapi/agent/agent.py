"""The agent: conversation ids and user messages in, stored events and sent responses out.

It holds the current bot and everybody's conversations. Nobody else locks, loads or saves one.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from botapi import telemetry
from botapi.agent.bot import Bot, Services, load_bot
from botapi.agent.conversation import Conversation
from botapi.agent.reminders import Reminders, unfired
from botapi.errors import Conflict, InputError, StoreConflict, StoreError, Timeout
from botapi.model import find, open_model
from botapi.names import DEFAULT_SENDER_ID
from botapi.state.events import Event, ReminderScheduled, from_dict
from botapi.state.messages import CollectingOutput, Output, UserMessage
from botapi.state.tracker import Tracker, Verbosity
from botapi.stores.listing import Summary, Wanted
from botapi.stores.locks import InMemoryLockStore, LockStore
from botapi.stores.trackers import InMemoryStore, TrackerStore

log = logging.getLogger(__name__)

CACHED_TRACKERS = 1000
# So many conversations without events are remembered to exist.
EMPTY_CONVERSATIONS = 10_000


@dataclass
class _Cached:
    """A tracker as it stood when the store's last event number was `last`, made for `bot`."""

    tracker: Tracker
    last: int
    bot: Bot


class Agent:
    """One bot and its conversations; thread-safe.

    `bot` is None before a model is loaded. `tracker_store` and `lock_store` default to ones in memory; the last
    `cached_trackers` conversations stay in memory beside the store. `services` is what bots call
    elsewhere. `outputs` are channels by name, for events that come from elsewhere than the user's own channel.
    """

    def __init__(
        self,
        bot: Bot | None = None,
        *,
        tracker_store: TrackerStore | None = None,
        lock_store: LockStore | None = None,
        services: Services | None = None,
        outputs: dict[str, Output] | None = None,
        cached_trackers: int = CACHED_TRACKERS,
    ) -> None:
        # NOTE: whoever works with a bot when it is swapped keeps it to the end.
        self.bot = bot
        self.tracker_store: TrackerStore = tracker_store if tracker_store is not None else InMemoryStore()
        self.lock_store: LockStore = lock_store if lock_store is not None else InMemoryLockStore()
        self.outputs = outputs if outputs is not None else {}
        self.services = services or Services()
        # Asked with the user's id before each message of his; what it raises refuses the message.
        self.admit: Callable[[str], None] = lambda sender_id: None
        self.reminders = Reminders(self._remind)
        self._restoring: threading.Thread | None = None
        self._cached_trackers = cached_trackers
        self._cache: OrderedDict[str, _Cached] = OrderedDict()
        self._empty: OrderedDict[str, None] = OrderedDict()
        self._cache_guard = threading.Lock()

    # ------------------------------------------------------------------ model

    def is_ready(self) -> bool:
        return self.bot is not None

    def ready_bot(self) -> Bot:
        """The current bot; Conflict before one is loaded."""
        bot = self.bot
        if bot is None:
            raise Conflict("No agent loaded. To continue processing, a model of a trained agent needs to be loaded.")
        return bot

    def load_model(self, path: str | Path) -> Bot:
        """Load a model (a folder means its newest) beside the current one, then swap; ModelError changes nothing."""
        bot = load_bot(open_model(find(path)), self.services)
        self._swap(bot)
        return bot

    def unload_model(self) -> None:
        """Go on without a model; conversations stay stored."""
        self._swap(None)

    def _swap(self, bot: Bot | None) -> None:
        with self._cache_guard:
            self.bot = bot
            # Trackers hold what policies worked out for them, and with it the model: else none was ever freed.
            self._cache.clear()

    def close(self) -> None:
        """Stop reminding and free the stores."""
        self.stop_reminding()
        self.tracker_store.close()
        self.lock_store.close()

    # ---------------------------------------------------------- conversations

    @contextmanager
    def conversation(self, sender_id: str) -> Iterator[Conversation]:
        """Hold a conversation: lock it, load it, and store its new events when the block ends without an error."""
        bot = self.ready_bot()
        sender_id = sender_id or DEFAULT_SENDER_ID
        with self._lock(sender_id):
            cached = self._load(sender_id, bot)
            tracker = cached.tracker
            known = len(tracker.events)
            # Rasa replays a conversation when it loads it: what is settled depends on the stored events alone.
            tracker.settle()
            tracker.open()
            try:
                tracker.model_id, tracker.assistant_id = bot.metadata.model_id, bot.metadata.assistant_id
                conversation = Conversation(tracker, bot)
                yield conversation
                self._store(cached, tracker.events[known:])
                self.reminders.note(sender_id, conversation.reminders)
            except BaseException:
                # The tracker may hold events that were not stored: then the next turn starts from the store again.
                if len(tracker.events) > known:
                    self._forget(sender_id)
                raise

    @contextmanager
    def look(self, sender_id: str) -> Iterator[Tracker]:
        """Hold a conversation to read it; nothing is stored.

        One without events is shown as it would begin now. Its first session still begins with the first message, whose
        metadata it gets, and whose channel its greeting goes to, as in Rasa; but from now on the conversation exists.
        """
        bot = self.ready_bot()
        sender_id = sender_id or DEFAULT_SENDER_ID
        with self._lock(sender_id):
            cached = self._load(sender_id, bot)
            tracker = cached.tracker
            if tracker.events:
                self._keep(cached)
            else:
                tracker.model_id, tracker.assistant_id = bot.metadata.model_id, bot.metadata.assistant_id
                Conversation(tracker, bot).begin(CollectingOutput())
                self._note_empty(sender_id)
            yield tracker

    @contextmanager
    def _lock(self, sender_id: str) -> Iterator[None]:
        began = perf_counter()
        with self.lock_store.lock(sender_id):
            telemetry.lock_wait_s.observe(perf_counter() - began)
            yield

    def handle(
        self, message: UserMessage, tell: Callable[[Conversation], Any] = lambda _: None, *, repeats: bool = True
    ) -> Any:
        """One whole turn, from the user's message to the last response; gives what `tell` says of the conversation.

        A message whose id the conversation has already is no turn: where it `repeats`, what was said to it is sent
        again.
        """
        self.admit(message.sender_id)
        with telemetry.turn_s.time(), self.conversation(message.sender_id) as conversation:
            said = conversation.said_to(message.message_id) if message.has_own_id else None
            if said is None:
                conversation.handle(message)
            elif repeats:
                conversation.take_effect(said, message.output)
            return tell(conversation)

    def _remind(self, sender_id: str, reminder: ReminderScheduled) -> None:
        with self.conversation(sender_id) as conversation:
            if not conversation.tracker.events:  # deleted since
                return
            channel = conversation.tracker.user_channel
            conversation.remind(reminder, self.outputs.get(channel or "") or CollectingOutput())

    def start_reminding(self) -> None:
        """Restore reminders in a thread, since long histories must not keep the first answer waiting.

        To be called once `outputs` are complete: an overdue reminder speaks at once.
        """
        if self._with_reminders():
            self._restoring = threading.Thread(target=self.restore_reminders, name="restore-reminders", daemon=True)
            self._restoring.start()

    def stop_reminding(self) -> None:
        """Fire no reminder any more; those that wait stay in their conversations, to be restored at the next start."""
        self.reminders.close()
        if self._restoring is not None:
            self._restoring.join()

    def restore_reminders(self) -> None:
        """Schedule the reminders that stored conversations still wait for; those that are overdue fire at once."""
        for sender_id in self._with_reminders():
            if self.reminders.is_closed:
                return
            try:
                self._restore_reminders(sender_id)
            except (StoreError, Timeout) as error:
                log.error("The reminders of conversation %r are not restored: %s", sender_id, error)

    def _with_reminders(self) -> list[str]:
        try:
            return self.tracker_store.with_reminders()
        except StoreError as error:
            log.error("No reminders are restored: %s", error)
            return []

    def _restore_reminders(self, sender_id: str) -> None:
        with self._lock(sender_id):
            dicts = self.tracker_store.read(sender_id)
            try:
                events = [from_dict(data) for data in dicts]
            except InputError as error:
                log.error("The reminders of conversation %r can't be read: %s", sender_id, error)
                return
            self.reminders.note(sender_id, unfired(events))

    def parse(self, text: str) -> dict[str, Any]:
        """What a text means, without any conversation."""
        return self.ready_bot().parse(text.strip())

    def exists(self, sender_id: str) -> bool:
        """Whether a conversation has events, or was lately looked at or emptied."""
        return self.tracker_store.last(sender_id) > 0 or sender_id in self._empty

    def replace_events(self, sender_id: str, events: list[Event], verbosity: Verbosity) -> dict[str, Any]:
        """Put these events in place of a conversation; gives the tracker as JSON."""
        bot = self.ready_bot()
        with self._lock(sender_id):
            tracker = Tracker(sender_id, bot.domain.slots)
            tracker.apply_all(events)
            self._forget(sender_id)
            self.tracker_store.replace(sender_id, [event.as_dict() for event in tracker.events])
            if not events:
                self._note_empty(sender_id)
            return tracker.current_state(verbosity)

    def page(self, after: str | None, limit: int, wanted: Wanted) -> list[Summary]:
        """The next conversations in the order of their ids, from the one after `after`, as far as they are wanted."""
        return self.tracker_store.page(after, limit, wanted)

    def stored(self, sender_id: str) -> list[dict[str, Any]]:
        """All events of a conversation as they are stored; no model is needed."""
        return self.tracker_store.read(sender_id)

    def erase(self, sender_id: str) -> bool:
        """Keep nothing of a conversation: neither events nor reminders; whether there was one. No model is needed."""
        with self._lock(sender_id):
            existed = self.exists(sender_id)
            self.reminders.forget(sender_id)
            self._forget(sender_id)
            with self._cache_guard:
                self._empty.pop(sender_id, None)
            return self.tracker_store.delete(sender_id) or existed

    def imagine(self, events: list[Event], sender_id: str = DEFAULT_SENDER_ID) -> Conversation:
        """A conversation of these events that is never stored."""
        bot = self.ready_bot()
        tracker = Tracker(sender_id, bot.domain.slots)
        tracker.apply_all(events)
        return Conversation(tracker, bot)

    def sessions(self, sender_id: str, *, all_sessions: bool) -> list[list[Event]]:
        """Events of the conversation, one list a session: the latest alone, or all of them."""
        with self.look(sender_id) as tracker:
            return tracker.by_session() if all_sessions else [tracker.events[tracker.session_begin :]]

    # ---------------------------------------------------------------- storing

    def _load(self, sender_id: str, bot: Bot) -> _Cached:
        """The tracker as the store has it, read anew only as far as the cache lacks it."""
        last = self.tracker_store.last(sender_id)
        with self._cache_guard:
            cached = self._cache.get(sender_id)
            if cached is not None:
                self._cache.move_to_end(sender_id)
        if cached is None or cached.bot is not bot or cached.last > last:
            cached = self._fresh(sender_id, bot)
        return cached if cached.last == last else self._caught_up(cached, last)

    def _caught_up(self, cached: _Cached, last: int) -> _Cached:
        """The tracker with what the store has beyond it; `last` is the number that the store told before."""
        sender_id = cached.tracker.sender_id
        while True:
            try:
                missing = self.tracker_store.read(sender_id, after=cached.last)
            except StoreConflict:  # somebody replaced the conversation
                cached = self._fresh(sender_id, cached.bot)
                continue
            # NOTE: another process may write in between, and `read` gives no numbers: it tells nothing about an event
            # that came before the second look, so both looks have to agree.
            before, last = last, self.tracker_store.last(sender_id)
            if last == before:
                break
        # An event that can't be read leaves the tracker half way: it must not be found again.
        self._forget(sender_id)
        _replay(cached.tracker, missing)
        cached.last = last
        return cached

    def _fresh(self, sender_id: str, bot: Bot) -> _Cached:
        tracker = Tracker(sender_id, bot.domain.slots)
        return _Cached(tracker, 0, bot)

    def _store(self, cached: _Cached, events: list[Event]) -> None:
        tracker = cached.tracker
        if events:
            dicts = [event.as_dict() for event in events]
            cached.last = self.tracker_store.append(tracker.sender_id, dicts, cached.last)
        if cached.last:
            self._keep(cached)

    def _keep(self, cached: _Cached) -> None:
        sender_id = cached.tracker.sender_id
        with self._cache_guard:
            if cached.bot is not self.bot:  # swapped meanwhile
                return
            self._cache[sender_id] = cached
            self._cache.move_to_end(sender_id)
            while len(self._cache) > self._cached_trackers:
                self._cache.popitem(last=False)

    def _note_empty(self, sender_id: str) -> None:
        with self._cache_guard:
            self._empty[sender_id] = None
            while len(self._empty) > EMPTY_CONVERSATIONS:
                self._empty.popitem(last=False)

    def _forget(self, sender_id: str) -> None:
        with self._cache_guard:
            self._cache.pop(sender_id, None)


def _replay(tracker: Tracker, dicts: list[dict[str, Any]]) -> None:
    """Apply stored events as they are: they keep the ids of the model that made them, or none."""
    tracker.model_id = tracker.assistant_id = None
    try:
        tracker.apply_all(from_dict(data) for data in dicts)
    except InputError as error:
        raise StoreError(
            f"Conversation {tracker.sender_id!r} holds an event that can't be read ({error.message}) "
            "Restore it from a backup, or delete the conversation."
        ) from error
