"""What policies see of a conversation: a tracker and a domain in, one state dict for each turn out, newest ones first.

A state is {"user": {"intent"|"text", "entities"}, "prev_action": {"action_name"|"action_text"},
"slots": {name: features or SHOULD_NOT_BE_SET}, "active_loop": {"name"}}, without parts that are empty. A state is made
once for each moment and kept there, so the cost of a prediction does not depend on the length of the conversation.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import Any

from botapi.data.blocks import SHOULD_NOT_BE_SET
from botapi.names import ACTION_LISTEN, ACTION_UNLIKELY_INTENT
from botapi.state.domain import ENTITY_LABEL_SEPARATOR, Domain
from botapi.state.events import ActionExecuted, UserUttered
from botapi.state.livestate import Moment
from botapi.state.tracker import Tracker

State = dict[str, dict[str, Any]]
StateKey = tuple[Hashable, ...]
LISTENED = {"action_name": ACTION_LISTEN}
# How "should not be set" stands in a slot; a list slot stores a single value as a list.
MARKERS: tuple[Any, ...] = (SHOULD_NOT_BE_SET, [SHOULD_NOT_BE_SET])


class Seen:
    """A turn that policies which learn from stories see, linked to the one `before`; `depth` counts turns."""

    __slots__ = ("_key", "before", "depth", "is_unlikely", "state")

    def __init__(self, state: State, before: Seen | None) -> None:
        self.state = state
        self.before = before
        previous = state.get("prev_action")
        self.is_unlikely = previous is not None and previous.get("action_name") == ACTION_UNLIKELY_INTENT
        self.depth: int = (before.depth if before else 0) + (not self.is_unlikely)
        self._key: StateKey | None = None

    @property
    def key(self) -> StateKey:
        """The key of the state, made when it is first needed."""
        if self._key is None:
            self._key = state_key(self.state)
        return self._key


class StoryView:
    """Where the story view of a conversation stands: the last turn seen, and what hides or replaces the next.

    `previous_action` is the one before the last turn that rules did not hide.
    """

    __slots__ = ("is_hidden", "previous_action", "seen")

    def __init__(self, seen: Seen | None, is_hidden: bool, previous_action: dict[str, str] | None) -> None:
        self.seen = seen
        self.is_hidden = is_hidden
        self.previous_action = previous_action


NOTHING_SEEN = StoryView(None, False, None)


class Features:
    """Turns moments of trackers into states; one for each model, shared by its policies and by threads.

    `rule_only_slots` and `rule_only_loops` are hidden from policies that learn from stories.
    """

    def __init__(
        self, domain: Domain, rule_only_slots: Collection[str] = (), rule_only_loops: Collection[str] = ()
    ) -> None:
        self.domain = domain
        self.rule_only_slots = frozenset(rule_only_slots)
        self.rule_only_loops = frozenset(rule_only_loops)
        self._slots = [slot for slot in domain.slots if slot.influence_conversation]
        self.initial_slots = self.slot_features({slot.name: slot.initial_value for slot in self._slots})
        # Keys of caches on moments: they must not keep a model alive that was replaced.
        self._state_key = object()
        self._view_key = object()

    @property
    def featurized_slots(self) -> set[str]:
        """Names of slots that can show in a state."""
        return {slot.name for slot in self._slots}

    def state(self, moment: Moment, before: Moment | None = None) -> State:
        """The state of a moment, with the text of a message only where it has no intent. Do not change it."""
        found = moment.cache.get(self._state_key)
        if found is None:
            found = moment.cache[self._state_key] = self._state(moment, before)
        return found

    def states(self, tracker: Tracker) -> list[State]:
        """All states, oldest first."""
        moments = [*tracker.moments, tracker.now]
        return [self.state(moment, before) for before, moment in zip([None, *moments], moments, strict=False)]

    def _state(self, moment: Moment, before: Moment | None) -> State:
        # PERF: most parts are the same objects as in the moment before, whose parts of the state can be used again.
        last = before.cache.get(self._state_key) if before else None
        state: State = {}
        if last is not None and before is not None and before.message is moment.message:
            user = last.get("user")
        else:
            user = self.user_features(moment.message)
        if last is not None and before is not None and before.slots is moment.slots:
            slots = last.get("slots")
        else:
            slots = self.slot_features(moment.slots)
        if user:
            state["user"] = user
        if slots:
            state["slots"] = slots
        if moment.previous_action is not None:
            state["prev_action"] = action_features(moment.previous_action)
        if moment.active_loop is not None:
            state["active_loop"] = {"name": moment.active_loop.name}
        return state

    def user_features(self, message: UserUttered) -> dict[str, Any]:
        by_text = message.use_text_for_featurization
        if by_text:
            return {"text": message.text} if message.text else {}
        intent = message.intent_name
        found: dict[str, Any] = {}
        if intent:
            found["intent"] = intent
        elif message.text and by_text is None:
            found["text"] = message.text
        if message.entities and (entities := self._entities(message)):
            found["entities"] = entities
        return found

    def _entities(self, message: UserUttered) -> tuple[str, ...]:
        labels = set()
        for entity in message.entities:
            name = entity.get("entity")
            if name is None:
                continue
            labels.add(name)
            for part in ("role", "group"):
                if part in entity:
                    labels.add(f"{name}{ENTITY_LABEL_SEPARATOR}{entity[part]}")
        properties = self.domain.intent_properties.get(message.intent_name or "", {})
        wanted = properties.get("used_entities")
        return tuple(sorted(labels if wanted is None else labels.intersection(wanted)))

    def slot_features(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Features of the slots that are set, by name."""
        found: dict[str, Any] = {}
        for slot in self._slots:
            value = values.get(slot.name)
            if value is None:
                continue
            if value in MARKERS:
                found[slot.name] = SHOULD_NOT_BE_SET
            elif features := slot.features(value):
                found[slot.name] = features
        return found

    # ------------------------------------------------------------------------------------------ the view of stories

    def story_view(self, tracker: Tracker, now: Moment) -> StoryView:
        """What policies that learn from stories see: turns that rules made on their own are left out."""
        moments = tracker.moments
        index = len(moments)
        while index and self._view_key not in moments[index - 1].cache:
            index -= 1
        view = moments[index - 1].cache[self._view_key] if index else NOTHING_SEEN
        before = moments[index - 1] if index else None
        for moment in moments[index:]:
            view = moment.cache[self._view_key] = self._look(view, moment, before)
            before = moment
        return self._look(view, now, before)

    def story_views(self, tracker: Tracker) -> list[tuple[StoryView, Moment]]:
        """The view at each moment of a tracker, with the moment, the oldest first."""
        self.story_view(tracker, tracker.now)
        return [(moment.cache[self._view_key], moment) for moment in tracker.moments]

    def _look(self, view: StoryView, moment: Moment, before: Moment | None) -> StoryView:
        loop = moment.active_loop.name if moment.active_loop else None
        return self.look(view, self.state(moment, before), moment, loop, moment.followup_action)

    def look(
        self, view: StoryView, state: State, moment: Moment, loop: str | None, followup_action: str | None
    ) -> StoryView:
        """The view one turn later; `loop` and `followup_action` are those of the moment, as far as they are known."""
        previous = state.get("prev_action")
        is_hidden, shown = after_turn(view, previous, moment, loop, followup_action)
        if is_hidden:
            return StoryView(view.seen, is_hidden, shown)
        state = self._without_rule_parts(state)
        if view.seen is not None and previous != LISTENED:
            user = view.seen.state.get("user")
            state = state if user is state.get("user") else _with_part(state, "user", user)
        if shown and shown is not previous:
            state = _with_part(state, "prev_action", shown)
        return StoryView(Seen(state, view.seen), is_hidden, shown)

    def _without_rule_parts(self, state: State) -> State:
        slots, loop = state.get("slots"), state.get("active_loop")
        if slots and not self.rule_only_slots.isdisjoint(slots):
            kept = {name: value for name, value in slots.items() if name not in self.rule_only_slots}
            state = _with_part(state, "slots", kept)
        if loop and loop["name"] in self.rule_only_loops:
            state = _with_part(state, "active_loop", None)
        return state


