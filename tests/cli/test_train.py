"""`botapi train` and `botapi data validate`: files in, exit codes and sentences out."""

from __future__ import annotations

import pytest

from botapi.cli.main import main
from botapi.model import open_model
from tests.projects import DOMAIN, NLU, small_project, write


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return small_project(tmp_path)


def test_it_trains_once_and_then_says_that_nothing_changed(folder, capsys):
    assert main(["train", "--fixed-model-name", "m"]) == 0
    assert "trained and saved at 'models/m.tar.gz'" in capsys.readouterr().out
    assert main(["train"]) == 0
    assert capsys.readouterr().out == ("Nothing changed. You can use the old model stored at 'models/m.tar.gz'.\n")


@pytest.mark.parametrize(
    "words, kind",
    [(["train", "nlu"], "nlu"), (["train", "core"], "core"), (["train", "nlu", "--nlu", "data/nlu.yml"], "nlu")],
)
def test_halves(folder, words, kind):
    assert main([*words, "--fixed-model-name", "half", "--out", "out"]) == 0
    assert open_model(folder / "out" / "half.tar.gz").metadata.kind == kind


def test_responses_beside_the_examples_are_no_domain_to_check_them_against(folder, capsys):
    (folder / "domain.yml").unlink()
    responses = "- intent: faq/price\n  examples: |\n    - how much\nresponses:\n  utter_faq/price: [{text: Ten.}]\n"
    write(folder, {"data/nlu.yml": NLU + responses})
    assert main(["train", "nlu"]) == 0
    assert "not in the domain" not in capsys.readouterr().err
    assert main(["train"]) == 1
    assert "The intent 'greet' has examples but is not in the domain. (data/nlu.yml, line" in capsys.readouterr().err


def test_files_may_be_named(folder):
    (folder / "data").rename(folder / "texts")
    (folder / "domain.yml").rename(folder / "d.yml")
    (folder / "config.yml").rename(folder / "c.yml")
    words = ["train", "--data", "texts/nlu.yml", "texts/rules.yml", "-d", "d.yml", "-c", "c.yml", "--out", "."]
    assert main([*words, "--fixed-model-name", "m"]) == 0
    assert open_model(folder / "m.tar.gz").metadata.kind == "full"


def test_the_file_that_is_named_may_name_classes(folder, monkeypatch, capsys):
    """As the configuration of this machine may; afterwards it's config.yml again that counts."""
    (folder / "mycomponents.py").write_text(
        "from botapi.nlu.keywords import KeywordIntentClassifier\n\n\nclass Words(KeywordIntentClassifier):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    (folder / "c.yml").write_text("pipeline: [{name: mycomponents.Words}]")
    assert main(["train", "nlu", "-c", "c.yml", "--fixed-model-name", "m"]) == 0
    assert main(["test", "nlu", "-m", "models/m.tar.gz", "--nlu", "data/nlu.yml"]) == 1
    assert "'mycomponents.Words' is not used, because config.yml on this machine" in capsys.readouterr().err
    monkeypatch.setenv("BOTAPI_CONFIG", "c.yml")
    assert main(["test", "nlu", "-m", "models/m.tar.gz", "--nlu", "data/nlu.yml"]) == 0


def test_a_dry_run_tells_by_its_exit_code(folder, capsys):
    assert main(["train", "--dry-run"]) == 1
    assert not (folder / "models").exists()
    assert main(["train"]) == 0
    assert main(["train", "--dry-run"]) == 0
    assert main(["train", "--dry-run", "--force"]) == 8
    assert main(["train", "--dry-run", "--seed", "5"]) == 1


def test_flags_without_effect_are_taken_and_told(folder, capsys):
    assert main(["train", "--num-threads", "4", "--debug-plots"]) == 0
    told = capsys.readouterr().err
    assert "--num-threads has no effect: " in told and "--debug-plots has no effect: " in told
    assert "--endpoints" not in told


def test_finetune_goes_on_from_the_newest_model_or_a_named_one(folder, capsys):
    assert main(["train", "--finetune"]) == 1
    assert "no model" in capsys.readouterr().err
    assert main(["train", "--fixed-model-name", "first"]) == 0
    assert main(["train", "--finetune", "--epoch-fraction", "0.5"]) == 0
    assert main(["train", "nlu", "--finetune", "models/first.tar.gz"]) == 0


@pytest.mark.parametrize("fraction", ["0", "1.5", "x", "nan"])
def test_a_part_of_the_epochs_is_above_0_and_up_to_1(fraction, capsys):
    assert main(["train", "--finetune", "--epoch-fraction", fraction]) != 0
    assert "above 0" in capsys.readouterr().err


def test_findings_of_the_check_stop_a_training_only_when_asked(folder, capsys):
    write(folder, {"domain.yml": DOMAIN.replace("[greet, bye]", "[greet, bye, never]")})
    assert main(["train", "--fail-on-validation-warnings"]) == 1
    assert "faults" in capsys.readouterr().err
    assert main(["train", "--fail-on-validation-warnings", "--skip-validation"]) == 0
    assert main(["train", "--force"]) == 0
    assert "The intent 'never' of the domain has no examples." in capsys.readouterr().err


@pytest.mark.parametrize(
    "file, text, sentence",
    [
        pytest.param("domain.yml", "intents: [", "domain.yml, line", id="broken YAML"),
        pytest.param("config.yml", "pipeline: 5", "config.yml, line 1", id="wrong pipeline"),
        pytest.param("config.yml", "policies: [{name: Oracle}]", "Oracle", id="unknown policy"),
        pytest.param("data/rules.yml", "rules: [{rule: x, steps: [{dance: y}]}]", "data/rules.yml", id="unknown step"),
    ],
)
def test_wrong_files_are_told_in_one_sentence(folder, file, text, sentence, capsys):
    write(folder, {file: text})
    assert main(["train"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("botapi: ") and error.count("\n") == 1
    assert sentence in error


def test_a_clean_project_validates(folder, capsys):
    assert main(["data", "validate", "--fail-on-warnings"]) == 0
    assert capsys.readouterr().out == "0 errors, 0 warnings.\n"


def test_warnings_fail_only_when_asked_and_errors_always(folder, capsys):
    write(folder, {"domain.yml": DOMAIN.replace("[greet, bye]", "[greet, bye, never]")})
    assert main(["data", "validate"]) == 0
    assert main(["data", "validate", "--fail-on-warnings"]) == 1
    write(folder, {"domain.yml": DOMAIN.replace("[greet, bye]", "[greet]")})
    assert main(["data", "validate"]) == 1
    out = capsys.readouterr().out
    assert "error: " in out and "nlu.yml, line" in out
