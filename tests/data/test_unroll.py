"""Unrolling: stories and rules as YAML in, training trackers with their events and names out."""

from __future__ import annotations

import logging

import pytest

from botapi.data import unroll
from botapi.data.blocks import FILLED, SHOULD_NOT_BE_SET
from botapi.data.project import read_text
from botapi.data.unroll import training_trackers
from botapi.errors import DataError
from botapi.state.events import ActionExecuted, ActiveLoop, SlotSet, UserUttered

DOMAIN = """
intents: [a, b, c, d, e]
entities: [name, color]
slots:
  name: {type: text, mappings: [{type: from_entity, entity: name}]}
  tags: {type: list, mappings: [{type: from_entity, entity: color}]}
  size: {type: categorical, values: [s, l], initial_value: s, mappings: [{type: custom}]}
  inside: {type: text, mappings: [{type: from_entity, entity: name, conditions: [{active_loop: form}]}]}
forms: {form: {required_slots: [name]}}
responses: {utter_a: [{text: a}], utter_b: [{text: b}], utter_c: [{text: c}], utter_d: [{text: d}],
  utter_e: [{text: e}]}
"""


def unrolled(text, augmentation=0):
    project = read_text(DOMAIN + text, "bot.yml")
    return training_trackers(project.stories, project.domain, augmentation)


def shown(tracker):
    """The events of a training tracker, short: +intent, action, slot=value, (loop)."""
    parts = []
    for event in tracker.tracker.events:
        if isinstance(event, UserUttered):
            parts.append("+" + str(event.intent_name or event.text))
        elif isinstance(event, ActionExecuted):
            parts.append(event.name or repr(event.action_text))
        elif isinstance(event, SlotSet):
            parts.append(f"{event.name}={event.value}")
        elif isinstance(event, ActiveLoop):
            parts.append(f"({event.name})")
    return " ".join(parts).replace("action_listen", "listen")


def ways(text, augmentation=0):
    """The intents that each tracker passes."""
    return sorted(
        "".join(event.intent_name for event in tracker.tracker.events if isinstance(event, UserUttered))
        for tracker in unrolled(text, augmentation)
    )


def story(name, steps):
    return f"- story: {name}\n  steps: [{steps}]\n"


def turn(intent):
    return f"{{intent: {intent}}}, {{action: utter_{intent}}}"


def chain(*parts):
    """Stories of one turn each: (intent, checkpoint before or None, checkpoint after or None)."""
    text = "stories:\n"
    for intent, before, after in parts:
        steps = [f"{{checkpoint: {before}}}"] if before else []
        steps += [turn(intent)] + ([f"{{checkpoint: {after}}}"] if after else [])
        text += story(intent, ", ".join(steps))
    return text


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        pytest.param(story("x", turn("a")), ["listen +a utter_a listen"], id="a turn"),
        pytest.param(
            story("x", turn("a") + "," + turn("b")), ["listen +a utter_a listen +b utter_b listen"], id="two turns"
        ),
        pytest.param(story("x", "{action: utter_a}"), ["utter_a listen"], id="an action first"),
        pytest.param(
            story("x", "{intent: a, entities: [{name: Bo}, {color: red}, {color: blue}]}, {action: utter_a}"),
            ["listen +a name=Bo tags=['red', 'blue'] utter_a listen"],
            id="entities fill slots, but not those that need a form",
        ),
        pytest.param(
            story("x", "{intent: a}, {slot_was_set: [{size: l}, name, tags, size]}, {action: utter_a}"),
            [f"listen +a size=l name={FILLED} tags=['{FILLED}'] size=None utter_a listen"],
            id="slots with and without a value",
        ),
        pytest.param(
            story("x", "{intent: a}, {action: form}, {active_loop: form}, {active_loop: null}"),
            ["listen +a form (form) (None) listen"],
            id="a form",
        ),
        pytest.param(
            story("x", '{user: "say a"}, {bot: "I say b"}'), ["listen +say a 'I say b' listen"], id="end to end"
        ),
        pytest.param(
            story("x", "{or: [{intent: a}, {intent: b}]}, {action: utter_a}"),
            ["listen +a utter_a listen", "listen +b utter_a listen"],
            id="or of intents",
        ),
        pytest.param(
            story(
                "x", "{intent: a}, {or: [{slot_was_set: [{name: Bo}]}, {slot_was_set: [{size: l}]}]}, {action: utter_a}"
            ),
            ["listen +a name=Bo utter_a listen", "listen +a size=l utter_a listen"],
            id="or of slots",
        ),
        pytest.param(
            story("x", "{or: [{intent: a}, {intent: b}]}, {or: [{intent: c}, {intent: d}]}, {action: utter_a}"),
            [f"listen +{one} listen +{two} utter_a listen" for one in "ab" for two in "cd"],
            id="or after or",
        ),
        pytest.param(
            story("x", "{or: [{intent: a}]}, {action: utter_a}"), ["listen +a utter_a listen"], id="or of one"
        ),
    ],
)
def test_stories_become_events(part, expected):
    trackers = unrolled("stories:\n" + part)
    assert sorted(map(shown, trackers)) == expected
    assert {(t.name, t.is_rule, t.is_augmented, t.story.line) for t in trackers} == {("x", False, False, 13)}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param("", "... listen +a utter_a listen", id="anywhere"),
        pytest.param("conversation_start: true", "listen +a utter_a listen", id="at the start"),
        pytest.param("wait_for_user_input: false", "... listen +a utter_a ... listen", id="something follows"),
        pytest.param(
            "condition: [{active_loop: form}, {slot_was_set: [{name: null}, {size: l}]}]",
            f"(form) name={SHOULD_NOT_BE_SET} size=l ... listen +a utter_a listen",
            id="conditions",
        ),
        pytest.param(
            "condition: [{active_loop: null}]", f"({SHOULD_NOT_BE_SET}) ... listen +a utter_a listen", id="no form"
        ),
    ],
)
def test_rules_become_events(options, expected):
    (tracker,) = unrolled(f"rules:\n- rule: x\n  steps: [{turn('a')}]\n  {options}\n")
    assert (shown(tracker), tracker.name, tracker.is_rule) == (expected, "x", True)


