"""The policy that generalises from stories: what it does where no story goes, by intent and by words."""

from __future__ import annotations

import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from botapi.data.project import read_text
from botapi.data.unroll import training_trackers
from botapi.errors import ConfigError, ModelError
from botapi.policies.ensemble import Ensemble
from botapi.policies.features import Features, History
from botapi.policies.learned import FILE, LearnedPolicy
from botapi.policies.memoization import AugmentedMemoizationPolicy, MemoizationPolicy
from botapi.state.events import ActionExecuted, ActionExecutionRejected
from tests.policies.largebot import large_bot, replayed
from tests.policies.talks import Talk, trained

ROOT = Path(__file__).parents[2]
MOODS = """
policies: [{name: MemoizationPolicy}, {name: RulePolicy}, {name: TEDPolicy}]
intents: [greet, great, sad, affirm, deny, bye, challenge, unheard]
responses: {utter_greet: [{text: a}], utter_happy: [{text: a}], utter_cheer: [{text: a}], utter_help: [{text: a}],
  utter_bye: [{text: a}], utter_bot: [{text: a}], utter_never: [{text: a}]}
stories:
- story: happy
  steps: [{intent: greet}, {action: utter_greet}, {intent: great}, {action: utter_happy}]
- story: helped
  steps: [{intent: greet}, {action: utter_greet}, {intent: sad}, {action: utter_cheer}, {action: utter_help},
    {intent: affirm}, {action: utter_happy}]
- story: not helped
  steps: [{intent: greet}, {action: utter_greet}, {intent: sad}, {action: utter_cheer}, {action: utter_help},
    {intent: deny}, {action: utter_bye}]
rules:
- rule: bot
  steps: [{intent: challenge}, {action: utter_bot}]
"""
BOOKING = """
policies: [{name: TEDPolicy}]
intents: [book, inform, joke, thank]
entities: [day, place]
slots:
  day: {type: text, mappings: [{type: from_entity, entity: day}]}
  place: {type: categorical, values: [in, out], mappings: [{type: from_entity, entity: place}]}
  rating: {type: float, mappings: [{type: custom}]}
responses: {utter_day: [{text: a}], utter_place: [{text: a}], utter_done: [{text: a}], utter_rain: [{text: a}],
  utter_joke: [{text: a}], utter_sorry: [{text: a}], utter_hooray: [{text: a}]}
stories:
- story: inside
  steps: [{intent: book}, {action: utter_day}, {intent: inform, entities: [{day: today}]},
    {slot_was_set: [{day: today}]}, {action: utter_place}, {intent: inform, entities: [{place: in}]},
    {slot_was_set: [{place: in}]}, {action: utter_done}]
- story: outside
  steps: [{intent: book}, {action: utter_day}, {intent: inform, entities: [{day: today}]},
    {slot_was_set: [{day: today}]}, {action: utter_place}, {intent: inform, entities: [{place: out}]},
    {slot_was_set: [{place: out}]}, {action: utter_rain}, {action: utter_done}]
- story: joke after the first question
  steps: [{intent: book}, {action: utter_day}, {intent: joke}, {action: utter_joke}, {action: utter_day}]
- story: bad
  steps: [{slot_was_set: [{rating: 0.1}]}, {intent: thank}, {action: utter_sorry}]
- story: good
  steps: [{slot_was_set: [{rating: 0.9}]}, {intent: thank}, {action: utter_hooray}]
"""
WORDS = """
policies: [{name: MemoizationPolicy}, {name: TEDPolicy}]
intents: [greet, other]
responses: {utter_greet: [{text: a}]}
stories:
- story: by intent
  steps: [{intent: greet}, {action: utter_greet}]
- story: by words
  steps: [{user: what is the weather in berlin}, {bot: "Sunny, as ever."}]
- story: by other words
  steps: [{user: sing me a song}, {bot: "La la la."}]
"""


@pytest.fixture(scope="module")
def moods():
    return trained(MOODS, augmentation=50)


@pytest.fixture(scope="module")
def booking():
    return trained(BOOKING, augmentation=50)


@pytest.fixture(scope="module")
def words():
    return trained(WORDS, augmentation=50)


