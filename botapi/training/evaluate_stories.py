"""Tests of dialogues: a bot and test stories in; what it would have done at each step, and a report of it, out.

Nothing is run or stored: an action is predicted and compared, then the story goes on as it is written.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botapi import yamlfile
from botapi.agent.bot import Bot
from botapi.agent.conversation import MAX_PREDICTIONS, Conversation
from botapi.data import markup
from botapi.data.steps import Story
from botapi.data.unroll import training_trackers
from botapi.data.write import VERSION_LINE, event_step
from botapi.names import ACTION_LISTEN, ACTION_UNLIKELY_INTENT, RESPONSE_SEPARATOR, UTTER_PREFIX
from botapi.policies.policy import Prediction
from botapi.progress import Progress, untold
from botapi.state.events import ActionExecuted, ActionExecutionRejected, Event, UserUttered
from botapi.state.tracker import Tracker
from botapi.training.reports import Scores, score

log = logging.getLogger(__name__)

STOPPED = "circuit breaker tripped"
NOTHING = "None"  # stands for an entity that is missing on one side
# Policies that know an action from rules and stories, rather than guess it.
RULE_POLICY = "RulePolicy"
MEMORIZING = (RULE_POLICY, "MemoizationPolicy", "AugmentedMemoizationPolicy")

Json = dict[str, Any]
Pairs = list[tuple[str, str]]


@dataclass
class Replay:
    """One story as it was replayed.

    `actions` are {"action", "predicted", "policy", "confidence"}. `intents` and `entities` are (expected, found), only
    with e2e. `told` are the story's events, each with a remark where the bot would have done otherwise, or would have
    found the message unlikely before it did the right thing; `failures` and `warnings` count both.
    """

    name: str
    actions: list[Json] = field(default_factory=list)
    intents: Pairs = field(default_factory=list)
    entities: Pairs = field(default_factory=list)
    told: list[tuple[Event, str | None]] = field(default_factory=list)
    failures: int = 0
    warnings: int = 0

    @property
    def has_failed(self) -> bool:
        return self.failures > 0


@dataclass(frozen=True)
class Evaluation:
    """All replays of a test; `e2e` says whether messages were understood, or taken as the stories explain them."""

    replays: list[Replay]
    e2e: bool

    @property
    def failed(self) -> list[Replay]:
        return [replay for replay in self.replays if replay.has_failed]

    @property
    def with_warnings(self) -> list[Replay]:
        """Stories that came out right although the bot found a message unlikely."""
        return [replay for replay in self.replays if replay.warnings and not replay.has_failed]

    def scores(self) -> Scores:
        """Scores of all actions, intents and entities together."""
        actions = [(one["action"], one["predicted"]) for replay in self.replays for one in replay.actions]
        pairs = actions + [pair for replay in self.replays for pair in (*replay.intents, *replay.entities)]
        return score([target for target, _ in pairs], [predicted for _, predicted in pairs])

    def as_dict(self) -> Json:
        """The answer of Rasa 3.6; `in_training_data_fraction` is that of actions known from rules and stories."""
        scores = self.scores()
        actions = [one for replay in self.replays for one in replay.actions]
        known = sum(_is_known(one) for one in actions)
        return {
            "report": scores.report,
            "precision": scores.precision,
            "f1": scores.f1,
            "accuracy": scores.accuracy,
            "actions": actions,
            "in_training_data_fraction": known / len(actions) if actions else 0.0,
            "is_end_to_end_evaluation": self.e2e,
        }


def evaluate(
    bot: Bot,
    stories: Iterable[Story],
    *,
    e2e: bool = False,
    max_stories: int | None = None,
    progress: Progress = untold,
) -> Evaluation:
    """Replay each way through the stories; rules are left out, since they are no conversations.

    With `e2e`, what the user says is understood by the bot and compared with the story's intent and entities. Raises
    Conflict for a bot without policies, DataError for stories that multiply too much.
    """
    told = [story for story in stories if not story.is_rule]
    trackers = training_trackers(told, bot.domain, augmentation=0)[:max_stories]
    replays = []
    for number, one in enumerate(trackers, 1):
        replays.append(_Replayer(bot, one.name, e2e).replay(one.tracker.events))
        progress(number / len(trackers))
    return Evaluation(replays, e2e)


def stories_with_remarks(replays: Sequence[Replay]) -> str:
    """Replayed stories as the text of a file; a comment stands where the bot would have done otherwise."""
    parts = [VERSION_LINE]
    if replays:
        parts.append("stories:\n")
    for replay in replays:
        parts.append(_indented(yamlfile.dump([{"story": replay.name}]), 0))
        parts.append("  steps:\n")
        parts.extend(_indented(text, 2) for text in _steps(replay))
    return "".join(parts)


def _steps(replay: Replay) -> Iterator[str]:
    for event, remark in replay.told:
        step = event_step(event)
        if step is None and remark is not None and isinstance(event, ActionExecuted):
            step = {"action": event.name}  # a listen that the bot would not have had
        if step is not None:
            first, _, rest = yamlfile.dump([step]).partition("\n")
            yield first + (f"  # {remark}" if remark else "") + "\n" + rest


def _indented(text: str, spaces: int) -> str:
    return "".join(" " * spaces + line if line.strip() else line for line in text.splitlines(keepends=True))


class _Replayer:
    """Replays one story: events in, the Replay out."""

    def __init__(self, bot: Bot, name: str, e2e: bool) -> None:
        self.bot, self.e2e = bot, e2e
        self.tracker = Tracker(name, bot.domain.slots)
        self.conversation = Conversation(self.tracker, bot)
        self.found = Replay(name)
        self.actions_since_listen = 0

    def replay(self, events: Sequence[Event]) -> Replay:
        for number, event in enumerate(events):
            if isinstance(event, ActionExecuted) and number:  # nothing could tell the very first one
                self._action(event)
            elif isinstance(event, UserUttered) and self.e2e and event.text:
                self._message(event)
            else:
                if isinstance(event, UserUttered) and self.e2e and event.intent_name:
                    self.found.intents.append((_intent(event), _intent(event)))
                self._go_on(event)
        return self.found

    def _go_on(self, event: Event, wrong: str | None = None) -> None:
        self.tracker.apply(event)
        self.found.failures += wrong is not None
        self.found.told.append((event, wrong and f"predicted: {wrong}"))

    # ---------------------------------------------------------------- actions

    def _action(self, event: ActionExecuted) -> None:
        expected = event.name or event.action_text or ""
        warnings = self.found.warnings
        prediction = self._predict(expected)
        predicted = self._name(prediction, expected) if prediction else STOPPED
        confidence = prediction.confidence if prediction else 0.0
        policy = prediction.policy if prediction else None
        self.found.actions.append(
            {"action": expected, "predicted": predicted, "policy": policy, "confidence": confidence}
        )
        if prediction is None or predicted != expected:
            self._go_on(event, predicted)
        else:
            # As in a conversation, so that what follows is predicted from the same state as there.
            self.tracker.apply_all(prediction.events)
            self.tracker.apply(_executed(prediction))
            has_warned = self.found.warnings > warnings
            self.found.told.append((event, f"predicted: {ACTION_UNLIKELY_INTENT}" if has_warned else None))
        self.actions_since_listen = 0 if expected == ACTION_LISTEN else self.actions_since_listen + 1

    def _predict(self, expected: str) -> Prediction | None:
        """The bot's next action; None where its turn would have been stopped."""
        if self.actions_since_listen >= MAX_PREDICTIONS:
            return None
        prediction = self._predict_with_form(expected)
        if prediction.action == ACTION_UNLIKELY_INTENT != expected:
            # Stories don't mention it: it is noted, and the bot asked again.
            self.found.warnings += 1
            self.tracker.apply_all(prediction.events)
            self.tracker.apply(_executed(prediction))
            prediction = self._predict_with_form(expected)
        return prediction

    def _predict_with_form(self, expected: str) -> Prediction:
        prediction = self.conversation.predict()
        loop = self.tracker.active_loop_name
        if prediction.action != expected and prediction.action == loop and loop in self.bot.domain.forms:
            # The story goes on without the form, as if that had refused the message.
            self.tracker.apply(ActionExecutionRejected(loop, prediction.policy, prediction.confidence))
            prediction = self.conversation.predict()
        return prediction

    def _name(self, prediction: Prediction, expected: str) -> str:
        """The action's name, with the response key (`utter_faq/ask_name`) where the story names one."""
        name = prediction.action
        if name != expected and expected.startswith(name + RESPONSE_SEPARATOR):
            message = self.tracker.latest_message
            key = message.full_retrieval_intent_name or _selected(message.parse_data)
            if key and f"{UTTER_PREFIX}{key}".startswith(name + RESPONSE_SEPARATOR):
                return f"{UTTER_PREFIX}{key}"
        return name

    # --------------------------------------------------------------- messages

    def _message(self, event: UserUttered) -> None:
        text = event.text or ""
        parsed = self.bot.parse(text)
        remarks = []
        if event.intent_name:
            expected, found = _intent(event), _understood(parsed, _intent(event))
            self.found.intents.append((expected, found))
            remarks += [found] if found != expected else []
        pairs = _entity_pairs(text, event.entities, parsed.get("entities") or ())
        self.found.entities += pairs
        if remarks or any(expected != found for expected, found in pairs):
            sentence = markup.write(text, parsed.get("entities") or ())
            self._go_on(event, f"{_understood(parsed, '')}: {' '.join(sentence.split())}")
            return
        selector = parsed.get("response_selector")
        known = {**event.parse_data, **({"response_selector": selector} if selector else {})}
        if event.intent_name:
            self.tracker.apply(event.changed(parse_data=known))
        else:  # the story leaves open what is meant: it goes on as a conversation would
            known["intent"] = parsed.get("intent") or {}
            self.tracker.apply(event.changed(parse_data=known, use_text_for_featurization=None))
        self.found.told.append((event, None))


