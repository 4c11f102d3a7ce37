"""Learning a linear text classifier: texts with labels in, a calibrated LinearModel out; numpy makes it faster."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace

from botapi.nlu import numpylearning, plainlearning
from botapi.nlu.calibration import HeldOut, Part, parts
from botapi.nlu.featurizers import Shape, fit
from botapi.nlu.linear import LinearModel
from botapi.nlu.message import MAX_CHARACTERS
from botapi.nlu.recipe import Learned, Recipe, Task
from botapi.progress import Progress, part, untold

# With fewer examples a label than this, the label's own name is a good further example.
FEW_EXAMPLES = 30
# PERF: numpy pays off, its import included, from about this many (example, label) pairs on.
NUMPY_PAYS_OFF = 1_000
# PERF: so many weights at most, of the features in most texts, bound the memory of a training and of its model: with
# 500 labels that is 48,000 features.
MOST_WEIGHTS = 24_000_000

Examples = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Course:
    """How to learn: from which earlier model on, which features, for which part of the epochs, whom to tell.

    `numpy` says whether to use it; None means: where it is installed and the data is large enough to gain from it.
    """

    seed: int = 42
    shape: Shape = Shape()
    earlier: LinearModel | None = None
    epoch_fraction: float = 1.0
    numpy: bool | None = None
    progress: Progress = untold


def learn(examples: Examples, course: Course) -> tuple[LinearModel, HeldOut]:
    """A model for (text, label) examples, and what is known from examples held back about its confidences.

    Labels are in alphabetic order. The confidences of the model are calibrated by those examples.
    """
    held_out = HeldOut()
    earlier = course.earlier
    labels = sorted({label for _, label in examples}.union(earlier.labels if earlier else ()))
    # The earlier model may have seen what is held back, so those parts begin anew.
    anew = replace(course, earlier=None, epoch_fraction=1.0) if earlier else course
    found = parts([label for _, label in examples], course.seed)
    share = 1 / (len(found) + 1)
    for number, held_back in enumerate(found):
        progress = part(course.progress, number * share, (number + 1) * share)
        _ask(examples, held_back, labels, replace(anew, progress=progress), held_out)
    factor = held_out.factor(len(examples))
    if earlier:
        # It was made sharper, too; what is new begins as it began.
        earlier = copy(earlier)
        earlier.sharpen(1 / factor)
    model = _learn(examples, labels, replace(course, earlier=earlier, progress=part(course.progress, 1 - share, 1.0)))
    model.sharpen(factor)
    return model, held_out


def _ask(examples: Examples, part: Part, labels: Sequence[str], course: Course, held_out: HeldOut) -> None:
    """Learn from what is not held back, and note what the outcome says of the rest."""
    model = _learn([examples[n] for n in part.learned], labels, course)
    number = {label: index for index, label in enumerate(model.labels)}
    for n in part.asked:
        text, label = examples[n]
        held_out.add(model.scores(model.features.shape.words(text[:MAX_CHARACTERS])), number[label])


def _learn(examples: Examples, labels: Sequence[str], course: Course) -> LinearModel:
    earlier = course.earlier
    number = {label: index for index, label in enumerate(labels)}
    texts = [text[:MAX_CHARACTERS] for text, _ in examples]
    targets = [number[label] for _, label in examples]
    if len(examples) < FEW_EXAMPLES * len(labels):
        texts += [label.rpartition("/")[2].replace("_", " ") for label in labels]
        targets += range(len(labels))
    most = max(1, MOST_WEIGHTS // len(labels))
    features, vectors = fit(texts, course.shape, most, earlier.features if earlier else None)
    task = Task(vectors, targets, len(features), len(labels), course.seed, course.progress)
    recipe = Recipe().shortened(course.epoch_fraction)
    by_numpy = course.numpy
    if by_numpy is None:
        by_numpy = len(examples) * len(labels) >= NUMPY_PAYS_OFF and importlib.util.find_spec("numpy") is not None
    train = numpylearning.train if by_numpy else plainlearning.train
    start = earlier.taken_over(labels, features) if earlier else None
    learned: Learned = train(task, recipe, start, features.idf)
    return LinearModel(labels, features, learned.weights, learned.scale, learned.bias)
