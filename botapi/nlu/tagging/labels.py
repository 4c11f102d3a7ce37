"""Entities as labels of words, and back: spans with names, roles and groups in, one number for each word out.

The scheme is IOB2: each word inside an entity has the label of that entity's kind, in a form of its own where it is the
first. A form may be missing, and the first word still begins an entity if the word before is of another kind: any
sequence of labels stands for exactly one list of entities, so none is inconsistent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from botapi.nlu.message import Token

OUTSIDE = 0


@dataclass(frozen=True, order=True)
class Label:
    """What a word is part of; `begins`: it is the first word, even if the word before is of the same kind."""

    entity: str
    role: str = ""
    group: str = ""
    begins: bool = False

    @property
    def kind(self) -> tuple[str, str, str]:
        return self.entity, self.role, self.group


NOTHING = Label("")  # always number OUTSIDE


@dataclass(frozen=True)
class Span:
    """An entity found: words `first` to `last`, both inside, of what kind."""

    first: int
    last: int
    label: Label


def encode(words: Sequence[Token], entities: Iterable[Mapping[str, Any]]) -> tuple[list[Label], bool]:
    """The label of each word, and whether all entities begin and end where words do.

    An entity that ends inside a word gets all of the word; of two that share a word the first has it.
    """
    labels = [NOTHING] * len(words)
    fits = True
    last = -1
    for entity in sorted(entities, key=lambda entity: (entity["start"], -entity["end"])):
        covered = [
            i for i, word in enumerate(words) if word.start < entity["end"] and word.end > entity["start"] and i > last
        ]
        if not covered:
            continue
        first, last = covered[0], covered[-1]
        fits = fits and (words[first].start, words[last].end) == (entity["start"], entity["end"])
        label = Label(str(entity["entity"]), str(entity.get("role") or ""), str(entity.get("group") or ""))
        labels[first : last + 1] = [replace(label, begins=True), *[label] * (last - first)]
    return labels, fits


def decode(labels: Sequence[Label]) -> list[Span]:
    """The entities that the labels of all words stand for, in order."""
    spans: list[Span] = []
    for i, label in enumerate(labels):
        if not label.entity:
            continue
        before = spans[-1] if spans and spans[-1].last == i - 1 else None
        if before and not label.begins and before.label.kind == label.kind:
            spans[-1] = Span(before.first, i, before.label)
        else:
            spans.append(Span(i, i, Label(*label.kind)))
    return spans


def told_apart(sentences: Iterable[Sequence[Label]]) -> set[tuple[str, str, str]]:
    """The kinds of entity that are ever of several words or follow each other: those that need a first label.

    Without it, several words in a row are one entity: all that one-word examples say of a kind.
    """
    found = set()
    for labels in sentences:
        for before, label in zip(labels, labels[1:], strict=False):
            if label.entity and before.kind == label.kind:
                found.add(label.kind)
    return found