def _executed(prediction: Prediction) -> ActionExecuted:
    name = None if prediction.action_text is not None else prediction.action
    return ActionExecuted(
        name, prediction.policy, prediction.confidence, prediction.action_text, prediction.hide_rule_turn
    )


def _is_known(action: Json) -> bool:
    """Whether an action came from a rule or story; RulePolicy is less than certain of its fallback alone."""
    is_fallback = action["policy"] == RULE_POLICY and action["confidence"] < 1.0
    return action["policy"] in MEMORIZING and not is_fallback


def _intent(event: UserUttered) -> str:
    return event.full_retrieval_intent_name or event.intent_name or ""


def _understood(parsed: Mapping[str, Any], expected: str) -> str:
    """The intent of parse data: with its response key, unless the intent without it is what was expected."""
    name = (parsed.get("intent") or {}).get("name") or ""
    if name == expected:
        return expected
    return _selected(parsed) or name


def _selected(parsed: Mapping[str, Any]) -> str | None:
    """The response key that was selected for a retrieval intent, such as `faq/ask_name`."""
    selector = parsed.get("response_selector") or {}
    name = (parsed.get("intent") or {}).get("name")
    if name not in selector.get("all_retrieval_intents", ()):
        return None
    chosen = selector.get("default") or selector.get(name) or {}
    key = chosen.get("response", {}).get("intent_response_key")
    return str(key) if key else None


def _entity_pairs(text: str, expected: Sequence[Json], found: Sequence[Json]) -> Pairs:
    """(expected, found) entities of a text, as marks like `[Rome](city)`; NOTHING where one side has none there."""
    targets, predictions = _marks(text, expected), _marks(text, found)
    places = sorted({*targets, *predictions})
    return [(targets.get(place, NOTHING), predictions.get(place, NOTHING)) for place in places]


def _marks(text: str, entities: Sequence[Json]) -> dict[tuple[int, int], str]:
    """A mark for each place; entities at the same place share theirs."""
    by_place: dict[tuple[int, int], list[Json]] = {}
    for entity in entities:
        if isinstance(entity.get("start"), int) and isinstance(entity.get("end"), int):
            # NOTE: values count as text, in which form stories have them.
            by_place.setdefault((entity["start"], entity["end"]), []).append({**entity, "value": str(entity["value"])})
    return {
        (start, end): markup.mark(text[start:end], sorted(group, key=lambda entity: str(entity.get("entity"))))
        for (start, end), group in by_place.items()
    }
