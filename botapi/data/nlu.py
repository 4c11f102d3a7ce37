"""Training data for understanding from YAML: the `nlu` and `responses` parts of a file in, a TrainingData out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botapi.data import markup
from botapi.data.examples import Example, TrainingData
from botapi.errors import DataError
from botapi.state import domaindict
from botapi.yamlfile import line_of, load_with_lines, place, plain

log = logging.getLogger(__name__)

Line = tuple[str, int | None]


def read(text: str | bytes, source: str | None = None) -> TrainingData:
    """Training data from the text of a YAML file; DataError with file and line when it is wrong."""
    return from_dict(load_with_lines(text, source) or {})


def from_dict(content: Any) -> TrainingData:
    """Training data from the content of a YAML file; other parts than `nlu` and `responses` are not looked at."""
    if not isinstance(content, Mapping):
        raise DataError("The file holds no mapping; expected `nlu:` at its beginning.", file=place(content)[0])
    reader = _Reader(place(content)[0])
    items = content.get("nlu") or []
    if not isinstance(items, list):
        raise reader.error(content, "nlu", "The `nlu` part is not a list; expected entries such as `- intent: greet`.")
    for number, item in enumerate(items):
        reader.item(items, number, item)
    if content.get("responses") is not None:
        domaindict.check_section(content, "responses")
        reader.data.responses.update(plain(content["responses"]))
    return reader.data


class _Reader:
    """Collects the entries of one file."""

    def __init__(self, file: str | None) -> None:
        self.file = file
        self.data = TrainingData()
        self.lookups: dict[str, dict[str, Any]] = {}

    def error(self, container: Any, key: Any, message: str) -> DataError:
        return DataError(message, file=self.file, line=line_of(container, key) or place(container)[1])

    def item(self, items: list[Any], number: int, item: Any) -> None:
        """One entry of `nlu`: an intent, synonym, regex or lookup."""
        readers: dict[str, Callable[[Mapping[str, Any], str], None]] = {
            "intent": self.intent,
            "synonym": self.synonym,
            "regex": self.regex,
            "lookup": self.lookup,
        }
        kinds = [key for key in readers if isinstance(item, Mapping) and key in item]
        if len(kinds) != 1:
            raise self.error(items, number, "An entry under `nlu` has to be one of: intent, synonym, regex, lookup.")
        kind = kinds[0]
        name = item[kind]
        if not isinstance(name, str) or not name.strip():
            raise self.error(item, kind, f"The {kind} {name!r} is not text; put the name in quotes.")
        unknown = [key for key in item if key not in (kind, "examples", "metadata")]
        if unknown:
            raise self.error(
                item, unknown[0], f"The {kind} '{name}' has the unknown key '{unknown[0]}'; expected examples."
            )
        readers[kind](item, name.strip())

    def intent(self, item: Mapping[str, Any], name: str) -> None:
        common = {} if item.get("metadata") is None else {"intent": plain(item["metadata"])}
        examples = item.get("examples")
        lines = self._listed(item, name) if isinstance(examples, list) else self._unmarked(item, name)
        found = 0
        for sentence, line, metadata in lines:
            text, entities = markup.read(sentence, self.file, line)
            for entity in entities:
                written = text[entity["start"] : entity["end"]]
                if written != entity["value"]:
                    self._add_synonym(written, entity["value"], line)
            own = common if metadata is None else {**common, "example": plain(metadata)}
            self.data.examples.append(Example(text, name, entities, own, self.file, line))
            found += 1
        if not found:
            log.warning("The intent '%s' has no examples (%s, line %s)", name, self.file, place(item)[1])

    def synonym(self, item: Mapping[str, Any], name: str) -> None:
        for text, line in self._lines(item, name):
            self._add_synonym(text, name, line)

    def regex(self, item: Mapping[str, Any], name: str) -> None:
        self.data.regexes.extend({"name": name, "pattern": text} for text, _ in self._lines(item, name))

    def lookup(self, item: Mapping[str, Any], name: str) -> None:
        if name not in self.lookups:
            self.lookups[name] = {"name": name, "elements": []}
            self.data.lookups.append(self.lookups[name])
        self.lookups[name]["elements"].extend(text for text, _ in self._lines(item, name))

    def _add_synonym(self, text: str, value: Any, line: int | None) -> None:
        known = self.data.synonyms.get(text, value)
        if known != value:
            log.warning(
                "'%s' becomes a synonym of '%s', no longer of '%s' (%s, line %s)", text, value, known, self.file, line
            )
        self.data.synonyms[text] = value

    def _unmarked(self, item: Mapping[str, Any], name: str) -> Iterator[tuple[str, int | None, Any]]:
        return ((text, line, None) for text, line in self._lines(item, name))

    def _listed(self, item: Mapping[str, Any], name: str) -> Iterator[tuple[str, int | None, Any]]:
        """Examples given as a list of {text, metadata} or of plain text."""
        examples = item["examples"]
        for number, example in enumerate(examples):
            if example is None or example == {}:
                continue
            text = example.get("text") if isinstance(example, Mapping) else example
            if not isinstance(text, str):
                raise self.error(
                    examples, number, f"An example of '{name}' has no text; expected `- text: ...`, quoted."
                )
            unknown = (
                [key for key in example if key not in ("text", "metadata")] if isinstance(example, Mapping) else []
            )
            if unknown:
                raise self.error(example, unknown[0], f"An example of '{name}' has the unknown key '{unknown[0]}'.")
            metadata = example.get("metadata") if isinstance(example, Mapping) else None
            if text.strip():
                yield text.strip(), line_of(examples, number), metadata

    def _lines(self, item: Mapping[str, Any], name: str) -> Iterator[Line]:
        """The lines of `examples: |`, without their dash, each with its place in the file."""
        examples = item.get("examples")
        if examples is None or isinstance(examples, list):
            raise self.error(
                item, "examples", f"'{name}' has no examples; expected `examples: |` and lines with a dash."
            )
        if not isinstance(examples, str):
            raise self.error(item, "examples", f"The examples of '{name}' are {examples!r}; expected `examples: |`.")
        header = line_of(item, "examples")
        for number, written in enumerate(examples.split("\n"), 1):
            text = written.strip()
            line = header + number if header else None
            if not text:
                continue
            if not text.startswith("-"):
                log.warning(
                    "'%s' has an example without a dash, which is left out (%s, line %s)", name, self.file, line
                )
            elif text[1:].strip():
                yield text[1:].strip(), line
