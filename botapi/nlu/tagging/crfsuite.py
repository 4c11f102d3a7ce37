"""The training of a tagger by CRFsuite: numbered features and labels in, weights out; its files are read and deleted.

The weights are those of a conditional random field (by L-BFGS) and of averaged perceptrons, added up: they err in
different places, and their sum errs less than each.
"""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botapi.nlu.tagging.learning import Learned, Recipe, Sentence

# PERF: each pass goes through all pairs of labels at all words, about 10^9 a second; so many bound a training to about
# two minutes, whatever the data. Two thirds of the passes are those of L-BFGS.
MOST_PAIRS = 100_000_000_000
FEWEST_ITERATIONS, FEWEST_EPOCHS = 15, 3
PERCEPTRONS, EPOCHS = 3, 10
# What the weights of a perceptron, and then the sums, are multiplied with: the field's are the unit, and confidences
# come out as they should.
PERCEPTRON_SHARE, TEMPERATURE = 0.2, 0.4


def train(sentences: Sequence[Sentence], labels: int, recipe: Recipe, seed: int) -> Learned:
    """The sums of weights by (feature, label) and by (label, label after it)."""
    import pycrfsuite

    trainer = pycrfsuite.Trainer(verbose=False)
    for sentence in sentences:
        if sentence.labels:
            trainer.append([list(map(str, row)) for row in sentence.words], list(map(str, sentence.labels)))
    passes = passes_within_bound(sum(len(sentence.labels) for sentence in sentences), labels)
    iterations = min(recipe.iterations, max(FEWEST_ITERATIONS, passes * 2 // 3))
    epochs = min(EPOCHS, max(FEWEST_EPOCHS, passes // (3 * PERCEPTRONS)))
    # NOTE: CRFsuite shuffles with the C library's generator, which it never seeds.
    ctypes.CDLL(None).srand(seed)
    features: dict[tuple[int, int], float] = {}
    chain: dict[tuple[int, int], float] = {}
    field: dict[str, float] = {"max_iterations": iterations, "c1": recipe.l1, "c2": recipe.l2}
    rounds: dict[str, float] = {"max_iterations": epochs}
    steps = [
        ("lbfgs", field, TEMPERATURE),
        *[("ap", rounds, TEMPERATURE * PERCEPTRON_SHARE / PERCEPTRONS)] * PERCEPTRONS,
    ]
    for algorithm, parameters, share in steps:
        found = _trained(trainer, algorithm, parameters)
        _add(features, found.state_features, share)
        _add(chain, found.transitions, share)
    return features, chain


def passes_within_bound(words: int, labels: int) -> int:
    return MOST_PAIRS // (words * labels * labels)


def _trained(trainer: Any, algorithm: str, parameters: Mapping[str, float]) -> Any:
    """What CRFsuite says of the model that it has trained and written."""
    import pycrfsuite

    trainer.select(algorithm)
    trainer.set_params(parameters)
    with tempfile.TemporaryDirectory(prefix="botapi-") as folder:
        path = str(Path(folder) / "tagger.crfsuite")
        trainer.train(path)
        tagger = pycrfsuite.Tagger()
        tagger.open(path)
        found = tagger.info()
        tagger.close()
    return found


def _add(sums: dict[tuple[int, int], float], found: Mapping[tuple[str, str], float], share: float) -> None:
    for (first, second), weight in found.items():
        pair = int(first), int(second)
        sums[pair] = sums.get(pair, 0.0) + share * weight
