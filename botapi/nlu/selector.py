"""Answers to retrieval intents (`ResponseSelector`): a message in, the response key that fits best out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from botapi.data.examples import TrainingData
from botapi.names import RESPONSE_SEPARATOR, UTTER_PREFIX
from botapi.nlu.component import Training
from botapi.nlu.message import Message
from botapi.nlu.tables import read_table, write_table
from botapi.nlu.textmodel import TextModel

log = logging.getLogger(__name__)

DEFAULT_KEY = "default"
RESPONSES_MEMBER, INTENTS_MEMBER = "responses.json", "retrieval_intents.json"


class ResponseSelector:
    """Ranks the response keys of one retrieval intent (`retrieval_intent`), or of all when that is not given.

    `responses` are those of the training data, {"utter_faq/ask_name": [response]}; a key without any stands for itself.
    """

    OPTIONS: Mapping[str, Any] = {"retrieval_intent": None, "ranking_length": 10}

    def __init__(
        self,
        options: Mapping[str, Any],
        retrieval_intents: list[str],
        responses: dict[str, list[dict[str, Any]]],
        model: TextModel | None,
    ) -> None:
        self._key = options["retrieval_intent"] or DEFAULT_KEY
        self._ranking_length = int(options["ranking_length"])
        self._retrieval_intents, self._responses, self._model = retrieval_intents, responses, model

    @classmethod
    def train(cls, options: Mapping[str, Any], data: TrainingData, training: Training) -> ResponseSelector:
        only = options["retrieval_intent"]
        if only and only not in data.retrieval_intents:
            log.warning("ResponseSelector for %r learns nothing: no example has an intent like %s/…", only, only)
        examples = [
            (example.text, str(example.intent))
            for example in data.intent_examples()
            if RESPONSE_SEPARATOR in str(example.intent) and only in (None, example.base_intent)
        ]
        keys = {UTTER_PREFIX + key for _, key in examples}
        responses = {name: texts for name, texts in data.responses.items() if name in keys}
        if not examples:
            return cls(options, data.retrieval_intents, responses, None)
        model, _ = TextModel.learn(examples, training)
        return cls(options, data.retrieval_intents, responses, model)

    @classmethod
    def load(cls, options: Mapping[str, Any], members: Mapping[str, bytes]) -> ResponseSelector:
        intents = read_table(members, INTENTS_MEMBER, list[str])
        responses = read_table(members, RESPONSES_MEMBER, dict[str, list[dict[str, Any]]])
        learned = {name: body for name, body in members.items() if name not in (INTENTS_MEMBER, RESPONSES_MEMBER)}
        return cls(options, intents, responses, TextModel.load(learned) if learned else None)

    def save(self) -> dict[str, bytes]:
        tables = {INTENTS_MEMBER: write_table(self._retrieval_intents), RESPONSES_MEMBER: write_table(self._responses)}
        return {**tables, **(self._model.save() if self._model else {})}

    def process(self, message: Message) -> None:
        """Add the prediction under the retrieval intent's name, or under `default`; nothing if nothing was learned."""
        if self._model is None:
            return
        ranking = self._model.ranking(message)
        best, confidence = ranking[0]
        utter_action = UTTER_PREFIX + best
        message.response_selector["all_retrieval_intents"] = list(self._retrieval_intents)
        message.response_selector[self._key] = {
            "response": {
                "responses": list(map(dict, self._responses.get(utter_action) or [{"text": best}])),
                "confidence": confidence,
                "intent_response_key": best,
                "utter_action": utter_action,
            },
            "ranking": [
                {"confidence": value, "intent_response_key": key}
                for key, value in ranking[: self._ranking_length or None]
            ],
        }
