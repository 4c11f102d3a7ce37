"""Settings from files, environment and flags, and the rule that nothing is open by accident."""

from __future__ import annotations

import logging
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from botapi.errors import ConfigError, DataError
from botapi.settings import Settings, from_environment, is_loopback, load_class, read_settings, refuse_open_api


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the server is started in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_files_the_defaults_hold() -> None:
    settings = read_settings(environ={})
    assert settings == Settings()
    assert (settings.interface, settings.port, settings.enable_api) == ("127.0.0.1", 5005, False)
    assert (settings.response_timeout_s, settings.request_timeout_s) == (3600, 300)
    assert settings.section("tracker_store") is None


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


def test_usual_files_are_read_with_the_environment_put_in(project: Path) -> None:
    (project / "endpoints.yml").write_text("action_endpoint:\n  url: http://${HOST}:5055/webhook\n")
    (project / "credentials.yml").write_text("rest:\n")
    settings = read_settings(environ={"HOST": "actions"}, port=80)
    assert settings.section("action_endpoint") == {"url": "http://actions:5055/webhook"}
    assert settings.credentials == {"rest": None}
    assert settings.port == 80


def test_named_file_must_be_there() -> None:
    with pytest.raises(ConfigError, match="The file 'other.yml' is missing"):
        read_settings(endpoints="other.yml", environ={})
    with pytest.raises(ConfigError, match="'creds.yml' is missing"):
        from_environment({"BOTAPI_CREDENTIALS": "creds.yml"})


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n"])
def test_empty_file_is_no_error(project: Path, text: str) -> None:
    (project / "endpoints.yml").write_text(text)
    assert read_settings(environ={}).endpoints == {}


def test_file_of_another_shape_is_refused(project: Path) -> None:
    (project / "endpoints.yml").write_text("- action_endpoint\n")
    with pytest.raises(ConfigError, match="endpoints.yml holds a list"):
        read_settings(environ={})
    (project / "endpoints.yml").write_text("a: [\n")
    with pytest.raises(DataError, match="endpoints.yml"):
        read_settings(environ={})


def test_section_must_hold_keys(project: Path) -> None:
    (project / "endpoints.yml").write_text("nlg: response\n")
    with pytest.raises(ConfigError, match="nlg: found 'response' in endpoints.yml"):
        read_settings(environ={}).section("nlg")


def test_unknown_key_gets_a_warning(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    (project / "endpoints.yml").write_text("tracker_stores:\n  type: SQL\nmodels:\n  url: http://x\n")
    with caplog.at_level(logging.WARNING):
        read_settings(environ={})
    assert len(caplog.messages) == 1
    assert "unknown key 'tracker_stores' is ignored; known are action_endpoint" in caplog.messages[0]


def test_environment_of_make_app(project: Path) -> None:
    (project / "e.yml").write_text("models: {url: http://x}\n")
    settings = from_environment(
        {
            "BOTAPI_MODEL": "m.tar.gz",
            "BOTAPI_ENDPOINTS": "e.yml",
            "BOTAPI_ENABLE_API": "1",
            "BOTAPI_AUTH_TOKEN": "t",
            "BOTAPI_JWT_SECRET": "s",
            "BOTAPI_JWT_METHOD": "HS512",
            "BOTAPI_CORS": "https://a.example, https://b.example",
            "BOTAPI_RESPONSE_TIMEOUT": "2.5",
        }
    )
    assert settings == Settings(
        model="m.tar.gz",
        endpoints={"models": {"url": "http://x"}},
        enable_api=True,
        auth_token="t",
        jwt_secret="s",
        jwt_method="HS512",
        cors_origins=("https://a.example", "https://b.example"),
        response_timeout_s=2.5,
        interface="",
    )


def test_empty_variables_count_as_unset() -> None:
    names = ("MODEL", "ENDPOINTS", "CREDENTIALS", "ENABLE_API", "AUTH_TOKEN", "JWT_SECRET", "JWT_METHOD", "CORS")
    assert from_environment({f"BOTAPI_{name}": "" for name in names}) == from_environment({}) == Settings(interface="")


@pytest.mark.parametrize(("text", "value"), [("1", True), ("true", True), ("0", False), ("no", False), ("", False)])
def test_switches(text: str, value: bool) -> None:
    assert from_environment({"BOTAPI_ENABLE_API": text}).enable_api is value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BOTAPI_ENABLE_API", "perhaps"),
        ("BOTAPI_RESPONSE_TIMEOUT", "soon"),
        ("BOTAPI_RESPONSE_TIMEOUT", "0"),
        ("BOTAPI_RESPONSE_TIMEOUT", "nan"),
        ("BOTAPI_RESPONSE_TIMEOUT", "inf"),
    ],
)
def test_nonsense_in_the_environment_is_named(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}='{text}': expected"):
        from_environment({name: text})


OPEN = Settings(enable_api=True)


@pytest.mark.parametrize("interface", ["0.0.0.0", "::", "192.168.1.5", "bot.example", "", None])
def test_open_api_is_refused(interface: str | None) -> None:
    with pytest.raises(ConfigError, match="--allow-unauthenticated"):
        refuse_open_api(OPEN, interface=interface)


@pytest.mark.parametrize(
    ("settings", "interface"),
    [
        (OPEN, "127.0.0.1"),
        (OPEN, "localhost"),
        (OPEN, "::1"),
        (Settings(), "0.0.0.0"),
        (Settings(), None),
        (Settings(enable_api=True, auth_token="t"), "0.0.0.0"),
        (Settings(enable_api=True, jwt_secret="s"), None),
        (Settings(enable_api=True, allow_unauthenticated=True), "0.0.0.0"),
        (Settings(enable_api=True, allow_unauthenticated=True), None),
    ],
)
def test_guarded_or_local_api_is_served(settings: Settings, interface: str | None) -> None:
    refuse_open_api(settings, interface=interface)


def test_make_app_is_told_of_its_variable() -> None:
    with pytest.raises(ConfigError, match="BOTAPI_ALLOW_UNAUTHENTICATED=1"):
        refuse_open_api(from_environment({"BOTAPI_ENABLE_API": "1"}), interface=None)
    refuse_open_api(from_environment({"BOTAPI_ENABLE_API": "1", "BOTAPI_ALLOW_UNAUTHENTICATED": "1"}), interface=None)


@pytest.mark.parametrize(
    ("interface", "local"),
    [("127.0.0.2", True), ("[::1]", True), ("localhost", True), ("10.0.0.1", False), ("localhost.example", False)],
)
def test_loopback(interface: str, local: bool) -> None:
    assert is_loopback(interface) is local


def test_class_by_its_path() -> None:
    assert load_class("collections.OrderedDict", "middleware").__name__ == "OrderedDict"


@pytest.mark.parametrize("path", ["OrderedDict", "collections.Nothing", "no_such_module.X", ".x", "a..b"])
def test_class_that_is_not_there(path: str) -> None:
    with pytest.raises(ConfigError, match="middleware: .* can't be imported .*expected 'module.Class'"):
        load_class(path, "middleware")
