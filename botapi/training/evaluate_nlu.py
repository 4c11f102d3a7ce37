"""Tests of what is understood: a parser, or a configuration to train, and examples in; Rasa 3.6's evaluations out.

An evaluation is {"report", "precision", "f1_score", "accuracy", "predictions", "errors"}, all of it JSON.
"""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from botapi.data.examples import Example, TrainingData
from botapi.data.project import Project
from botapi.errors import DataError
from botapi.names import NLU_FALLBACK, RESPONSE_SEPARATOR
from botapi.nlu.pipeline import Pipeline
from botapi.progress import Progress, untold
from botapi.training.reports import CALIBRATION_ERROR, Scores, add_confusions, calibration_error, score

log = logging.getLogger(__name__)

NO_ENTITY = "no_entity"
# What these find was never annotated, so it can't be judged.
PRETRAINED_EXTRACTORS = ("DucklingEntityExtractor", "SpacyEntityExtractor")
SEED = 42

Parse = Callable[[str], Mapping[str, Any]]
Json = dict[str, Any]


@dataclass(frozen=True)
class Label:
    """What one text was expected to mean and what it was taken for; "" where there was nothing."""

    text: str
    target: str
    predicted: str
    confidence: float


@dataclass(frozen=True)
class Entities:
    """The entities that one text has and those that were found; `tokens` are (start, end) in the text."""

    text: str
    tokens: list[tuple[int, int]]
    targets: list[Json]
    predicted: list[Json]


@dataclass
class Results:
    """What a parser made of examples; a list stays empty where the examples give nothing to tell apart."""

    intents: list[Label] = field(default_factory=list)
    responses: list[Label] = field(default_factory=list)
    entities: list[Entities] = field(default_factory=list)


def evaluate(parse: Parse, data: TrainingData, *, progress: Progress = untold) -> Json:
    """How well `parse` (text in, parse data out) understands the examples.

    {"intent_evaluation", "entity_evaluation": {extractor: …}, "response_selection_evaluation"}; None for what the
    examples don't test: intents and responses need two different ones, entities one.
    """
    return evaluation(collect(parse, data.examples, subjects_of(data), progress))


def cross_validate(project: Project, folds: int, *, seed: int = SEED, progress: Progress = untold) -> Results:
    """Train on all examples but a fold of them and test on that fold, for each of `folds` folds.

    Each intent is spread evenly over the folds; the same seed gives the same folds. Raises DataError when no intent
    has an example for each fold, ConfigError for the pipeline.
    """
    config, found, tested = project.config, Results(), subjects_of(project.nlu)
    for number, (train, test) in enumerate(split(list(project.nlu.intent_examples()), folds, seed), 1):
        log.info("Fold %d of %d: %d examples train, %d test", number, folds, len(train), len(test))
        data = replace(project.nlu, examples=train)
        pipeline = Pipeline.train(config.pipeline, config.language, data, seed=seed, report=log.debug)
        part = collect(pipeline.parse, test, tested)
        found.intents += part.intents
        found.responses += part.responses
        found.entities += part.entities
        progress(number / folds)
    return found


def split(examples: Sequence[Example], folds: int, seed: int) -> Iterator[tuple[list[Example], list[Example]]]:
    """(examples to train on, examples to test) for each fold; every example is tested once."""
    by_intent: dict[str, list[int]] = {}
    for index, example in enumerate(examples):
        by_intent.setdefault(example.intent or "", []).append(index)
    most = max((len(group) for group in by_intent.values()), default=0)
    if not 2 <= folds <= most:
        raise DataError(
            f"{folds} folds don't fit the data: the most frequent intent has {most} examples. "
            f"Expected 2 or more folds, and an intent with an example for each of them."
        )
    shuffle = random.Random(seed)
    dealt: list[int] = []
    for group in by_intent.values():
        shuffle.shuffle(group)
        dealt += group
    fold_of = {index: position % folds for position, index in enumerate(dealt)}
    for fold in range(folds):
        train = [example for index, example in enumerate(examples) if fold_of[index] != fold]
        yield train, [example for index, example in enumerate(examples) if fold_of[index] == fold]


def subjects_of(data: TrainingData) -> frozenset[str]:
    """Which of intents, responses and entities the data can test."""
    named = {example.intent for example in data.examples if example.intent}
    found = {
        "intents": len(data.intents) >= 2,
        "responses": len([name for name in named if RESPONSE_SEPARATOR in name]) >= 2,
        "entities": any(example.entities for example in data.examples),
    }
    return frozenset(name for name, is_tested in found.items() if is_tested)


def collect(parse: Parse, examples: Sequence[Example], tested: frozenset[str], progress: Progress = untold) -> Results:
    """Parse each example and set beside it what it should be."""
    results = Results()
    for number, example in enumerate(examples):
        progress(number / len(examples))
        found = parse(example.text)
        if "intents" in tested and example.base_intent:
            intent = _understood_intent(found)
            confidence = float(intent.get("confidence") or 0.0)
            results.intents.append(Label(example.text, example.base_intent, intent.get("name") or "", confidence))
        if "responses" in tested and RESPONSE_SEPARATOR in (example.intent or ""):
            results.responses.append(_response_label(example, found))
        if "entities" in tested:
            predicted = [
                entity for entity in found.get("entities") or () if entity.get("extractor") not in PRETRAINED_EXTRACTORS
            ]
            targets = [dict(entity) for entity in example.entities]
            results.entities.append(Entities(example.text, _tokens(example.text, found), targets, predicted))
    return results


