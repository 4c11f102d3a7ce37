"""Every component name a configuration may use, and the part that serves it: configuration in, checked steps out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botapi.errors import ConfigError
from botapi.nlu.classifiers import LinearIntentClassifier
from botapi.nlu.component import Component, read_options
from botapi.nlu.entities import RegexEntityExtractor
from botapi.nlu.fallback import FallbackClassifier
from botapi.nlu.keywords import KeywordIntentClassifier
from botapi.nlu.selector import ResponseSelector
from botapi.nlu.synonyms import EntitySynonymMapper
from botapi.nlu.tokenizers import WhitespaceTokenizer

COMPONENTS: dict[str, type[Component]] = {
    "WhitespaceTokenizer": WhitespaceTokenizer,
    "KeywordIntentClassifier": KeywordIntentClassifier,
    "LinearIntentClassifier": LinearIntentClassifier,
    "FallbackClassifier": FallbackClassifier,
    "RegexEntityExtractor": RegexEntityExtractor,
    "EntitySynonymMapper": EntitySynonymMapper,
    "ResponseSelector": ResponseSelector,
}

# Rasa's other classifiers and tokenizers, and which of ours serves in their place.
REPLACED: dict[str, str] = {
    "DIETClassifier": "LinearIntentClassifier",
    "LogisticRegressionClassifier": "LinearIntentClassifier",
    "SklearnIntentClassifier": "LinearIntentClassifier",
    "MitieIntentClassifier": "LinearIntentClassifier",
    "SpacyTokenizer": "WhitespaceTokenizer",
    "MitieTokenizer": "WhitespaceTokenizer",
    "JiebaTokenizer": "WhitespaceTokenizer",
}
NO_LEARNED_ENTITIES = (
    "entities are not learned from annotated examples in this version, "
    "only RegexEntityExtractor finds some, by regex and lookup table"
)
NO_FEATURES = "the classifiers make their own features, of words and characters"
# Rasa's components that have no effect here, and why.
IGNORED: dict[str, str] = {
    "RegexFeaturizer": NO_FEATURES,
    "LexicalSyntacticFeaturizer": NO_FEATURES,
    "CountVectorsFeaturizer": NO_FEATURES,
    "SpacyFeaturizer": NO_FEATURES,
    "MitieFeaturizer": NO_FEATURES,
    "ConveRTFeaturizer": NO_FEATURES,
    "LanguageModelFeaturizer": NO_FEATURES,
    "SpacyNLP": "no language model is loaded",
    "MitieNLP": "no language model is loaded",
    "CRFEntityExtractor": NO_LEARNED_ENTITIES,
    "MitieEntityExtractor": NO_LEARNED_ENTITIES,
    "SpacyEntityExtractor": NO_LEARNED_ENTITIES,
    "DucklingEntityExtractor": "no Duckling server is asked; only RegexEntityExtractor finds entities",
}
DEFAULT_PIPELINE: tuple[Mapping[str, Any], ...] = (
    {"name": "WhitespaceTokenizer"},
    {"name": "RegexFeaturizer"},
    {"name": "LexicalSyntacticFeaturizer"},
    {"name": "CountVectorsFeaturizer"},
    {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
    {"name": "LinearIntentClassifier"},
    {"name": "EntitySynonymMapper"},
    {"name": "ResponseSelector"},
    {"name": "FallbackClassifier"},
)
# Rasa also takes the class path of its own components.
REFERENCE_PREFIX = "rasa."


@dataclass(frozen=True)
class Step:
    """One item of the configuration: the part that serves it (None: no effect), its options, and a line for the log."""

    number: int
    name: str
    part: type[Component] | None
    options: dict[str, Any]
    note: str

    @property
    def member_prefix(self) -> str:
        """The folder of its members in a model, such as `03-LinearIntentClassifier`."""
        return f"{self.number:02}-{self.name}"


def read_pipeline(config: Sequence[Any]) -> list[Step]:
    """The steps of a configuration, a list of {name, option…} (ConfigError: which item is wrong, what is known)."""
    if not isinstance(config, (list, tuple)):
        raise ConfigError(f"The pipeline is {config!r}; expected a list of components, each with a name")
    return [_step(number, item) for number, item in enumerate(config)]


def _step(number: int, item: Any) -> Step:
    if not isinstance(item, Mapping) or not isinstance(item.get("name"), str):
        raise ConfigError(f"Item {number + 1} of the pipeline is {item!r}; expected a component with a name")
    given: str = item["name"]
    name = given.rsplit(".", 1)[-1] if given.startswith(REFERENCE_PREFIX) else given
    if name in IGNORED:
        return Step(number, name, None, {}, f"{name} has no effect: {IGNORED[name]}")
    if name not in COMPONENTS and name not in REPLACED:
        known = ", ".join(sorted([*COMPONENTS, *REPLACED, *IGNORED]))
        raise ConfigError(f"Unknown component {given!r} in the pipeline; known are {known}")
    ours = REPLACED.get(name, name)
    part = COMPONENTS[ours]
    options = read_options(name, part.OPTIONS, item)
    return Step(number, ours, part, options, _note(name, ours, item, options))


def _note(name: str, ours: str, item: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """What the log says about a component that does not do just what the configuration says; "" when it does."""
    parts = []
    if name != ours:
        parts.append(f"{name} is served by {ours}")
    ignored = sorted(map(str, item.keys() - options.keys() - {"name"}))
    if ignored:
        parts.append(f"{'' if parts else name + ': '}{', '.join(ignored)} without effect")
    if name == "DIETClassifier" and item.get("entity_recognition") is not False:
        parts.append(NO_LEARNED_ENTITIES)
    return "; ".join(parts)
