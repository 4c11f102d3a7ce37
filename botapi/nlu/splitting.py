"""Commas within entities (`split_entities_by_comma`): entities found in a text in, split or joined ones out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from botapi.data.examples import TrainingData
from botapi.nlu.tagging.tagger import Found

COMMA = re.compile(r"\s*,\s+|\s+,\s*")
# As in Rasa 3.6: `Allee 175, 10119 Berlin` and `Powderhall Rd., EH7` may be one entity each.
BETWEEN = re.compile(r"[\s.,]{2,3}")


class Splitting:
    """`option` is true (every comma splits), false (none does), or says so by entity name.

    Of other names, those of `whole` have commas in them and are left as they are found; all others are split.
    """

    def __init__(self, option: bool | Mapping[str, bool], whole: Iterable[str]) -> None:
        self.whole = frozenset(whole)
        self._option = option

    def apply(self, text: str, entities: Sequence[Found]) -> list[Found]:
        """The entities as they are meant to be."""
        found: list[Found] = []
        for entity in entities:
            splits = self._splits(entity.label.entity)
            if splits:
                found += _parts(text, entity)
            elif splits is False and found and _continues(text, found[-1], entity):
                found[-1] = _joined(found[-1], entity)
            else:
                found.append(entity)
        return found

    def _splits(self, name: str) -> bool | None:
        """Whether a comma splits an entity of the name; None: neither that, nor does it join two."""
        given = self._option if isinstance(self._option, bool) else self._option.get(name)
        return given if given is not None else None if name in self.whole else True


def names_with_commas(data: TrainingData) -> list[str]:
    """The names of entities of which an example has a comma inside that would split it."""
    found = {
        str(entity["entity"])
        for example in data.entity_examples()
        for entity in example.entities
        if COMMA.search(example.text[entity["start"] : entity["end"]].strip())
    }
    return sorted(found)


def _parts(text: str, entity: Found) -> Iterator[Found]:
    start = entity.start
    for comma in COMMA.finditer(text, entity.start, entity.end):
        if start < comma.start() and comma.end() < entity.end:
            yield replace(entity, start=start, end=comma.start())
            start = comma.end()
    yield replace(entity, start=start)


def _continues(text: str, before: Found, entity: Found) -> bool:
    return before.label == entity.label and BETWEEN.fullmatch(text, before.end, entity.start) is not None


def _joined(first: Found, second: Found) -> Found:
    return replace(
        first,
        end=second.end,
        entity_confidence=min(first.entity_confidence, second.entity_confidence),
        role_confidence=min(first.role_confidence, second.role_confidence),
        group_confidence=min(first.group_confidence, second.group_confidence),
    )
