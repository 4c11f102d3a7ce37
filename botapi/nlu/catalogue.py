"""Every component name a configuration may use, and the part that serves it: configuration in, checked steps out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botapi.errors import ConfigError
from botapi.nlu import countvectors, extractors
from botapi.nlu.classifiers import LinearIntentClassifier
from botapi.nlu.component import Component, read_options
from botapi.nlu.countvectors import CountVectorsFeaturizer
from botapi.nlu.custom import load_component
from botapi.nlu.diet import DIETClassifier
from botapi.nlu.duckling import DucklingEntityExtractor
from botapi.nlu.embedding.featurizer import LanguageModelFeaturizer
from botapi.nlu.entities import RegexEntityExtractor
from botapi.nlu.extractors import CRFEntityExtractor
from botapi.nlu.fallback import FallbackClassifier
from botapi.nlu.jiebawords import JiebaTokenizer
from botapi.nlu.keywords import KeywordIntentClassifier
from botapi.nlu.regexfeaturizer import RegexFeaturizer
from botapi.nlu.selector import ResponseSelector
from botapi.nlu.spacymodel import SpacyEntityExtractor, SpacyTokenizer
from botapi.nlu.synonyms import EntitySynonymMapper
from botapi.nlu.tokenizers import UNSUPPORTED_LANGUAGES, WhitespaceTokenizer

COMPONENTS: dict[str, type[Component]] = {
    "WhitespaceTokenizer": WhitespaceTokenizer,
    "SpacyTokenizer": SpacyTokenizer,
    "JiebaTokenizer": JiebaTokenizer,
    "RegexFeaturizer": RegexFeaturizer,
    "CountVectorsFeaturizer": CountVectorsFeaturizer,
    "KeywordIntentClassifier": KeywordIntentClassifier,
    "LanguageModelFeaturizer": LanguageModelFeaturizer,
    "LinearIntentClassifier": LinearIntentClassifier,
    "DIETClassifier": DIETClassifier,
    "FallbackClassifier": FallbackClassifier,
    "RegexEntityExtractor": RegexEntityExtractor,
    "CRFEntityExtractor": CRFEntityExtractor,
    "SpacyEntityExtractor": SpacyEntityExtractor,
    "DucklingEntityExtractor": DucklingEntityExtractor,
    "EntitySynonymMapper": EntitySynonymMapper,
    "ResponseSelector": ResponseSelector,
}

# Rasa's other classifiers and tokenizers, and which of ours serves in their place.
REPLACED: dict[str, str] = {
    "LogisticRegressionClassifier": "LinearIntentClassifier",
    "SklearnIntentClassifier": "LinearIntentClassifier",
    "MitieIntentClassifier": "LinearIntentClassifier",
    "MitieEntityExtractor": "CRFEntityExtractor",
    "MitieTokenizer": "WhitespaceTokenizer",
}
# Components that have the options of another one before them, too; that one does nothing by itself.
BUILT_ON: dict[str, str] = {"SpacyTokenizer": "SpacyNLP", "SpacyEntityExtractor": "SpacyNLP"}
OPTIONS_FOR_OTHERS: dict[str, Mapping[str, Any]] = {"SpacyNLP": {"model": None, "case_sensitive": False}}
# Of a component's options and the names of those that are given, which have no effect with these values.
WITHOUT_EFFECT: dict[str, Callable[[Mapping[str, Any], Iterable[str]], set[str]]] = {
    "CountVectorsFeaturizer": countvectors.without_effect,
    "CRFEntityExtractor": extractors.without_effect,
}
NO_FEATURES = "classifiers and taggers make their own features, of words and characters"
# Rasa's components that have no effect here, and why.
IGNORED: dict[str, str] = {
    "LexicalSyntacticFeaturizer": NO_FEATURES,
    "SpacyFeaturizer": NO_FEATURES,
    "MitieFeaturizer": NO_FEATURES,
    "ConveRTFeaturizer": NO_FEATURES,
    "MitieNLP": "no language model is loaded",
}
DEFAULT_PIPELINE: tuple[Mapping[str, Any], ...] = (
    {"name": "WhitespaceTokenizer"},
    {"name": "RegexFeaturizer"},
    {"name": "LexicalSyntacticFeaturizer"},
    {"name": "CountVectorsFeaturizer"},
    {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "max_ngram": 4},
    {"name": "LinearIntentClassifier"},
    {"name": "CRFEntityExtractor"},
    {"name": "EntitySynonymMapper"},
    {"name": "ResponseSelector"},
    {"name": "FallbackClassifier"},
)
# Rasa also takes the class path of its own components.
REFERENCE_PREFIX = "rasa."


def default_pipeline(language: str) -> list[Mapping[str, Any]]:
    """The pipeline where none is configured; without a tokenizer for languages that have no blanks between words."""
    has_blanks = language not in UNSUPPORTED_LANGUAGES
    return [item for item in DEFAULT_PIPELINE if has_blanks or item["name"] != "WhitespaceTokenizer"]


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
    for number, item in enumerate(config, 1):
        if not isinstance(item, Mapping) or not isinstance(item.get("name"), str):
            raise ConfigError(f"Item {number} of the pipeline is {item!r}; expected a component with a name")
    return [_step(number, config) for number in range(len(config))]


def _step(number: int, config: Sequence[Mapping[str, Any]]) -> Step:
    item, before = config[number], config[:number]
    name = _bare_name(item)
    if name in OPTIONS_FOR_OTHERS:
        if name not in [BUILT_ON.get(_bare_name(later)) for later in config[number + 1 :]]:
            return Step(number, name, None, {}, f"{name} has no effect: no component after it is built on it")
        return Step(number, name, None, {}, _note(name, name, item, OPTIONS_FOR_OTHERS[name]))
    if name in IGNORED:
        return Step(number, name, None, {}, f"{name} has no effect: {IGNORED[name]}")
    ours = REPLACED.get(name, name)
    part = load_component(name) if "." in name else COMPONENTS.get(ours)
    if part is None:
        known = ", ".join(sorted({*COMPONENTS, *REPLACED, *IGNORED, *OPTIONS_FOR_OTHERS}))
        raise ConfigError(f"Unknown component {item['name']!r} in the pipeline; known are {known}, and class paths")
    options = read_options(name, part.OPTIONS, {**_shared_options(name, before), **item})
    return Step(number, ours.rpartition(".")[2], part, options, _note(name, ours, item, options))


def _bare_name(item: Mapping[str, Any]) -> str:
    """The name of a component of Rasa without its module; other class paths as they are."""
    name: str = item["name"]
    return name.rpartition(".")[2] if name.startswith(REFERENCE_PREFIX) else name


def _shared_options(name: str, before: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The options of the last component before it that this one is built on."""
    found = [item for item in before if _bare_name(item) == BUILT_ON.get(name)]
    return found[-1] if found else {}


def _note(name: str, ours: str, item: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """What the log says about a component that does not do just what the configuration says; "" when it does."""
    parts = []
    if name != ours:
        parts.append(f"{name} is served by {ours}")
    ignored = {str(key) for key in item if key not in options and key != "name"}
    if ours in WITHOUT_EFFECT:
        ignored |= WITHOUT_EFFECT[ours](options, item)
    if ignored:
        parts.append(f"{'' if parts else name + ': '}{', '.join(sorted(ignored))} without effect")
    return "; ".join(parts)