def test_in_stories_null_is_an_empty_slot():
    (tracker,) = unrolled("stories:\n" + story("x", "{intent: a}, {slot_was_set: [{name: null}]}, {active_loop: null}"))
    assert shown(tracker) == "listen +a name=None (None) listen"


@pytest.mark.parametrize(
    ("text", "unpredictable"),
    [
        ("stories:\n" + story("x", "{action: utter_a}, {action: utter_b}"), ["utter_a"]),
        ("stories:\n" + story("x", "{intent: a}, {action: utter_a}"), []),
        ("rules:\n- rule: x\n  steps: [{action: utter_a}]\n", ["..."]),
        ("rules:\n- rule: x\n  conversation_start: true\n  steps: [{action: utter_a}]\n", ["utter_a"]),
    ],
)
def test_an_action_that_opens_a_conversation_is_not_to_be_learned(text, unpredictable):
    (tracker,) = unrolled(text)
    actions = [event for event in tracker.tracker.events if isinstance(event, ActionExecuted)]
    assert [event.name for event in actions if event.unpredictable] == unpredictable


def test_checkpoints_join_stories():
    trackers = unrolled(chain(("a", None, "p"), ("b", "p", None), ("c", "p", None)))
    assert [tracker.name for tracker in trackers] == ["a > b", "a > c"]
    assert shown(trackers[0]) == "listen +a utter_a listen +b utter_b listen"


def test_a_story_may_pass_several_checkpoints():
    steps = turn("a") + ", {checkpoint: p}, {checkpoint: q}, " + turn("b")
    text = "stories:\n" + story("x", steps) + story("y", "{checkpoint: q}, " + turn("c"))
    assert ways(text) == ["ab", "ac"]