class History:
    """A tracker at the time of one prediction: states by how many turns back they are, 0 is now."""

    __slots__ = ("_moments", "_now", "_states", "_view", "features", "tracker")

    def __init__(self, tracker: Tracker, features: Features) -> None:
        self.tracker = tracker
        self.features = features
        self._moments = tracker.moments
        self._now = tracker.now
        self._states: list[State] = [features.state(self._now, self._moments[-1] if self._moments else None)]
        self._view: StoryView | None = None

    def state(self, back: int) -> State | None:
        """The state so many turns back, the text of the last message left out; None before the beginning."""
        if back == 0:
            return without_text(self._states[0])
        states, moments = self._states, self._moments
        while len(states) <= back:
            index = len(moments) - len(states)
            if index < 0:
                return None
            states.append(self.features.state(moments[index], moments[index - 1] if index else None))
        return states[back]

    def state_by_text(self) -> State:
        """The state now, with the text of the last message in place of its intent and entities."""
        state = self._states[0]
        if state.get("prev_action") != LISTENED:
            return state
        message = self._now.message
        has_text = message.text and message.use_text_for_featurization in (True, None)
        return _with_part(state, "user", {"text": message.text} if has_text else None)

    @property
    def now(self) -> Moment:
        return self._now

    @property
    def story_view(self) -> StoryView:
        """The view of policies that learn from stories."""
        if self._view is None:
            self._view = self.features.story_view(self.tracker, self._now)
        return self._view