@pytest.mark.parametrize(
    ("before", "intent", "actions"),
    [
        pytest.param([], "sad", ["utter_cheer", "utter_help"], id="without the greeting that all stories have"),
        pytest.param(["greet"], "affirm", ["utter_happy"], id="an answer to no question"),
        pytest.param(["greet", "great"], "sad", ["utter_cheer", "utter_help"], id="another mood"),
        pytest.param(["greet", "sad"], "great", ["utter_happy"], id="a statement in place of an answer"),
        pytest.param(["greet", "greet"], "great", ["utter_happy"], id="a message twice"),
        pytest.param(["greet", "sad", "deny", "greet", "sad"], "affirm", ["utter_happy"], id="stories one by one"),
        pytest.param(["greet", "sad", "sad", "sad"], "deny", ["utter_bye"], id="a question again and again"),
    ],
)
def test_turns_that_no_story_has_in_this_order_are_answered_sensibly(moods, before, intent, actions):
    talk = Talk(moods)
    for earlier in before:
        talk.answers(earlier)
    assert talk.say(intent).next().action == actions[0]
    talk.run()
    for action in actions[1:]:
        assert talk.run() == action
    assert talk.run() == "action_listen"


def test_a_question_is_asked_again_after_something_in_between(booking):
    talk = Talk(booking)
    talk.answers("book")
    talk.answers("inform", day="today")
    assert talk.say("joke").run() == "utter_joke"
    talk = Talk(booking)
    assert talk.answers("book") == ["utter_day"]
    assert talk.answers("joke") == ["utter_joke", "utter_day"]
    assert talk.answers("joke") == ["utter_joke", "utter_day"]


@pytest.mark.parametrize(("place", "actions"), [("in", ["utter_done"]), ("out", ["utter_rain", "utter_done"])])
def test_slots_decide(booking, place, actions):
    talk = Talk(booking)
    talk.answers("book")
    talk.answers("joke")
    talk.say("inform", day="today").set("day", "tomorrow")
    assert talk.run() == "utter_place" and talk.run() == "action_listen"
    talk.say("inform", place=place).set("place", place)
    assert [talk.run() for _ in actions] == actions


@pytest.mark.parametrize(("rating", "action"), [(0.0, "utter_sorry"), (0.2, "utter_sorry"), (1.0, "utter_hooray")])
def test_numbers_count_by_their_size(booking, rating, action):
    assert Talk(booking).set("rating", rating).say("thank").next().action == action


def test_memory_and_rules_go_first_even_when_the_model_is_certain(moods):
    talk = Talk(moods)
    assert (talk.say("greet").next().policy, talk.next().confidence) == ("MemoizationPolicy", 1.0)
    assert Talk(moods).say("challenge").next().policy == "RulePolicy"
    prediction = Talk(moods).say("sad").next()
    assert (prediction.policy, prediction.priority) == ("TEDPolicy", 1) and 0.3 < prediction.confidence < 1
    learned = LearnedPolicy({})
    learned.load(files_of(moods), moods.domain)
    assert max(learned.predict(History(talk.tracker, Features(moods.domain))).scores.values()) > 0.9


def test_confidences_add_up_to_one_over_actions_of_the_stories(moods):
    learned = LearnedPolicy({})
    learned.load(files_of(moods), moods.domain)
    scores = learned.predict(History(Talk(moods).say("sad").tracker, Features(moods.domain))).scores
    assert sum(scores.values()) == pytest.approx(1.0)
    assert scores.keys() <= {"action_listen", "utter_greet", "utter_happy", "utter_cheer", "utter_help", "utter_bye"}


def test_below_the_core_threshold_the_fallback_wins():
    text = MOODS.replace("{name: RulePolicy}", "{name: RulePolicy, core_fallback_threshold: 0.99}")
    prediction = Talk(trained(text)).say("sad").next()
    assert (prediction.action, prediction.policy) == ("action_default_fallback", "RulePolicy")
    assert 0 < prediction.scores["action_default_fallback"] == 0.99


def test_after_what_no_story_has_the_fallback_decides(moods):
    assert Talk(moods).say("unheard").next().action == "action_default_fallback"
    assert Talk(moods).say("greet").happen(ActionExecuted("utter_never")).next().action == "action_default_fallback"


def test_turns_of_rules_are_not_seen(moods):
    talk = Talk(moods)
    talk.answers("sad")
    assert talk.answers("challenge") == ["utter_bot"]
    assert talk.answers("deny") == ["utter_bye"]


def test_an_unlikely_message_is_answered_as_if_it_were_likely(moods):
    talk = Talk(moods).say("sad").happen(ActionExecuted("action_unlikely_intent"))
    assert (talk.run(), talk.run(), talk.run()) == ("utter_cheer", "utter_help", "action_listen")


