"""Writes a large made-up bot: numbers of stories, intents and slots in, a project folder out; the same each time.

The bot helps with several topics. For each it asks for slots, answers questions and small talk in between, repeats its
question, confirms and does what was asked. Stories are walks of a made-up user through that bot, whose next action
depends on intents, slots, and what it asked some turns ago, so there is something to learn from them.

Run it as `python scripts/bench/largeproject.py FOLDER [--stories 300] [--intents 60] [--slots 40]`.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

# The project is found whether it is installed or not.
sys.path.insert(0, str(Path(__file__).parents[2]))

from botapi import yamlfile

GENERAL = ("greet", "bye", "thanks", "affirm", "deny", "repeat")
TALK = ("talk_weather", "talk_name", "talk_joke", "talk_age")
RULED = ("help", "who", "human", "feedback")
OF_TOPIC = ("start", "inform", "ask", "change", "cancel")
KINDS = ("text", "categorical", "bool", "float")
VALUES = {"text": ["one", "two"], "categorical": ["plain", "express"], "bool": [True, False], "float": [0.1, 0.9]}
WORDS = "table room car bike boat tent ticket lamp phone plant coat cake book game tour class pass visa loan".split()
STARTS = ("i want a", "please get me a", "can i have a", "i am looking for a", "need a", "get a")
ENDINGS = ("", " please", " now", " today", " then", " thanks")
Step = dict[str, Any]


class Topic:
    """One thing that the bot helps with, and the slots it asks for, {name: type}."""

    def __init__(self, name: str, slots: dict[str, str]) -> None:
        self.name, self.slots = name, slots

    def intent(self, kind: str) -> str:
        return f"{kind}_{self.name}"


class Walk:
    """One conversation; `steps` are those of a story."""

    def __init__(self, topics: Iterable[Topic], chance: random.Random) -> None:
        self.chance = chance
        self.left = chance.sample(list(topics), chance.choice((1, 1, 2)))
        self.topic: Topic | None = None
        self.values: dict[str, Any] = {}
        self.question: str | None = None
        self.steps: list[Step] = []

    def run(self) -> list[Step]:
        if self.chance.random() < 0.6:
            self.say("greet", "utter_greet")
        while self.left or self.topic:
            if self.topic is None:
                self.start(self.left.pop())
            elif self.chance.random() < 0.3:
                self.digress(self.topic)
            elif self.question == f"utter_confirm_{self.topic.name}":
                self.decide(self.topic)
            else:
                self.inform(self.topic, "inform", self.chance.choice((1, 1, 2)))
        if self.chance.random() < 0.5:
            self.say("thanks", "utter_welcome")
        self.say("bye", "utter_bye")
        return self.steps

    def say(self, intent: str, *actions: str, filled: tuple[str, ...] = ()) -> None:
        entities = [{slot: str(self.values[slot])} for slot in filled]
        self.steps.append({"intent": intent, **({"entities": entities} if entities else {})})
        if filled:
            self.steps.append({"slot_was_set": [{slot: self.values[slot]} for slot in filled]})
        self.steps += [{"action": action} for action in actions]

    def start(self, topic: Topic) -> None:
        self.topic = topic
        self.inform(topic, "start", self.chance.choice((0, 0, 1)))

    def inform(self, topic: Topic, kind: str, number: int) -> None:
        missing = [slot for slot in topic.slots if slot not in self.values]
        filled = tuple(missing[:number])
        self.values |= {slot: self.chance.choice(VALUES[topic.slots[slot]]) for slot in filled}
        self.say(topic.intent(kind), *self.ask_on(topic), filled=filled)

    def ask_on(self, topic: Topic) -> list[str]:
        """The actions that go on with the topic: ask for the first slot that is missing, or to confirm."""
        missing = [slot for slot in topic.slots if slot not in self.values]
        self.question = f"utter_ask_{missing[0]}" if missing else f"utter_confirm_{topic.name}"
        if not missing and "express" in [self.values[slot] for slot in topic.slots]:
            return [f"utter_express_{topic.name}", self.question]
        return [self.question]

    def digress(self, topic: Topic) -> None:
        question = self.question or ""
        kind = self.chance.choice(("talk", "talk", "ask", "ask", "repeat", "cancel"))
        if kind == "talk":
            intent = self.chance.choice(TALK)
            self.say(intent, f"utter_{intent}", question)
        elif kind == "ask":
            self.say(topic.intent("ask"), f"utter_info_{topic.name}", question)
        elif kind == "repeat":
            self.say("repeat", question)
        else:
            self.say(topic.intent("cancel"), f"utter_cancelled_{topic.name}")
            self.topic = None

    def decide(self, topic: Topic) -> None:
        if self.chance.random() < 0.6:
            self.say("affirm", f"utter_do_{topic.name}", f"utter_done_{topic.name}")
            self.topic = None
            return
        self.say("deny", f"utter_what_{topic.name}")
        slot = self.chance.choice(list(topic.slots))
        self.values[slot] = self.chance.choice(VALUES[topic.slots[slot]])
        question = f"utter_confirm_{topic.name}"
        self.say(topic.intent("change"), f"utter_changed_{topic.name}", question, filled=(slot,))


def topics_of(intents: int, slots: int) -> list[Topic]:
    """As many topics as the numbers of intents and slots allow (one slot is the feedback form's)."""
    number = (intents - len((*GENERAL, *TALK, *RULED))) // len(OF_TOPIC)
    names = WORDS[:number]
    found: list[dict[str, str]] = [{} for _ in names]
    for place in range(slots - 1):
        index, size = place % number, place // number
        found[index][f"{names[index]}_{size}"] = KINDS[(index + size) % len(KINDS)]
    return [Topic(name, slots) for name, slots in zip(names, found, strict=True)]


def walks(topics: list[Topic], number: int, seed: int = 1) -> list[list[Step]]:
    """Steps of that many stories; another seed gives others."""
    chance = random.Random(seed)
    return [Walk(topics, chance).run() for _ in range(number)]


def domain(topics: list[Topic], intents: int) -> dict[str, Any]:
    names = [*GENERAL, *TALK, *RULED, *(topic.intent(kind) for topic in topics for kind in OF_TOPIC)]
    names += [f"spare_{number}" for number in range(intents - len(names))]
    slots = {name: slot(name, kind) for topic in topics for name, kind in topic.slots.items()}
    slots["feedback"] = {
        "type": "text",
        "mappings": [{"type": "from_text", "conditions": [{"active_loop": "feedback_form"}]}],
    }
    of_topic = ("confirm", "express", "info", "cancelled", "do", "done", "what", "changed")
    utters = ["greet", "bye", "welcome", "default", "ask_feedback", *TALK, *RULED]
    utters += [f"{kind}_{topic.name}" for topic in topics for kind in of_topic]
    utters += [f"ask_{name}" for topic in topics for name in topic.slots]
    return {
        "version": "3.1",
        "intents": names,
        "entities": [name for name in slots if name != "feedback"],
        "slots": slots,
        "forms": {"feedback_form": {"required_slots": ["feedback"]}},
        "responses": {f"utter_{name}": [{"text": name.replace("_", " ")}] for name in utters},
    }


def slot(name: str, kind: str) -> dict[str, Any]:
    values = {"values": VALUES[kind]} if kind == "categorical" else {}
    return {"type": kind, **values, "mappings": [{"type": "from_entity", "entity": name}]}


def rules() -> list[dict[str, Any]]:
    found = [
        {"rule": name, "steps": [{"intent": name}, {"action": f"utter_{name}"}]} for name in RULED if name != "feedback"
    ]
    active = {"active_loop": "feedback_form"}
    found.append({"rule": "ask", "steps": [{"intent": "feedback"}, {"action": "feedback_form"}, active]})
    end = [{"action": "feedback_form"}, {"active_loop": None}, {"action": "utter_feedback"}]
    return [*found, {"rule": "thank", "condition": [active], "steps": end}]


def sentences(intent: str) -> str:
    """Examples of an intent: its name within beginnings and endings that all intents share."""
    name = intent.replace("_", " ")
    return "".join(f"- {start} {name}{ending}\n" for start in STARTS for ending in ENDINGS[:3]) + f"- {name}\n"


def write(folder: Path, stories: int, intents: int, slots: int) -> None:
    topics = topics_of(intents, slots)
    known = domain(topics, intents)
    told = [{"story": f"story {n}", "steps": steps} for n, steps in enumerate(walks(topics, stories), 1)]
    nlu = [{"intent": intent, "examples": sentences(intent)} for intent in known["intents"]]
    files: dict[str, dict[str, Any]] = {
        "config.yml": {"recipe": "default.v1", "language": "en", "assistant_id": "large"},
        "domain.yml": known,
        "data/nlu.yml": {"version": "3.1", "nlu": nlu},
        "data/stories.yml": {"version": "3.1", "stories": told},
        "data/rules.yml": {"version": "3.1", "rules": rules()},
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yamlfile.dump(content), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    for name, default in (("stories", 300), ("intents", 60), ("slots", 40)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    write(options.folder, options.stories, options.intents, options.slots)


if __name__ == "__main__":
    main()
