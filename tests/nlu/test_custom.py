"""Components of one's own: named by class path in the configuration here, and nowhere else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from botapi.data.examples import Example, TrainingData
from botapi.errors import ConfigError
from botapi.nlu.local import configured_by, require_named
from botapi.nlu.pipeline import Pipeline
from tests.nlu.nlusamples import shop

PAGE = Path(__file__).parents[2] / "docs" / "nlu.md"
DOCUMENTED = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
UNFINISHED = """

class Unfinished:
    OPTIONS = {}

    def process(self, message):
        pass
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A bot's folder with a module of components, where it is found as it is by `botapi`."""
    (tmp_path / "hashtags.py").write_text("".join(DOCUMENTED) + UNFINISHED)
    (tmp_path / "faulty.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def configuration(folder, *items, file="config.yml"):
    (folder / file).write_text(json.dumps({"pipeline": items}))
    return list(items)


def test_a_component_of_ones_own_is_trained_kept_and_used(folder):
    config = configuration(folder, {"name": "WhitespaceTokenizer"}, {"name": "hashtags.HashTags", "entity": "topic"})
    data = TrainingData(examples=[Example("what is #news", "ask")])
    trained = Pipeline.train(config, "en", data)
    assert trained.save() == {"01-HashTags/tags.json": b'["#news"]'}
    loaded = Pipeline.load(config, trained.save())
    shape = {"entity": "topic", "extractor": "HashTags"}
    assert (
        loaded.parse("#old #news")["entities"]
        == trained.parse("#old #news")["entities"]
        == [
            {**shape, "start": 0, "end": 4, "value": "#old", "known": False},
            {**shape, "start": 5, "end": 10, "value": "#news", "known": True},
        ]
    )


def test_options_are_checked_as_those_of_ours(folder):
    config = configuration(folder, {"name": "hashtags.HashTags", "most": "many", "colour": "red"})
    with pytest.raises(ConfigError, match="Option 'most' of hashtags.HashTags is 'many'"):
        Pipeline.train(config, "en", shop())
    lines = []
    Pipeline.train([{**config[0], "most": 3}], "en", shop(), report=lines.append)
    assert "hashtags.HashTags: colour without effect" in lines


def test_a_class_that_only_a_model_or_request_names_is_not_imported(folder):
    configuration(folder, {"name": "hashtags.HashTags"})
    named_elsewhere = [{"name": "faulty.Component"}]
    for attempt in (
        lambda: Pipeline.train(named_elsewhere, "en", shop()),
        lambda: Pipeline.load(named_elsewhere, {}),
    ):
        with pytest.raises(ConfigError, match="The class 'faulty.Component' is not used, because config.yml"):
            attempt()


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("nowhere.Component", "'nowhere.Component' can't be imported .*No module named 'nowhere'"),
        ("faulty.Component", "'faulty.Component' can't be imported .*division by zero"),
        ("hashtags.Nothing", "'hashtags.Nothing' can't be imported .*no attribute 'Nothing'"),
        ("hashtags.Unfinished", "'hashtags.Unfinished' lacks train, load, save"),
    ],
)
def test_a_class_that_can_not_be_used_is_refused_in_a_sentence(folder, path, why):
    config = configuration(folder, {"name": path})
    with pytest.raises(ConfigError, match=why):
        Pipeline.train(config, "en", shop())


def test_the_configuration_may_have_the_longer_suffix(folder):
    config = configuration(folder, {"name": "hashtags.HashTags"}, file="config.yaml")
    assert Pipeline.train(config, "en", shop()).parse("#news")["entities"]


def test_a_configuration_that_is_missing_or_broken_names_nothing(folder):
    for content in (None, "pipeline: [", "[]", "pipeline: hashtags", "pipeline: {name: other.Class}"):
        if content:
            (folder / "config.yml").write_text(content)
        with pytest.raises(ConfigError, match="The class 'hashtags.HashTags' is not used"):
            Pipeline.train([{"name": "hashtags.HashTags"}], "en", shop())


def test_a_command_may_name_another_configuration(folder, monkeypatch):
    configuration(folder, {"name": "hashtags.HashTags"}, file="mine.yml")
    with pytest.raises(ConfigError):
        require_named("hashtags.HashTags", "The class")
    with configured_by("mine.yml"):
        require_named("hashtags.HashTags", "The class")
        with configured_by(None):
            require_named("hashtags.HashTags", "The class")
    with pytest.raises(ConfigError, match="config.yml on this machine"):
        require_named("hashtags.HashTags", "The class")
    monkeypatch.setenv("BOTAPI_CONFIG", "mine.yml")
    with configured_by("config.yml"), pytest.raises(ConfigError):
        require_named("hashtags.HashTags", "The class")
    require_named("hashtags.HashTags", "The class")