def after_turn(
    view: StoryView, previous: dict[str, str] | None, moment: Moment, loop: str | None, followup_action: str | None
) -> tuple[bool, dict[str, str] | None]:
    """(whether the turn is hidden from stories, the action before the last turn that is not)."""
    shown = view.previous_action if view.is_hidden else previous
    name = (previous.get("action_name") or previous.get("action_text")) if previous else None
    # An action that was fixed, or a loop that goes on, does not change whether the turn is hidden.
    if followup_action or name == (None if loop == SHOULD_NOT_BE_SET else loop):
        return view.is_hidden, shown
    return moment.action is not None and moment.action.hide_rule_turn, shown


def action_features(action: ActionExecuted) -> dict[str, str]:
    return {"action_name": action.name} if action.name else {"action_text": action.action_text or ""}


def without_text(state: State) -> State:
    """The state for a prediction by intent: right after a message, its text is not looked at."""
    if state.get("prev_action") != LISTENED or "text" not in state.get("user", ()):
        return state
    return {**state, "user": {key: value for key, value in state["user"].items() if key != "text"}}


def state_key(state: State) -> StateKey:
    """A hashable value that is equal for equal states."""
    user, previous = state.get("user"), state.get("prev_action")
    slots, loop = state.get("slots"), state.get("active_loop")
    return (
        None if user is None else (user.get("intent"), user.get("text"), user.get("entities")),
        None if not previous else (previous.get("action_name"), previous.get("action_text")),
        frozenset(slots.items()) if slots else None,
        loop["name"] if loop else None,
    )


def state_from_json(data: Any) -> State:
    """A state as it was before it was JSON: lists are tuples again. Raises AttributeError, TypeError or ValueError."""
    state = {part: {name: _tuple(value) for name, value in values.items()} for part, values in data.items()}
    hash(state_key(state))
    return state


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _with_part(state: State, part: str, values: dict[str, Any] | None) -> State:
    """A copy with a part replaced, or left out when it would be empty."""
    changed = {name: value for name, value in state.items() if name != part}
    if values:
        changed[part] = values
    return changed


def active_loop_of(state: State) -> str | None:
    """The active loop, or None where there is none or should be none."""
    loop = state.get("active_loop")
    return None if not loop or loop["name"] == SHOULD_NOT_BE_SET else loop["name"]
