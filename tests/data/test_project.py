"""Projects: where files are found, how they are sorted by content, configuration, and one document that holds all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botapi import yamlfile
from botapi.data import project, write
from botapi.data.check import check
from botapi.data.project import Config
from botapi.errors import DataError

DOMAIN = "intents: [greet, faq]\nresponses:\n  utter_greet: [{text: Hi}]\n  utter_faq/a: [{text: A}]\n"
NLU = "nlu:\n- intent: greet\n  examples: |\n    - hi\n- intent: faq/a\n  examples: |\n    - why\n"
STORIES = "stories:\n- story: s\n  steps:\n  - intent: greet\n  - action: utter_greet\n  - bot: Bye!\n"
RULES = "rules:\n- rule: r\n  steps:\n  - intent: faq\n  - action: utter_faq\n"
CONFIG = """language: de
pipeline:
- name: WhitespaceTokenizer
policies:
- name: RulePolicy
  core_fallback_threshold: 0.3
"""


@pytest.fixture
def folder(tmp_path):
    files = {
        "domain.yml": DOMAIN,
        "config.yml": CONFIG,
        "data/nlu.yml": NLU,
        "data/core/stories.yml": STORIES,
        "data/core/rules.yaml": RULES + "responses:\n  utter_faq/b: [{text: B}]\n",
        "data/test_stories.yml": "stories:\n- story: t\n  steps:\n  - user: hi\n    intent: greet\n",
        "data/notes.yml": "- something else",
        "data/notes.txt": "nlu: broken [",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_folder_is_read_by_content(folder):
    found = project.read_folder(folder)
    assert [example.text for example in found.nlu.examples] == ["hi", "why"]
    assert [story.name for story in found.stories] == ["r", "s"]
    assert [story.name for story in found.tests] == ["t"]
    assert found.config == Config(
        language="de",
        pipeline=[{"name": "WhitespaceTokenizer"}],
        policies=[{"name": "RulePolicy", "core_fallback_threshold": 0.3}],
    )
    assert sorted(str(path.relative_to(folder)) for path in found.files) == [
        "config.yml",
        "data/core/rules.yaml",
        "data/core/stories.yml",
        "data/nlu.yml",
        "data/notes.yml",
        "data/test_stories.yml",
        "domain.yml",
    ]


def test_the_domain_learns_from_the_training_data(folder):
    domain = project.read_folder(folder).domain
    assert domain.retrieval_intents == ["faq"]
    assert "utter_faq" in domain.action_names
    assert domain.action_texts == ["Bye!"]
    assert list(domain.retrieval_responses) == ["utter_faq/a", "utter_faq/b"]


def test_the_training_data_learns_responses_from_the_domain(folder):
    assert project.read_folder(folder).nlu.responses == {"utter_faq/a": [{"text": "A"}], "utter_faq/b": [{"text": "B"}]}


def test_paths_can_be_given(folder):
    (folder / "other.yml").write_text("language: fr")
    found = project.read_folder(
        folder, config="other.yml", domain=["domain.yml"], data=["data/nlu.yml", Path("data/core")]
    )
    assert found.config.language == "fr"
    assert found.config.pipeline is None
    assert len(found.stories) == 2 and found.tests == []


@pytest.mark.parametrize("part", ["config", "domain", "data"])
def test_a_given_path_has_to_exist(folder, part):
    with pytest.raises(DataError, match=r"does not exist.*nowhere"):
        project.read_folder(folder, **{part: "nowhere"})


def test_an_empty_folder_is_an_empty_project(tmp_path):
    found = project.read_folder(tmp_path)
    assert found.domain.is_empty
    assert (found.nlu.examples, found.stories, found.config, found.files) == ([], [], Config(), ())


def test_a_file_without_training_data_is_named_in_the_log(tmp_path, caplog):
    for name, text in [("empty.yml", ""), ("comment.yml", "# later"), ("other.yml", "x: 1")]:
        (tmp_path / name).write_text(text)
    with caplog.at_level("INFO"):
        assert project.read_folder(tmp_path, data=".").nlu.examples == []
    for name in ("empty.yml", "comment.yml", "other.yml"):
        assert f"{name} holds no training data" in caplog.text


def test_a_domain_can_be_a_folder(tmp_path):
    (tmp_path / "domain").mkdir()
    (tmp_path / "domain" / "a.yml").write_text("intents: [a]")
    assert "a" in project.read_folder(tmp_path).domain.intents


def test_the_environment_fills_the_configuration_only(folder):
    (folder / "config.yml").write_text("assistant_id: ${NAME}")
    (folder / "domain.yml").write_text("responses:\n  utter_x: [{text: '${NAME}'}]\nintents: [greet, faq]")
    found = project.read_folder(folder, environment={"NAME": "mine"})
    assert found.config.assistant_id == "mine"
    assert found.domain.responses["utter_x"] == [{"text": "${NAME}"}]


def test_one_document_holds_everything():
    found = project.read_text(DOMAIN + NLU + STORIES + RULES + CONFIG, "posted")
    assert [example.text for example in found.nlu.examples] == ["hi", "why"]
    assert [story.name for story in found.stories] == ["s", "r"]
    assert found.config.language == "de"
    assert "utter_faq" in found.domain.action_names
    assert "nlu" not in found.domain.as_dict() and "pipeline" not in found.domain.as_dict()
    assert found.files == ()


FAULTS = [
    pytest.param("", "no mapping", None, id="empty"),
    pytest.param("text", "no mapping", None, id="text"),
    pytest.param("intents: [a]\npipeline: x", "not a list", 2, id="pipeline is text"),
    pytest.param("pipeline:\n- name: X\n- nmae: Y", "has no name", 3, id="misspelt name"),
    pytest.param("policies:\n- 5", "has no name", 2, id="policy is a number"),
    pytest.param("policies:\n- name: X\n  1: y", "not text", 2, id="option is a number"),
    pytest.param("intents: [a]\nlanguage: 5", "expected text", 2, id="language is a number"),
    pytest.param("intents: [a]\nnlu: x", "not a list", 2, id="nlu is text"),
    pytest.param("intents: [a]\nwhatever: x", "unknown key", 2, id="unknown part"),
]


@pytest.mark.parametrize(("text", "message", "line"), FAULTS)
def test_a_fault_of_a_posted_document_names_the_line(text, message, line):
    with pytest.raises(DataError, match=message) as caught:
        project.read_text(text, "posted")
    assert (caught.value.file, caught.value.line) == ("posted", line)


def test_a_bare_name_is_an_entry_without_options():
    assert project.read_config({"policies": ["RulePolicy"]}).policies == [{"name": "RulePolicy"}]


def test_a_configuration_has_to_be_a_mapping():
    with pytest.raises(DataError, match="not a mapping"):
        project.read_config([])


SEED = (
    DOMAIN.replace("[greet, faq]", "[greet, faq: {use_entities: [name]}]")
    + """