def test_a_rejected_action_is_not_predicted(moods):
    talk = Talk(moods).say("sad").happen(ActionExecutionRejected("utter_cheer"))
    assert talk.next().action != "utter_cheer"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("what is the weather in berlin", "Sunny, as ever."),
        ("the weather in berlin?", "Sunny, as ever."),
        ("sing a song", "La la la."),
    ],
)
def test_words_count_where_stories_have_them(words, text, answer):
    talk = Talk(words).say("other", text)
    prediction = talk.next()
    assert (prediction.action, prediction.action_text, prediction.is_end_to_end) == (answer, answer, True)
    assert prediction.events[-1].use_text_for_featurization is True
    talk.happen(*prediction.events, ActionExecuted(None, "TEDPolicy", 0.9, answer))
    assert talk.next().action == "action_listen"


def test_an_intent_goes_before_words_that_say_less(words):
    prediction = Talk(words).say("greet", "hello in berlin").next()
    assert (prediction.action, prediction.is_end_to_end) == ("utter_greet", False)
    assert prediction.events[-1].use_text_for_featurization is False


def test_words_need_their_threshold():
    strict = trained(WORDS.replace("name: TEDPolicy", "name: TEDPolicy, e2e_confidence_threshold: 1.0"))
    assert not Talk(strict).say("other", "sing me a song").next().is_end_to_end


def test_unseen_stories_of_a_large_bot_go_better_than_by_memory():
    domain, learning, unseen = large_bot(learned=80, unseen=30, intents=30, slots=12)
    right = {}
    for policy in (MemoizationPolicy({}), AugmentedMemoizationPolicy({"max_history": 5}), LearnedPolicy({})):
        policy.train(learning, domain, Features(domain))
        ensemble = Ensemble([policy], domain, {"slots": [], "loops": []})
        found = [
            ensemble.predict(tracker).action == action
            for story in unseen
            for tracker, action in replayed(story, domain)
        ]
        assert len(found) > 400
        right[policy.name] = sum(found) / len(found)
    assert right.pop("TEDPolicy") > max(0.95, *(share + 0.1 for share in right.values()))


def test_stories_themselves_are_known_for_sure(moods):
    learned = LearnedPolicy({})
    learned.load(files_of(moods), moods.domain)
    features = Features(moods.domain)
    project = read_text(MOODS)
    for story in training_trackers(project.stories, project.domain, 0):
        if not story.is_rule:
            for tracker, action in replayed(story, project.domain):
                scores = learned.predict(History(tracker, features)).scores
                assert max(scores, key=scores.get) == action and scores[action] > 0.8


# ------------------------------------------------------------------------------------------- configuration, files


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"max_history": "5"}, id="text"),
        pytest.param({"max_history": -1}, id="negative"),
        pytest.param({"e2e_confidence_threshold": True}, id="no number"),
        pytest.param({"ranking_length": 1.5}, id="half"),
    ],
)
def test_wrong_options_are_refused(options):
    with pytest.raises(ConfigError, match="TEDPolicy has"):
        LearnedPolicy(options)


def test_options_of_neural_networks_are_named_in_one_line_of_the_log(caplog):
    caplog.set_level("INFO")
    project = read_text(MOODS)
    config = [
        {"name": "rasa.core.policies.ted_policy.TEDPolicy", "epochs": 100, "max_history": 5, "batch_size": [1, 2]}
    ]
    stories = [story for story in project.stories if not story.is_rule]
    Ensemble.train(config, training_trackers(stories, project.domain), project.domain)
    (line,) = [line for line in caplog.messages if "TEDPolicy" in line]
    assert "batch_size, epochs without effect" in line and "max_history" not in line


def test_no_stories_no_predictions():
    only_rules = MOODS[: MOODS.index("stories:")] + MOODS[MOODS.index("rules:") :]
    ensemble = trained(only_rules)
    assert Talk(ensemble).say("challenge").next().action == "utter_bot"
    assert Talk(ensemble).say("sad").next().action == "action_default_fallback"


