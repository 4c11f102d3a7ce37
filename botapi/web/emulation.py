"""Parse data in the formats of other services: Rasa 3.6's object in, the object of wit.ai, LUIS or Dialogflow out."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

Json = dict[str, Any]


def as_rasa(data: Json) -> Json:
    """The format of Rasa itself."""
    return data


def as_wit(data: Json) -> Json:
    """The answer of wit.ai's `GET /message` (2020-05-13)."""
    entities: dict[str, list[Json]] = {}
    for entity in data["entities"]:
        start, end = entity.get("start") or 0, entity.get("end") or 0
        role = entity.get("role") or entity["entity"]
        entities.setdefault(f"{entity['entity']}:{role}", []).append(
            {
                "confidence": entity.get("confidence_entity") or 1,
                "name": entity["entity"],
                "value": entity["value"],
                "body": data["text"][start:end],
                "start": start,
                "end": end,
                "role": role,
                "entities": [],
            }
        )
    return {"text": data["text"], "intents": [data["intent"]], "entities": entities}


def as_luis(data: Json) -> Json:
    """The answer of LUIS 3.0's `/predict`."""
    top = data.get("intent") or {}
    ranking = data.get("intent_ranking") or ([top] if top else [])
    entities: Json = {"$instance": {}}
    for entity in data["entities"]:
        key = entity.get("role") or entity["entity"]
        placed = "start" in entity and "end" in entity
        entities[key] = [entity["value"]]
        entities["$instance"][key] = [
            {
                "role": entity.get("role"),
                "type": entity["entity"],
                "text": entity["value"],
                "startIndex": entity.get("start"),
                "length": entity["end"] - entity["start"] if placed else None,
                "score": entity.get("confidence"),
                "modelType": entity.get("extractor"),
            }
        ]
    prediction = {
        "normalizedQuery": data["text"],
        "topIntent": top.get("name"),
        "intents": {intent["name"]: {"score": intent["confidence"]} for intent in ranking},
        "entities": entities,
    }
    return {"query": data["text"], "prediction": prediction}


def as_dialogflow(data: Json) -> Json:
    """The answer of Dialogflow ES's `detectIntent`."""
    parameters: dict[str, list[Any]] = {}
    for entity in data["entities"]:
        parameters.setdefault(entity["entity"], []).append(entity["value"])
    name = data["intent"]["name"]
    result = {
        "queryText": data["text"],
        "action": name,
        "parameters": parameters,
        "fulfillmentText": "",
        "fulfillmentMessages": [],
        "outputContexts": [],
        "intent": {"name": name, "displayName": name},
        "intentDetectionConfidence": data["intent"]["confidence"],
    }
    return {"responseId": str(uuid.uuid4()), "queryResult": result}


FORMATS: Mapping[str, Callable[[Json], Json]] = {
    "RASA": as_rasa,
    "WIT": as_wit,
    "LUIS": as_luis,
    "DIALOGFLOW": as_dialogflow,
}