def test_checkpoints_ask_for_slots():
    text = (
        "stories:\n"
        + story("small", turn("a") + ", {checkpoint: p}")
        + story("large", turn("b") + ", {slot_was_set: [{size: l}]}, {checkpoint: p}")
        + story("x", "{checkpoint: p, slot_was_set: [{size: l}]}, " + turn("c"))
        + story("y", "{checkpoint: p, slot_was_set: [{size: s}, {name: null}]}, " + turn("d"))
    )
    assert ways(text) == ["ad", "bc"]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param(
            [("a", None, "p"), ("b", "p", "p"), ("d", "p", None)], ["abbbd", "abbd", "abd", "ad"], id="itself"
        ),
        pytest.param(
            [("a", None, "p"), ("b", "p", "q"), ("c", "q", "p"), ("d", "q", None)],
            ["abcbcbd", "abcbd", "abd"],
            id="two stories",
        ),
        pytest.param([("a", None, "p"), ("b", "p", "p")], [], id="no way out"),
    ],
)
def test_circles_are_walked_twice(parts, expected):
    # What Rasa 3.6.21 gives for the same stories, in whatever order they stand.
    assert ways(chain(*parts)) == expected
    assert ways(chain(*reversed(parts))) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (chain(("a", None, "p")), "'a' ends at the checkpoint 'p', but no story starts there"),
        (chain(("a", None, None), ("b", "p", None)), "'b' starts at the checkpoint 'p', but no story ends there"),
        (chain(("a", "p", None)), "Every story starts at a checkpoint"),
        ("stories:\n" + story("x", "{or: [{intent: a}, {intent: b}]}"), "stops at an 'or' that nothing follows"),
        (
            "stories:\n" + story("x", turn("a") + ", {checkpoint: p, slot_was_set: [{size: l}]}, " + turn("b")),
            "only one at the beginning of a story",
        ),
        ("stories:\n" + story("x", "{intent: a}, {slot_was_set: [size]}"), "names the slot 'size' without a value"),
    ],
)
def test_what_looks_like_a_mistake_is_logged_with_its_place(text, says, caplog):
    with caplog.at_level(logging.WARNING):
        unrolled(text)
    assert any(says in record.getMessage() for record in caplog.records)
    assert "line 1" in caplog.text or "Every story" in caplog.text


def test_a_story_that_ends_at_a_checkpoint_nobody_takes_is_learned_all_the_same():
    (tracker,) = unrolled(chain(("a", None, "p")))
    assert shown(tracker) == "listen +a utter_a"


def test_stories_that_look_alike_come_once():
    same = story("x", turn("a")) + story("y", turn("a"))
    assert [tracker.name for tracker in unrolled("stories:\n" + same)] == ["x"]
    # Policies see only that a text slot is set, not to what.
    first = "{intent: a}, {slot_was_set: [{name: Bo}]}, {action: utter_a}"
    assert len(unrolled("stories:\n" + story("x", first) + story("y", first.replace("Bo", "Al")))) == 1
    assert len(unrolled("stories:\n" + story("x", first) + story("y", first.replace("Bo", "null")))) == 2


def test_augmentation_joins_stories_always_the_same_way():
    text = "stories:\n" + "".join(story(i, turn(i)) for i in "abcd") + f"rules:\n- rule: r\n  steps: [{turn('e')}]\n"
    trackers = unrolled(text, augmentation=3)
    extra = [tracker for tracker in trackers if tracker.is_augmented]
    assert [tracker.name for tracker in trackers if not tracker.is_augmented] == ["a", "b", "c", "d", "r"]
    assert 0 < len(extra) <= 30 and not any(tracker.is_rule for tracker in extra)
    assert all(shown(tracker).startswith("listen +") and "listen listen" not in shown(tracker) for tracker in extra)
    assert all(len(tracker.name) > 1 or "+" in shown(tracker)[9:] for tracker in extra)
    assert list(map(shown, unrolled(text, augmentation=3))) == list(map(shown, trackers))


def test_too_many_ways_are_refused_with_the_place(monkeypatch):
    monkeypatch.setattr(unroll, "MAX_WAYS", 60)
    alternatives = "{or: [{intent: a}, {intent: b}, {intent: c}, {intent: d}]}, {action: utter_a}"
    fits = "stories:\n" + story("x", ", ".join([alternatives] * 2))
    assert len(unrolled(fits)) == 16
    with pytest.raises(DataError, match=r"pass 'x' to more than 60\..*bot.yml, line 13"):
        unrolled("stories:\n" + story("x", ", ".join([alternatives] * 3)))


def test_entities_stay_out_of_slots_when_the_domain_says_so():
    text = "config: {store_entities_as_slots: false}\nstories:\n"
    (tracker,) = unrolled(text + story("x", "{intent: a, entities: [{name: Bo}]}, {action: utter_a}"))
    assert shown(tracker) == "listen +a utter_a listen"