def test_max_history_says_how_far_back_the_policy_looks():
    text = """
policies: [{name: TEDPolicy, max_history: 2}]
intents: [a, b, go]
responses: {utter_a: [{text: a}], utter_b: [{text: a}], utter_one: [{text: a}], utter_two: [{text: a}]}
stories:
- story: one
  steps: [{intent: a}, {action: utter_a}, {intent: b}, {action: utter_b}, {intent: go}, {action: utter_one}]
- story: two
  steps: [{intent: b}, {action: utter_a}, {intent: b}, {action: utter_b}, {intent: go}, {action: utter_two}]
"""
    for size, told_apart in ((2, False), (9, True)):
        ensemble = trained(text.replace("max_history: 2", f"max_history: {size}"))
        ends = {}
        for first in "ab":
            talk = Talk(ensemble).say(first)
            for event in ("utter_a", "action_listen"):
                talk.happen(ActionExecuted(event))
            talk.say("b").happen(ActionExecuted("utter_b"), ActionExecuted("action_listen")).say("go")
            ends[first] = talk.next()
        assert (ends["a"].action != ends["b"].action) == told_apart
        assert (ends["a"].scores == ends["b"].scores) != told_apart


def test_only_the_best_are_ranked():
    plain = Talk(trained(MOODS)).say("sad").next().scores
    short = MOODS.replace("name: TEDPolicy", "name: TEDPolicy, ranking_length: 2")
    two = {action: score for action, score in Talk(trained(short)).say("sad").next().scores.items() if score}
    assert len(two) == 2 and max(two.values()) == max(plain.values())
    assert all(plain[action] == score for action, score in two.items())
    whole = Talk(trained(short.replace("_length: 2", "_length: 2, renormalize_confidences: true"))).say("sad").next()
    assert sum(whole.scores[action] for action in two) == pytest.approx(1.0)


def test_it_saves_the_same_bytes_each_time_and_in_each_process(moods):
    assert Ensemble.load(moods_config(), moods.save(), moods.domain).save() == moods.save()
    assert trained(MOODS, augmentation=50).save() == moods.save()
    program = (
        "import sys; from tests.policies.test_learned import MOODS, trained; from hashlib import sha256;"
        "print(sha256(trained(MOODS, augmentation=50).save()['02-TEDPolicy/learned.json']).hexdigest())"
    )
    found = {
        subprocess.run([sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, cwd=ROOT, capture_output=True,
                       text=True, check=True).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert found == {sha256(files_of(moods)[FILE]).hexdigest() + "\n"}


def test_another_seed_gives_another_model():
    seeded = trained(MOODS.replace("name: TEDPolicy", "name: TEDPolicy, random_seed: 7"))
    assert files_of(seeded) != files_of(trained(MOODS))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="missing"),
        pytest.param(b"{", id="no JSON"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"knows_words": false, "model": 3}', id="a number"),
        pytest.param(b'{"knows_words": false, "model": {"labels": [1], "features": [], "weights": []}}', id="label"),
        pytest.param(b'{"knows_words": false, "model": {"labels": [], "features": [["a"]], "weights": []}}', id="row"),
        pytest.param(
            b'{"knows_words": false, "model": {"labels": ["os.system"], "features": [], "weights": []}}', id="action"
        ),
        *(
            pytest.param(
                b'{"knows_words": false, "model": {"labels": ["utter_bye"], "features": [%s], "weights": [%s]}}' % row,
                id=row[1].decode(),
            )
            for row in (
                (b'["a"]', b"[0]"), (b'["a"]', b"[1, 1]"), (b'["a"]', b"[-1, 1]"), (b'["a"]', b"[0, 1e5]"),
                (b'["a"]', b"[0, 99999999999]"), (b'[["a"]]', b"[0, 1]"), (b'["a"]', b"7"), (b'["a"]', b"[0, true]"),
            )
        ),
    ],
)  # fmt: skip
def test_damaged_files_are_refused(moods, content):
    files = {} if content is None else {FILE: content}
    with pytest.raises(ModelError, match="Train the model again"):
        LearnedPolicy({}).load(files, moods.domain)


def test_its_cost_does_not_grow_with_the_conversation(moods):
    def seconds(turns):
        talk = Talk(moods)
        for _ in range(turns):
            talk.answers("sad")
            talk.answers("affirm")
        talk.say("sad").next()
        spent = []
        for _ in range(100):
            started = time.perf_counter()
            talk.next()
            spent.append(time.perf_counter() - started)
        return sorted(spent)[20]

    assert seconds(400) < 3 * seconds(4)


def files_of(ensemble):
    return ensemble.policies[-1].save()


def moods_config():
    return [{"name": name} for name in ("MemoizationPolicy", "RulePolicy", "TEDPolicy")]
