"""Members of a model that somebody changed: refused with a sentence, soon and cheaply, or harmless; all components."""

from __future__ import annotations

import hashlib
import io
import json
import random

import numpy
import pytest

from botapi.data.examples import Example
from botapi.errors import ModelError
from botapi.nlu.pipeline import Pipeline
from tests.archives import cost_of_loading, npz, tar, whole
from tests.nlu.embedding.encoders import write_encoder
from tests.nlu.nlusamples import shop

TEXTS = ("", "order a red mug and a cap", "zip 90210 \U0001f600\u200d\ud800", "机器人 MUG\0")
LIMIT_S, LIMIT_KIB = 1.0, 50 << 10
FLIPS, CUTS = 5, 1  # of each member
LEARNED = "02-DIETClassifier/"  # has a classifier's members, a tagger's and those of meaning


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the configuration names an encoder."""
    found = tmp_path_factory.mktemp("hostile")
    config = [
        {"name": "WhitespaceTokenizer"},
        {"name": "LanguageModelFeaturizer", "model_weights": str(write_encoder(found / "encoder"))},
        {"name": "DIETClassifier"},
        {"name": "RegexEntityExtractor"},
        {"name": "EntitySynonymMapper"},
        {"name": "ResponseSelector"},
        {"name": "FallbackClassifier"},
    ]
    (found / "config.yml").write_text(json.dumps({"pipeline": config}))
    return found


@pytest.fixture(scope="module")
def members(folder):
    data = shop()
    data.examples.append(Example("a mug, a cap", "order", ({"entity": "item", "start": 2, "end": 5, "role": "first"},)))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return Pipeline.train(config_of(folder), "en", data).save()


def config_of(folder):
    return json.loads((folder / "config.yml").read_text())["pipeline"]


@pytest.fixture
def load(folder, members, monkeypatch):
    """Loads the members with some replaced; what loads must parse, and say it in strict JSON."""
    monkeypatch.chdir(folder)

    def load(**changed):
        try:
            pipeline = Pipeline.load(config_of(folder), {**members, **changed})
        except ModelError as error:
            assert 30 < len(error.message)
            return False
        for text in TEXTS:
            found = pipeline.parse(text)
            json.dumps(found, allow_nan=False)
            assert 0 <= found["intent"]["confidence"] <= 1
            assert all(0 <= entity["start"] <= entity["end"] <= len(text) for entity in found["entities"])
        return True

    assert load()
    return load


def test_bytes_that_are_flipped_or_cut_off(members, load):
    chance = random.Random(3)
    for name, data in members.items():
        for _ in range(FLIPS):
            place = chance.randrange(len(data))
            load(**{name: data[:place] + bytes([data[place] ^ chance.randrange(1, 256)]) + data[place + 1 :]})
        for _ in range(CUTS):
            assert not load(**{name: data[: chance.randrange(len(data))]})


def test_members_in_the_place_of_others(members, load):
    names = sorted(members, key=lambda name: name.rpartition("/")[2])
    for name, other in zip(names, [*names[1:], names[0]], strict=True):
        load(**{name: members[other]})


def test_arrays_of_extreme_numbers(members, load):
    """Their file is whole: nothing but a look at the numbers can find them."""
    refused = {}
    for name in members:
        if name.startswith(LEARNED) and name.endswith(".npz"):
            with numpy.load(io.BytesIO(members[name])) as file:
                arrays = dict(file)
            for key, values in arrays.items():
                for number in extremes(values.dtype):
                    for changed in (numpy.full_like(values, number), with_last(values, number)):
                        refused[name, key, str(number)] = not load(**{name: packed({**arrays, key: changed})})
    assert all(is_refused for (*_, number), is_refused in refused.items() if number in ("nan", "inf"))
    assert {key for _, key, number in refused if number == "nan"} == {"scale", "bias", "idf", "mixture", "weights"}


def extremes(dtype):
    if dtype.kind == "f":
        return [
            float("nan"),
            float("inf"),
            float(numpy.finfo(dtype).min),
            -1.0,
            0.0,
            float(numpy.finfo(dtype).tiny),
            1e5,
        ]
    return [0, 1, numpy.iinfo(dtype).max]


def with_last(values, number):
    changed = values.copy()
    changed.reshape(-1)[-1:] = number
    return changed


def packed(arrays):
    return npz(**{key: (values.dtype.str, values.shape, values.tobytes()) for key, values in arrays.items()})


def test_members_that_ask_for_much_are_refused_soon_and_cheaply(folder, members):
    """In a process of its own, whose whole memory is measured, that of C libraries too."""
    good = {**{f"nlu/{name}": data for name, data in members.items()}, "domain.json": b"{}"}
    good["config.json"] = json.dumps({"pipeline": config_of(folder), "language": "en"}).encode()
    hostile = dict(demanding(good))
    archives = {name: archived(folder, {**good, **changed}) for name, changed in hostile.items()}
    found = cost_of_loading(archived(folder, good), archives.values(), folder)
    for name, path in archives.items():
        said, took_s, grown_kib = found[path]
        assert "is refused" in said, name
        assert took_s < LIMIT_S and grown_kib < LIMIT_KIB, name


def archived(folder, members):
    made = {**whole(members)}
    made["metadata.json"] = made["metadata.json"].replace(b'"full"', b'"nlu"')
    digest = hashlib.sha256(b"".join(made.values())).hexdigest()[:16]
    return tar(folder / f"{digest}.tar.gz", made)


def demanding(good):
    """(what it is, members that replace those of a good model)"""
    for name, data in good.items():
        if not name.startswith(f"nlu/{LEARNED}"):
            continue
        if name.endswith(".npz"):
            with numpy.load(io.BytesIO(data)) as file:
                arrays = {key: (values.dtype.str, values.shape, values.tobytes()) for key, values in file.items()}
            for key, (descr, shape, _) in arrays.items():
                yield f"10 GiB in {key} of {name}", {name: npz(**{**arrays, key: (descr, (10 << 30,), b"")})}
                yield f"negative {key} of {name}", {name: npz(**{**arrays, key: (descr, (-1,), b"")})}
                yield f"objects in {key} of {name}", {name: npz(**{**arrays, key: ("|O", shape, b"\x80\x04N.")})}
            yield f"bomb in {name}", {name: npz(**{**arrays, key: (descr, shape, bytes(16 << 20))})}
        else:
            yield f"lists in {name}", {name: b"[" + b"[]," * 300_000 + b"[]]"}
            yield f"depth in {name}", {name: b"[" * 100_000}
            yield f"digits in {name}", {name: b'{"threshold": ' + b"9" * (1 << 20) + b"}"}
    for member, key in (("tags", "weights"), ("meaning", "examples"), ("meaning", "width")):
        name = f"nlu/{LEARNED}{member}.json"
        yield f"10 GiB by {key} of {name}", {name: json.dumps({**json.loads(good[name]), key: 10 << 30}).encode()}