def evaluation(results: Results) -> Json:
    """The three evaluations of results; the one of entities for each extractor that found any."""
    extractors = sorted({str(e["extractor"]) for one in results.entities for e in one.predicted if "extractor" in e})
    response_keys = ("intent_response_key_target", "intent_response_key_prediction", "intent_response_key_prediction")
    return {
        "intent_evaluation": _labels(results.intents, "intent", "predicted", "intent_prediction"),
        "entity_evaluation": (
            {name: entity_evaluation(results.entities, name) for name in extractors} if results.entities else None
        ),
        "response_selection_evaluation": _labels(results.responses, *response_keys),
    }


def summary(results: Results) -> Json:
    """The three evaluations as the answer to a cross-validation: {"report", "precision", "f1_score", "errors"} each.

    That of entities is for all extractors together.
    """
    full = evaluation(results)
    if results.entities:
        full["entity_evaluation"] = entity_evaluation(results.entities)
    return {name: _short(found or {}) for name, found in full.items()}


def entity_evaluation(results: Sequence[Entities], extractor: str | None = None) -> Json:
    """How well one extractor, or all together, label the tokens of the texts; `errors` are texts with a wrong label."""
    targets: list[str] = []
    predictions: list[str] = []
    errors = []
    for one in results:
        mine = [entity for entity in one.predicted if extractor is None or entity.get("extractor") == extractor]
        expected = [entity_label(token, one.targets) for token in one.tokens]
        given = [entity_label(token, mine) for token in one.tokens]
        if expected != given:
            errors.append({"text": one.text, "entities": one.targets, "predicted_entities": one.predicted})
        targets += expected
        predictions += given
    scores = score(targets, predictions, without=NO_ENTITY)
    add_confusions(scores.report, targets, predictions, NO_ENTITY)
    return {**_numbers(scores), "errors": errors}


def entity_label(token: tuple[int, int], entities: Iterable[Mapping[str, Any]]) -> str:
    """`city`, `city.group` or `city.group.role` of the entity that covers most of the token, else NO_ENTITY."""
    best, most = None, 0
    for entity in entities:
        if isinstance(entity.get("start"), int) and isinstance(entity.get("end"), int):
            common = min(token[1], entity["end"]) - max(token[0], entity["start"])
            if common > most:
                best, most = entity, common
    if best is None:
        return NO_ENTITY
    return ".".join(str(best[key]) for key in ("entity", "group", "role") if best.get(key)) or NO_ENTITY


def _labels(results: Sequence[Label], target: str, flat: str, nested: str) -> Json | None:
    """An evaluation; `target`, `flat` and `nested` are the keys of labels in its predictions and errors."""
    if not results:
        return None
    targets, predictions = [one.target for one in results], [one.predicted for one in results]
    scores = score(targets, predictions)
    add_confusions(scores.report, targets, predictions)
    scores.report[CALIBRATION_ERROR] = calibration_error(
        [(one.confidence, one.target == one.predicted) for one in results]
    )
    return {
        "predictions": [
            {"text": one.text, target: one.target, flat: one.predicted, "confidence": one.confidence} for one in results
        ],
        **_numbers(scores),
        "errors": [
            {"text": one.text, target: one.target, nested: {"name": one.predicted, "confidence": one.confidence}}
            for one in results
            if one.target != one.predicted
        ],
    }


def _numbers(scores: Scores) -> Json:
    return {
        "report": scores.report,
        "precision": scores.precision,
        "f1_score": scores.f1,
        "accuracy": scores.accuracy,
    }


def _short(found: Mapping[str, Any]) -> Json:
    return {
        "report": found.get("report", {}),
        "precision": found.get("precision"),
        "f1_score": found.get("f1_score"),
        "errors": found.get("errors", []),
    }


def _understood_intent(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The intent, or the best one behind `nlu_fallback`: the fallback would hide what the message was taken for."""
    intent: Mapping[str, Any] = found.get("intent") or {}
    ranking = found.get("intent_ranking") or []
    if intent.get("name") == NLU_FALLBACK and len(ranking) >= 2:
        return dict(ranking[1])
    return intent


def _response_label(example: Example, found: Mapping[str, Any]) -> Label:
    selector = found.get("response_selector") or {}
    base = example.base_intent or ""
    key = base if base in selector.get("all_retrieval_intents", ()) and base in selector else "default"
    response = selector.get(key, {}).get("response", {})
    return Label(
        example.text,
        example.intent or "",
        response.get("intent_response_key") or "",
        float(response.get("confidence") or 0.0),
    )


def _tokens(text: str, found: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Where the pipeline's tokens are, or the words of a text that it did not cut."""
    given = found.get("text_tokens")
    if given:
        return [(start, end) for start, end in given]
    return [match.span() for match in re.finditer(r"\S+", text)]
