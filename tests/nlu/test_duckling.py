"""Entities from a Duckling server: those of Rasa 3.6, and what becomes of messages when the server is no help."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from botapi.errors import ConfigError
from botapi.nlu.pipeline import Pipeline
from tests.nlu.ducklingserver import RECORDED, duckling_server
from tests.nlu.nlusamples import shop

DIMENSIONS = ["time", "number", "amount-of-money", "phone-number", "email", "duration"]


@pytest.fixture
def server():
    with duckling_server() as running:
        yield running


@pytest.fixture
def configured(tmp_path, monkeypatch):
    """Makes a trained pipeline from options that the configuration of this machine names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RASA_DUCKLING_HTTP_URL", raising=False)

    def make(**options):
        config = [{"name": "DucklingEntityExtractor", **options}, {"name": "EntitySynonymMapper"}]
        (tmp_path / "config.yml").write_text(json.dumps({"pipeline": config}))
        return Pipeline.train(config, "en", shop())

    return make


@pytest.mark.parametrize("one", RECORDED, ids=lambda one: one["text"][:12])
def test_entities_are_those_of_rasa(server, configured, one):
    entities = configured(url=server.url, dimensions=DIMENSIONS).parse(one["text"])["entities"]
    assert entities == one["entities"]
    assert [list(entity) for entity in entities] == [list(entity) for entity in one["entities"]]


def test_the_form_is_that_of_rasa(server, configured):
    configured(url=f"{server.url}/", dimensions=["time"], locale="de_DE", timezone="Europe/Berlin").parse("ä & ö=1")
    form = server.asked[-1]
    assert list(form) == ["text", "locale", "tz", "dims", "reftime"]
    assert form["text"] == "ä & ö=1" and form["reftime"].endswith("000") and len(form["reftime"]) == 13
    assert (form["locale"], form["tz"], form["dims"]) == ("de_DE", "Europe/Berlin", '["time"]')


def test_what_is_not_configured_is_not_sent(server, configured):
    configured(url=server.url, dimensions=None, locale=None).parse("hello")
    assert list(server.asked[-1]) == ["text", "dims", "reftime"]
    assert server.asked[-1]["dims"] == "null"


def test_dimensions_that_were_not_asked_for_are_left_out(server, configured):
    pipeline = configured(url=server.url, dimensions=["number"])
    (entity,) = pipeline.parse("after 6pm it costs $42.50, that's two")["entities"]
    assert entity["entity"] == "number"


def test_a_loaded_pipeline_asks_as_the_trained_one(server, configured):
    trained = configured(url=server.url)
    loaded = Pipeline.load(trained.config, trained.save())
    assert loaded.parse("90 minutes") == trained.parse("90 minutes")
    assert loaded.parse("90 minutes")["entities"]


def test_the_environment_wins(server, configured, monkeypatch):
    monkeypatch.setenv("RASA_DUCKLING_HTTP_URL", server.url)
    assert configured(url="http://127.0.0.1:9").parse("90 minutes")["entities"]
    assert configured().parse("90 minutes")["entities"]


def test_half_a_surrogate_pair_shifts_nothing(server, configured):
    pipeline = configured(url=server.url)
    server.body = json.dumps([{"dim": "number", "start": 2, "end": 3, "body": "2", "value": {"value": 2}}]).encode()
    (entity,) = pipeline.parse("\ud83d 2")["entities"]
    assert entity["value"] == 2
    assert server.asked[-1]["text"] == "? 2"


def test_without_an_address_the_log_says_so_once(configured, caplog):
    caplog.set_level("INFO")
    assert configured().parse("90 minutes")["entities"] == []
    assert caplog.text.count("DucklingEntityExtractor has no effect") == 1


def test_a_server_that_is_down_costs_its_entities_only(configured, caplog):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    pipeline = configured(url=f"http://127.0.0.1:{port}")
    caplog.clear()
    found = pipeline.parse("90 minutes")
    assert (found["text"], found["entities"]) == ("90 minutes", [])
    (line,) = caplog.messages
    assert f"DucklingEntityExtractor finds nothing: http://127.0.0.1:{port}/parse can't be reached" in line
    assert "90 minutes" not in line


def test_a_server_that_is_slow_costs_no_more_than_the_timeout(server, configured, caplog):
    pipeline = configured(url=server.url, timeout=0.2)
    server.released.clear()
    # Whoever waits longer than the timeout is let go late, and then gets the entities.
    late = threading.Timer(20, server.released.set)
    late.start()
    assert pipeline.parse("90 minutes")["entities"] == []
    late.cancel()
    assert "did not answer within 0.2 s" in caplog.text


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (500, b"[]", "status 500"),
        (302, b"", "status 302"),
        (200, b"<html>90 minutes", "something else"),
        (200, b"[" * 100_000, "something else"),
        (200, b'{"90 minutes": 1}', "something else"),
        (200, b'["90 minutes"]', "something else"),
        (200, b'[{"dim": "time", "start": 0, "end": 99, "value": {}}]', "something else"),
        (200, b'[{"dim": "time", "start": 3, "end": 2, "value": {}}]', "something else"),
        (200, b'[{"dim": "time", "start": 0, "end": 2, "value": "x"}]', "something else"),
        (200, b'[{"start": 0, "end": 2, "value": {}}]', "something else"),
    ],
)
def test_an_answer_that_is_none_costs_the_entities_only(server, configured, caplog, status, body, why):
    pipeline = configured(url=server.url)
    server.status, server.body = status, body
    assert pipeline.parse("90 minutes")["entities"] == []
    assert why in caplog.text and "90 minutes" not in caplog.text


def test_values_without_the_usual_keys_are_null(server, configured):
    pipeline = configured(url=server.url)
    server.body = b'[{"dim": "time", "start": 0, "end": 2, "value": {"type": "interval", "to": null}}]'
    (entity,) = pipeline.parse("90 minutes")["entities"]
    assert entity["value"] == {"to": None, "from": None} and entity["text"] is None


def test_a_server_that_only_the_model_names_is_not_asked(server, configured, tmp_path, monkeypatch):
    trained = configured(url=server.url)
    members, asked = trained.save(), len(server.asked)
    (tmp_path / "config.yml").write_text("pipeline: [{name: DucklingEntityExtractor}]")
    for attempt in (
        lambda: Pipeline.load(trained.config, members),
        lambda: Pipeline.train(trained.config, "en", shop()),
    ):
        with pytest.raises(ConfigError, match="The Duckling server .* is not used, because config.yml on this machine"):
            attempt()
    assert len(server.asked) == asked
    monkeypatch.setenv("RASA_DUCKLING_HTTP_URL", server.url)
    assert Pipeline.load(trained.config, members).parse("90 minutes")["entities"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"url": "duckling:8000"}, "expected http://"),
        ({"url": "http://127.0.0.1:1", "timeout": 0}, "timeout is 0"),
        ({"url": "http://127.0.0.1:1", "timeout": "3"}, "'timeout' of DucklingEntityExtractor"),
        ({"url": "http://127.0.0.1:1", "dimensions": "time"}, "'dimensions' of DucklingEntityExtractor"),
        ({"url": "http://127.0.0.1:1", "dimensions": [3]}, "'dimensions' of DucklingEntityExtractor"),
    ],
)
def test_options_that_make_no_sense_are_refused(configured, options, why):
    with pytest.raises(ConfigError, match=why):
        configured(**options)