entities: [age, name: {roles: [first], groups: ["1"]}]
slots:
  name:
    type: categorical
    values: [x]
    mappings:
    - {type: from_entity, entity: name, role: first, intent: [greet], conditions: [{active_loop: form}]}
forms: {form: {required_slots: [name], ignored_intents: [faq]}}
actions: [action_x, action_y: {send_domain: true}]
session_config: {session_expiration_time: 5}
nlu:
- {intent: greet, metadata: m, examples: [{text: "hi [Ann](name)", metadata: n}, hello]}
- {synonym: s, examples: "- t"}
- {regex: r, examples: "- t"}
stories:
- story: s
  steps:
  - {checkpoint: c, slot_was_set: [name: x]}
  - {intent: greet, entities: [age, {name: x, role: first}]}
  - {or: [intent: faq, slot_was_set: [name]]}
  - active_loop: form
  - user: hi [Ann](name)
rules:
- {rule: r, condition: [active_loop: form], wait_for_user_input: false, steps: [intent: greet, action: action_x]}
"""
    + CONFIG
)
JUNK = st.sampled_from(
    [None, True, 5, 2.5, "x", "", "[a]{b}", "/x{", [], {}, ["x"], [None], [{}], [[]], {"a": 1}, {5: None}, {"x": [{}]}]
)


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all values inside of a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inner for found in [(*way, key), *places(item, (*way, key))]]


@settings(deadline=None)
@given(st.data())
def test_whatever_stands_in_the_files_is_read_or_refused_with_a_data_error(data):
    content = yamlfile.load(SEED)
    *way, last = data.draw(st.sampled_from(places(content)))
    container = content
    for key in way:
        container = container[key]
    container[last] = data.draw(JUNK)
    try:
        found = project.read_text(yamlfile.dump(content), "posted")
    except DataError as error:
        assert error.file == "posted" and error.line
        return
    check(found)
    json.dumps(found.domain.as_dict())
    assert len(found.domain.fingerprint()) == 32
    assert yamlfile.load(found.domain.as_yaml()) == found.domain.as_dict()
    write.stories_yaml(found.stories)
    write.nlu_yaml(found.nlu)
