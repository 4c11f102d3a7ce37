"""The message: the shape of the answer and the bound on what components look at."""

from __future__ import annotations

from botapi.nlu.message import MAX_CHARACTERS, Message, Token


def test_an_untouched_message_has_the_three_keys_that_are_always_there():
    assert Message("hi").parse_data() == {"text": "hi", "intent": {"name": None, "confidence": 0.0}, "entities": []}


def test_keys_stand_in_the_order_of_the_reference():
    intent = {"name": "a", "confidence": 1.0}
    message = Message("hi", [Token("hi", 0, 2)], intent, [intent], True, [], {"all_retrieval_intents": []})
    found = message.parse_data()
    assert list(found) == ["text", "intent", "entities", "text_tokens", "intent_ranking", "response_selector"]
    assert found["text_tokens"] == [[0, 2]]


def test_components_see_the_beginning_of_a_long_text_and_the_answer_has_all_of_it():
    text = "ab" * MAX_CHARACTERS
    message = Message(text)
    assert message.text == text[:MAX_CHARACTERS]
    assert message.parse_data()["text"] == text


def test_an_entity_at_a_known_place_is_added_only_with_more_to_say():
    city = {"entity": "city", "start": 0, "end": 4}
    message = Message("Oslo")
    message.add_entities([city])
    message.add_entities([{**city, "extractor": "another"}, {**city, "entity": "place"}])
    assert message.entities == [city, {**city, "entity": "place"}]
    message.add_entities([{**city, "role": "to"}])
    message.add_entities([{**city, "role": "from"}])
    assert message.entities == [{**city, "role": "to"}, {**city, "entity": "place"}]
