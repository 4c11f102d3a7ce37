"""Policies that know stories by heart: training trackers in, a table from the last turns to the next action out."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from botapi.data.unroll import TrainingTracker
from botapi.names import ACTION_LISTEN
from botapi.policies.features import (
    NOTHING_SEEN,
    Features,
    History,
    Seen,
    State,
    StateKey,
    StoryView,
    active_loop_of,
    after_turn,
    state_from_json,
    state_key,
    without_text,
)
from botapi.policies.options import damaged, dump_json, load_json, read_options
from botapi.policies.policy import PolicyPrediction, score_of_message
from botapi.state.domain import Domain
from botapi.state.events import ActiveLoop, AllSlotsReset, SlotSet, UserUttered
from botapi.state.livestate import Moment

Key = tuple[StateKey, ...]
Example = tuple[Key, list[State], str]  # keys of turns, the turns, the action that follows
FILE = "memorized_turns.json"
# Without max_history, how many turns back a conversation is cut beyond the longest story, at most.
EXTRA_CUTS = 20


class MemoizationPolicy:
    """Predicts what a story did after exactly the same last `max_history` turns (all turns, when it is null or 0)."""

    name = "MemoizationPolicy"
    defaults: Mapping[str, Any] = {"priority": 3, "max_history": None, "use_nlu_confidence_as_score": False}

    def __init__(self, config: Mapping[str, Any]) -> None:
        options = read_options(self.name, config, self.defaults)
        self.priority: int = options["priority"]
        self.max_history: int | None = options["max_history"] or None
        self.use_nlu_confidence: bool = options["use_nlu_confidence_as_score"]
        self._examples: list[Example] = []
        self._index: dict[Key, str] = {}
        self._last_keys: frozenset[StateKey] = frozenset()
        self._longest = 0

    def train(self, trackers: Sequence[TrainingTracker], domain: Domain, features: Features) -> str:
        known: dict[Key, tuple[list[State], str | None]] = {}
        for tracker in trackers:
            if tracker.is_rule or tracker.is_augmented:
                continue
            states = features.states(tracker.tracker)
            # PERF: keys are made once for each turn and shared by all examples that it is in.
            keys = tuple(map(state_key, states))
            for end, action in ends(tracker):
                turns = slice(max(0, end - self.max_history) if self.max_history else 0, end)
                key = keys[turns]
                if key in known and known[key][1] != action:
                    # The same turns with different ends teach nothing.
                    known[key] = (states[turns], None)
                else:
                    known.setdefault(key, (states[turns], action))
        self._keep([(key, states, action) for key, (states, action) in known.items() if action is not None])
        return f"{len(self._examples)} different examples"

    def predict(self, history: History) -> PolicyPrediction:
        action = self._recall(history)
        scores = {} if action is None else {action: score_of_message(history, self.use_nlu_confidence)}
        return PolicyPrediction(scores, self.name, self.priority)

    def save(self) -> dict[str, bytes]:
        numbers: dict[Hashable, int] = {}
        table: list[State] = []
        rows = []
        for keys, states, action in self._examples:
            row = []
            for key, state in zip(keys, states, strict=True):
                number = numbers.setdefault(key, len(table))
                if number == len(table):
                    table.append(state)
                row.append(number)
            rows.append([row, action])
        return {FILE: dump_json({"states": table, "examples": rows})}

    def load(self, files: Mapping[str, bytes], domain: Domain) -> None:
        data = load_json(self.name, files, FILE)
        try:
            table = [state_from_json(state) for state in data["states"]]
            keys = list(map(state_key, table))
            rows = [
                (tuple([keys[number] for number in row]), [table[number] for number in row], action)
                for row, action in data["examples"]
            ]
            known = all(isinstance(action, str) and action in domain.action_index and key for key, _, action in rows)
        except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
            raise damaged(self.name, f"{FILE} has another form than expected") from error
        if not known:
            raise damaged(self.name, f"{FILE} names actions that the domain does not have")
        self._keep(rows)

    def _keep(self, found: list[Example]) -> None:
        self._examples = found
        self._index = {key: action for key, _, action in found}
        self._last_keys = frozenset(key[-1] for key in self._index)
        self._longest = max(map(len, self._index), default=0)

    def _recall(self, history: History) -> str | None:
        return self._find(history.story_view.seen)

    def _find(self, seen: Seen | None) -> str | None:
        """The action after the turns up to `seen`."""
        while seen is not None and seen.is_unlikely:
            seen = seen.before
        if seen is None or (self.max_history is None and seen.depth > self._longest):
            return None
        shown = without_text(seen.state)
        last = seen.key if shown is seen.state else state_key(shown)
        # PERF: most turns are the end of no example at all.
        if last not in self._last_keys:
            return None
        return self._index.get((*reversed(list(self._keys_before(seen))), last))

    def _keys_before(self, last: Seen) -> Iterator[StateKey]:
        """Keys of the turns before the last one, newest first, as many as are looked at."""
        wanted = (self.max_history or self._longest) - 1
        turn = last.before
        while turn is not None and wanted:
            if not turn.is_unlikely:
                yield turn.key
                wanted -= 1
            turn = turn.before


class AugmentedMemoizationPolicy(MemoizationPolicy):
    """Where nothing matches, forgets the oldest turn, and the slots that were set in it, until something does."""

    name = "AugmentedMemoizationPolicy"
    _last_users: frozenset[Hashable] = frozenset()
    _inner_keys: frozenset[StateKey] = frozenset()
    _openings: Sequence[dict[str, Any] | None] = ()

    def _keep(self, found: list[Example]) -> None:
        super()._keep(found)
        self._last_users = frozenset(key[0] for key in self._last_keys)
        self._inner_keys = frozenset(key for keys in self._index for key in keys[:-1])
        openings: list[dict[str, Any] | None] = []
        for _, states, _ in found:
            if len(states) > 1 and states[1].get("prev_action") not in openings:
                openings.append(states[1].get("prev_action"))
        self._openings = openings

    def _recall(self, history: History) -> str | None:
        action = super()._recall(history)
        if action is not None or not self._index:
            return action
        state = history.state(0)
        # PERF: right after a message, its intent and entities are part of every cut; most cuts needn't be tried.
        if state is not None and _is_after_listen(state) and state_key(state)[0] not in self._last_users:
            return None
        moments = [*history.tracker.moments[self._first_cut(history.tracker.moments) :], history.now]
        changes = _changes(history, moments)
        # PERF: without max_history the first action after a cut has to be one that a story begins with.
        goes_on = history.now.followup_action or changes[-1].is_loop_running
        needs_opening = self.max_history is None and not goes_on
        for begin in range(len(moments) - 1):
            if needs_opening and changes[begin + 1].state["prev_action"] not in self._openings:
                continue
            action = self._find(self._replay(history, moments, changes, begin))
            if action is not None:
                return action
        return None

    def _first_cut(self, moments: Sequence[Moment]) -> int:
        """Where the oldest cut is: at the last listen that has more than `max_history` actions from it on."""
        index = len(moments)
        if self.max_history is None:
            return max(0, index - self._longest - EXTRA_CUTS)
        # PERF: rules that go round in a circle can make turns without a listen; those are not followed back for ever.
        oldest = max(0, index - self.max_history - EXTRA_CUTS)
        while index > oldest:
            index -= 1
            action = moments[index].action
            if len(moments) - index > self.max_history and action is not None and action.name == ACTION_LISTEN:
                return index
        return oldest

    def _replay(
        self, history: History, moments: Sequence[Moment], changes: Sequence[_Change], begin: int
    ) -> Seen | None:
        """What stories see when everything before the moment `begin` never happened."""
        features = history.features
        position = moments[begin].position
        state: State = {"slots": features.initial_slots} if features.initial_slots else {}
        view = features.look(NOTHING_SEEN, state, moments[begin], None, ACTION_LISTEN)
        for moment, change in zip(moments[begin + 1 :], changes[begin + 1 :], strict=True):
            # PERF: without max_history all turns have to match, so most cuts fail at the first or second one.
            seen = view.seen
            if self.max_history is None and seen and seen.key not in self._inner_keys and not seen.is_unlikely:
                return None
            view = change.look(view, moment, position, features)
        return view.seen


class _Change:
    """A state with the positions of the events that made its parts: -1 where that is before the first cut."""

    __slots__ = ("loop_at", "message_at", "slots_at", "state")

    def __init__(self, state: State, message_at: int, loop_at: int, slots_at: dict[str, int]) -> None:
        self.state = state
        self.message_at = message_at
        self.loop_at = loop_at
        self.slots_at = slots_at

    @property
    def is_loop_running(self) -> bool:
        """Whether the last action is the active loop."""
        loop = active_loop_of(self.state)
        return loop is not None and self.state.get("prev_action", {}).get("action_name") == loop

    def look(self, view: StoryView, moment: Moment, position: int, features: Features) -> StoryView:
        """The view one turn later, without what came before a position."""
        loop = self.state.get("active_loop") if self.loop_at >= position else None
        loop_name = loop["name"] if loop else None
        previous = self.state["prev_action"]
        is_hidden, shown = after_turn(view, previous, moment, loop_name, moment.followup_action)
        if is_hidden:
            return StoryView(view.seen, is_hidden, shown)
        state: State = {"prev_action": previous}
        if self.message_at >= position and "user" in self.state:
            state["user"] = self.state["user"]
        if loop:
            state["active_loop"] = loop
        if slots := self._slots_since(position, features):
            state["slots"] = slots
        return features.look(view, state, moment, loop_name, moment.followup_action)

    def _slots_since(self, position: int, features: Features) -> dict[str, Any]:
        slots = self.state.get("slots", {})
        if not slots and not features.initial_slots:
            return slots
        found = {name: value for name, value in slots.items() if self.slots_at.get(name, -1) >= position}
        for name, value in features.initial_slots.items():
            if self.slots_at.get(name, -1) < position:
                found[name] = value
        return found


def _changes(history: History, moments: Sequence[Moment]) -> list[_Change]:
    """For each moment, its state and where the parts of it come from."""
    events = history.tracker.applied_events()
    features = history.features
    position = moments[0].position
    message_at = loop_at = -1
    slots_at: dict[str, int] = {}
    found = []
    before: Moment | None = None
    for moment in moments:
        while position < moment.position:
            event = events[position]
            kind = type(event)
            if kind is UserUttered:
                message_at = position
            elif kind is SlotSet:
                slots_at = {**slots_at, event.name: position}  # type: ignore[attr-defined]
            elif kind is ActiveLoop:
                loop_at = position
            elif kind is AllSlotsReset:
                slots_at = {}
            position += 1
        found.append(_Change(features.state(moment, before), message_at, loop_at, slots_at))
        before = moment
    return found


def ends(tracker: TrainingTracker) -> Iterator[tuple[int, str]]:
    """(number of turns up to an action, the action) for each action of a tracker that can be learned."""
    for number, moment in enumerate(tracker.tracker.moments, 1):
        action = moment.action
        if action is not None and not action.unpredictable:
            yield number, action.name or action.action_text or ""


def _is_after_listen(state: State) -> bool:
    return state.get("prev_action", {}).get("action_name") == ACTION_LISTEN
