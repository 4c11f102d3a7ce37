"""Texts as nobody writes them, asked over HTTP: answers are whole, offsets fit the text, entities come once."""

from __future__ import annotations

import json

import pytest

from botapi.wsgi import create_app
from tests.attackedbot import agent
from tests.attacks import check, strictly
from tests.strict import client

EMOJI = (
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f468\U0001f3fd\u200d\U0001f692 \U0001f1e9\U0001f1ea 1\ufe0f\u20e3"
)
TEXTS = {
    "empty": "",
    "blanks alone": " \u00a0\u2003\u3000\t\n" * 100,
    "long": "order tea in Rome " * 58_000,
    "one long word": "a" * 1_000_000,
    "ten thousand words": " ".join(f"w{number}" for number in range(10_000)),
    "marks alone": "{[('\"" * 1_000,
    "emoji of many characters": f"order {EMOJI} tea in Rome{EMOJI}",
    "combining characters": "o\u0301rder tea\u0301 in Ro\u0308me, Rome\u0301 and Paris",
    "many accents on one letter": "order t" + "\u0301" * 3_000 + "ea in Rome",
    "Chinese": "我要在北京和Rome喝tea，然后去Paris",
    "Japanese": "か\u3099 tea ﾃｨｰ をRomeで",
    "Thai": "สั่ง tea ที่ Rome พรุ่งนี้",
    "Hindi": "रोम में tea और Rome",
    "right to left": "\u202eorder tea\u202c שלום מ-Rome אל Paris مرحبا",
    "unseen characters": "\ufefforder\u200btea\u00ad in Ro\u00adme \u2060Rome",
    "letters whose lower case is longer": "İ order tea in Rome İİ Paris ẞ ŉ",
    "styled letters": "𝓸𝓻𝓭𝓮𝓻 𝓽𝓮𝓪 ｔｅａ in Rome",
    "beyond all planes": "\ue000 tea \U0010ffff Rome \ufffe\uffff Paris",
    "blanks of all kinds": "order tea\u2028in\x85Rome\x1cand\x1dParis\r\n",
    "commas": "order tea, coffee ,tea,, Rome , Paris",
    "synonyms": "a small coffee in roma, ROMA and Roma",
    "as if it named an intent": '/order{"item": ["tea", "\U0001f600"]',
}


@pytest.fixture(scope="module")
def server():
    made = create_app(agent())
    yield client(made)
    made.close()


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_an_odd_text_is_understood_somehow(server, text):
    body = json.dumps({"text": text}, ensure_ascii=False).encode()
    found = strictly(server.post("/model/parse", body).body.decode("utf-8"))
    read = found["text"]
    assert read == text.strip(), "as in Rasa, blanks around a text are no part of it"
    places = [(entity["entity"], entity["start"], entity["end"]) for entity in found["entities"]]
    assert len(set(places)) == len(places)
    for entity in found["entities"]:
        written = read[entity["start"] : entity["end"]]
        assert written.strip()
        assert entity["value"] == written or "EntitySynonymMapper" in entity["processors"]
    ends = [0]
    for start, end in found.get("text_tokens", ()):
        assert ends[-1] <= start <= end <= len(read)
        ends.append(end)


@pytest.mark.parametrize(("before", "after"), [("", ""), (EMOJI, EMOJI), ("我e\u0301", "\u200f"), ("İİ", "ẞ")])
def test_what_stands_around_an_entity_moves_it_and_nothing_else(server, before, after):
    text = f"{before} Paris {after}".strip()
    found = server.post_json("/model/parse", {"text": text}).json["entities"]
    start = text.index("Paris")
    assert ("city", start, start + 5) in [(entity["entity"], entity["start"], entity["end"]) for entity in found]


@pytest.mark.parametrize("written", [r"order \ud800 tea", r"\udc00\ud800", r"\u0000", r"tea\u0000Rome"])
def test_what_is_no_text_is_refused(server, written):
    answer = check(server.post("/model/parse", b'{"text": "%s"}' % written.encode(), expect_errors=True))
    assert answer.status_int == 400


def test_not_even_that_stops_a_pipeline():
    """Channels of one's own may send it."""
    pipeline = agent().bot.pipeline
    for text in ("order \ud800 tea", "\udc00\ud800Rome", "\0", "tea\0Rome", "\ud83d\ude00 Paris"):
        found = pipeline.parse(text)
        assert found["text"] == text
        assert all(entity["value"] == text[entity["start"] : entity["end"]] for entity in found["entities"])
