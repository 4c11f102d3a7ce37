"""Words of Chinese texts by jieba, with dictionaries of one's own."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botapi.errors import ConfigError, ModelError
from botapi.nlu.jiebawords import MAX_CHARACTERS, MAX_LINE_CHARACTERS
from botapi.nlu.pipeline import Pipeline
from tests.nlu.nlusamples import shop

# What some versions of Python and of setuptools warn of when they see jieba first.
pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence", "ignore:.*pkg_resources")

MEMBER = "00-JiebaTokenizer/dictionary.json"
PLAIN = [{"name": "JiebaTokenizer"}]


@pytest.fixture(scope="module", autouse=True)
def _installed():
    pytest.importorskip("jieba")


@pytest.fixture
def with_dictionary(tmp_path, monkeypatch):
    """A pipeline with two dictionaries in a folder, which the configuration of this machine names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "a.txt").write_text("\ufeff创新办 3 i\n云计算 5\n\n", encoding="utf-8")
    (tmp_path / "words" / "b.txt").write_text("凱特琳\r\n台中正確 3 nz\n", encoding="utf-8")
    config = [{"name": "JiebaTokenizer", "dictionary_path": "words"}]
    (tmp_path / "config.yml").write_text(json.dumps({"pipeline": config}))
    return config


def words(pipeline, text):
    return [text[start:end] for start, end in pipeline.parse(text)["text_tokens"]]


def test_words_are_those_of_jieba():
    pipeline = Pipeline.train(PLAIN, "zh", shop())
    assert words(pipeline, "我来到北京清华大学") == ["我", "来到", "北京", "清华大学"]
    assert words(pipeline, "") == []
    assert words(pipeline, "我想 buy 3 本书!") == ["我", "想", " ", "buy", " ", "3", " ", "本书", "!"]


def test_dictionaries_tell_more_words(with_dictionary):
    text = "李小福是创新办主任也是云计算方面的专家"
    assert "创新办" not in words(Pipeline.train(PLAIN, "zh", shop()), text)
    assert {"创新办", "云计算"} <= set(words(Pipeline.train(with_dictionary, "zh", shop()), text))


def test_a_model_keeps_its_dictionaries(with_dictionary, tmp_path):
    trained = Pipeline.train(with_dictionary, "zh", shop())
    assert json.loads(trained.save()[MEMBER]) == ["创新办 3 i", "云计算 5", "凱特琳", "台中正確 3 nz"]
    (tmp_path / "config.yml").unlink()
    (tmp_path / "words" / "a.txt").unlink()
    loaded = Pipeline.load(with_dictionary, trained.save())
    for text in ("是创新办主任", "凱特琳台中正確", ""):
        assert loaded.parse(text) == trained.parse(text)


def test_a_token_pattern_splits_words_further():
    pipeline = Pipeline.train([{"name": "JiebaTokenizer", "token_pattern": "[a-z]+|[0-9]+"}], "zh", shop())
    assert words(pipeline, "清华大学 ab12") == ["清华大学", " ", "ab", "12"]


@given(st.text(max_size=40))
@settings(deadline=None)
def test_words_follow_each_other_and_make_up_the_text(text):
    assert "".join(words(Pipeline.train(PLAIN, "zh", shop()), text)) == text


def test_a_folder_that_this_machine_does_not_name_is_not_read(with_dictionary, tmp_path):
    (tmp_path / "config.yml").write_text("pipeline: [{name: JiebaTokenizer}]")
    with pytest.raises(ConfigError, match="The folder 'words' is not used, because config.yml"):
        Pipeline.train(with_dictionary, "zh", shop())


def test_a_folder_that_is_none_is_refused(with_dictionary, tmp_path):
    (tmp_path / "words").rename(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="dictionary_path of JiebaTokenizer is 'words'; expected a folder"):
        Pipeline.train(with_dictionary, "zh", shop())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("创新办".encode("gbk"), "is not UTF-8"),
        (b"x" * (MAX_LINE_CHARACTERS + 1), "line 1 is 'x+'"),
        (b"0123456789\n" * (MAX_CHARACTERS // 10 + 1), "over 1,000,000 characters"),
    ],
    ids=["encoding", "line", "all"],
)
def test_dictionaries_that_can_not_be_used_are_refused(with_dictionary, tmp_path, content, why):
    (tmp_path / "words" / "a.txt").write_bytes(content)
    (tmp_path / "words" / "b.txt").unlink()
    with pytest.raises(ConfigError, match=why):
        Pipeline.train(with_dictionary, "zh", shop())


@pytest.mark.parametrize(
    "lines",
    [{}, [3], [""], [" "], ["a\nb"], ["x" * (MAX_LINE_CHARACTERS + 1)], ["x" * 100] * (MAX_CHARACTERS // 100 + 1)],
    ids=["table", "number", "empty", "blank", "two", "long", "many"],
)
def test_damaged_members_are_refused(lines):
    with pytest.raises(ModelError, match="dictionary.json"):
        Pipeline.load([{"name": "JiebaTokenizer", "dictionary_path": "words"}], {MEMBER: json.dumps(lines).encode()})


def test_what_lies_in_the_folder_for_temporary_files_is_not_read(tmp_path, monkeypatch):
    (tmp_path / "jieba.cache").write_bytes(b"\x00not what marshal reads")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = (tmp_path / "jieba.cache").stat()
    Pipeline.load([{"name": "JiebaTokenizer"}], {MEMBER: json.dumps(["temporary 3"]).encode()})
    assert (tmp_path / "jieba.cache").stat() == before
    assert [path.name for path in tmp_path.iterdir()] == ["jieba.cache"]
