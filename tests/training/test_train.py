"""Training: projects in, archives out."""

from __future__ import annotations

import os

import pytest

from botapi.data.project import read_folder
from botapi.errors import ConfigError, DataError
from botapi.model import newest, open_model
from botapi.training.train import is_current, train
from tests.projects import CONFIG, DOMAIN, NLU, RULES, small_project, write


@pytest.fixture
def folder(tmp_path):
    return small_project(tmp_path)


def trained(folder, **options):
    """(result, archive, lines reported) of a training in `folder`."""
    lines = []
    result = train(read_folder(folder), folder / "models", report=lines.append, **options)
    return result, open_model(result.path), lines


def test_a_full_model_has_both_halves_and_says_where_it_is(folder):
    result, archive, lines = trained(folder)
    assert result.trained and result.seconds > 0
    assert lines[-1] == f"Your botapi model is trained and saved at '{result.path}'."
    assert {name.split("/")[0] for name in archive.members} == {"config.json", "domain.json", "nlu", "policies"}
    assert archive.metadata.kind == "full"
    assert archive.metadata.assistant_id == "small"
    assert archive.metadata.language == "en"
    assert archive.json("config.json")["policies"] == [{"name": "RulePolicy"}]
    assert archive.json("domain.json")["responses"]["utter_bye"] == [{"text": "Bye!"}]


@pytest.mark.parametrize(("language", "first"), [("en", "WhitespaceTokenizer"), ("th", "RegexFeaturizer")])
def test_a_model_names_the_default_pipeline_of_its_language(folder, language, first):
    write(folder, {"config.yml": f"language: {language}\nassistant_id: small\n"})
    _, archive, _ = trained(folder)
    assert archive.json("config.json")["pipeline"][0] == {"name": first}
    _, again, _ = trained(folder, finetune=archive)
    assert again.json("config.json") == archive.json("config.json")


def test_unchanged_inputs_train_nothing_and_say_so(folder):
    first, *_ = trained(folder)
    again, _, lines = trained(folder)
    assert not again.trained
    assert again.path == first.path
    assert lines == [f"Nothing changed. You can use the old model stored at '{first.path}'."]
    assert is_current(read_folder(folder), folder / "models")


def test_trainings_of_the_same_second_have_an_archive_each(folder):
    paths = {trained(folder, force=True)[0].path for _ in range(3)}
    assert len(paths) == 3 and all(path.exists() for path in paths)


def test_a_comment_is_no_change(folder):
    trained(folder)
    write(folder, {"data/rules.yml": "# a comment\n" + RULES, "data/nlu.yml": "\n\n" + NLU})
    assert not trained(folder)[0].trained


@pytest.mark.parametrize(
    "file, old, new",
    [
        pytest.param("data/nlu.yml", "hi there", "good day", id="an example"),
        pytest.param("data/rules.yml", "- action: utter_bye", "- action: utter_greet", id="a rule"),
        pytest.param("domain.yml", "Hello!", "Welcome!", id="a response"),
        pytest.param("config.yml", "RulePolicy", "MemoizationPolicy", id="a policy"),
        pytest.param("config.yml", "language: en", "language: de", id="the language"),
    ],
)
def test_every_input_counts(folder, file, old, new):
    trained(folder)
    text = (folder / file).read_text()
    assert old in text
    write(folder, {file: text.replace(old, new)})
    assert not is_current(read_folder(folder), folder / "models")
    assert trained(folder, fixed_name="second")[0].trained


@pytest.mark.parametrize("option", [{"seed": 7}, {"augmentation": 0}], ids=str)
def test_options_of_training_count(folder, option):
    trained(folder, fixed_name="first")
    assert not is_current(read_folder(folder), folder / "models", **option)


def test_force_trains_all_the_same(folder):
    trained(folder, fixed_name="m")
    assert trained(folder, fixed_name="m", force=True)[0].trained


def test_of_an_unchanged_half_the_old_members_are_taken(folder):
    _, before, _ = trained(folder, fixed_name="m")
    write(folder, {"domain.yml": DOMAIN.replace("Hello!", "Welcome!")})
    result, after, lines = trained(folder, fixed_name="m")
    assert result.trained
    assert after.part("nlu/") == before.part("nlu/") and after.part("policies/") == before.part("policies/")
    assert after.json("domain.json")["responses"]["utter_greet"] == [{"text": "Welcome!"}]
    assert [line for line in lines if "RulePolicy" in line] == []


def test_the_same_inputs_give_the_same_members(folder):
    _, first, _ = trained(folder, fixed_name="a", force=True)
    _, second, _ = trained(folder, fixed_name="b", force=True)
    assert first.members == second.members
    assert first.metadata.model_id != second.metadata.model_id


@pytest.mark.parametrize("kind, has, lacks", [("nlu", "nlu", "policies"), ("core", "policies", "nlu")])
def test_one_half_alone(folder, kind, has, lacks):
    result, archive, _ = trained(folder, kind=kind)
    assert result.path.name.startswith(f"{kind}-")
    assert archive.metadata.kind == kind
    assert archive.part(f"{has}/") and not archive.part(f"{lacks}/")
    assert not trained(folder, kind=kind)[0].trained


def test_kinds_do_not_stand_for_each_other_and_what_is_reused_is_the_newest_again(folder):
    full, *_ = trained(folder, fixed_name=None)
    os.utime(full.path, (1, 1))
    trained(folder, kind="nlu")
    assert newest(folder / "models").name.startswith("nlu-")
    again, *_ = trained(folder)
    assert again.path == full.path and not again.trained
    assert newest(folder / "models") == full.path


def test_data_for_one_half_trains_that_half(folder):
    (folder / "data" / "rules.yml").unlink()
    result, archive, lines = trained(folder)
    assert archive.metadata.kind == "nlu"
    assert "only an NLU model" in lines[0]


def test_nlu_needs_no_domain(folder):
    (folder / "domain.yml").unlink()
    assert trained(folder, kind="nlu")[1].metadata.kind == "nlu"


@pytest.mark.parametrize(
    "kind, missing, names",
    [
        pytest.param("nlu", ["data/nlu.yml"], "NLU examples", id="understanding without examples"),
        pytest.param("core", ["data/rules.yml"], "stories or rules", id="dialogue without stories"),
        pytest.param("core", ["domain.yml"], "domain", id="dialogue without domain"),
        pytest.param("full", ["data/nlu.yml", "data/rules.yml"], "NLU examples", id="nothing at all"),
    ],
)
def test_no_data_is_refused(folder, kind, missing, names):
    for name in missing:
        (folder / name).unlink()
    with pytest.raises(DataError, match=names):
        trained(folder, kind=kind)
    assert not (folder / "models").exists()


def test_an_unknown_component_is_refused_and_leaves_no_archive(folder):
    write(folder, {"config.yml": CONFIG.replace("KeywordIntentClassifier", "MindReader")})
    with pytest.raises(ConfigError, match="MindReader"):
        trained(folder)
    assert not (folder / "models").exists()


def test_foreign_archives_beside_it_are_passed_over(folder):
    (folder / "models").mkdir()
    (folder / "models" / "other.tar.gz").write_bytes(b"not an archive")
    assert trained(folder)[0].trained


MORE_NLU = (
    NLU
    + """- intent: thank
  examples: |
    - thanks a lot
    - thank you
"""
)


def test_finetuning_goes_on_from_a_model_with_new_examples_and_intents(folder):
    config = CONFIG.replace("KeywordIntentClassifier", "LinearIntentClassifier")
    write(folder, {"config.yml": config})
    first = trained(folder)[1]
    write(folder, {"data/nlu.yml": MORE_NLU})
    result, archive, _ = trained(folder, kind="nlu", finetune=first, epoch_fraction=0.5)
    assert result.trained
    table = next(name for name in archive.members if name.endswith("labels.json"))
    assert set(archive.json(table)["labels"]) == {*first.json(table)["labels"], "thank"}


def test_what_was_finetuned_is_trained_anew_without_it(folder):
    first = trained(folder)[1]
    tuned = trained(folder, finetune=first)[0]
    assert tuned.trained
    assert not trained(folder, finetune=first)[0].trained
    assert trained(folder)[0].trained


def test_finetuning_needs_the_same_pipeline_but_for_epochs(folder):
    without = CONFIG[: CONFIG.index("pipeline")] + "policies:\n- name: RulePolicy\n"
    write(folder, {"config.yml": without + "pipeline:\n- name: DIETClassifier\n  epochs: 10\n"})
    first = trained(folder)[1]
    write(folder, {"config.yml": without + "pipeline:\n- name: DIETClassifier\n  epochs: 5\n"})
    assert trained(folder, finetune=first)[0].trained
    write(folder, {"config.yml": without + "pipeline:\n- name: KeywordIntentClassifier\n"})
    with pytest.raises(DataError, match="another pipeline"):
        trained(folder, finetune=first)


def test_finetuning_needs_a_model_that_understands(folder):
    dialogue = trained(folder, kind="core")[1]
    with pytest.raises(DataError, match="no understanding"):
        trained(folder, finetune=dialogue)
