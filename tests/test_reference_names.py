"""Names that came from Rasa 3.6's server: each in its documented place, with its parameters, and used by the server."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference-names.md"
NONE = inspect.Parameter.empty

# Name -> (module, parameters with their defaults).
NAMES = {
    "create_app": (
        "botapi.wsgi",
        {
            "agent": None,
            "cors_origins": "*",
            "auth_token": None,
            "response_timeout": 3600,
            "jwt_secret": None,
            "jwt_method": "HS256",
            "endpoints": None,
        },
    ),
    "ErrorResponse": (
        "botapi.web.errors",
        {"status": NONE, "reason": NONE, "message": NONE, "details": None, "help_url": None},
    ),
    "ensure_loaded_agent": ("botapi.web.guards", {"app": NONE, "require_core_is_ready": False}),
    "ensure_conversation_exists": ("botapi.web.guards", {}),
    "requires_auth": ("botapi.web.guards", {"app": NONE, "token": None}),
    "event_verbosity_parameter": ("botapi.web.parameters", {"request": NONE, "default_verbosity": NONE}),
    "get_test_stories": (
        "botapi.web.stories",
        {"processor": NONE, "conversation_id": NONE, "until_time": NONE, "fetch_all_sessions": False},
    ),
    "update_conversation_with_events": (
        "botapi.web.parameters",
        {"conversation_id": NONE, "processor": NONE, "domain": NONE, "events": NONE},
    ),
    "validate_request_body": ("botapi.web.parameters", {"request": NONE, "error_message": NONE}),
    "validate_events_in_request_body": ("botapi.web.parameters", {"request": NONE}),
    "authenticate": ("botapi.web.guards", {"_": NONE}),
    "create_ssl_context": (
        "botapi.web.tls",
        {"ssl_certificate": NONE, "ssl_keyfile": NONE, "ssl_ca_file": None, "ssl_password": None},
    ),
    "configure_cors": ("botapi.wsgi", {"app": NONE, "cors_origins": ""}),
    "add_root_route": ("botapi.web.handlers.info", {"app": NONE}),
    "async_if_callback_url": ("botapi.web.heavy", {"f": NONE}),
    "run_in_thread": ("botapi.web.heavy", {"f": NONE}),
    "inject_temp_dir": ("botapi.web.heavy", {"f": NONE}),
}


@pytest.mark.parametrize("name", NAMES)
def test_it_has_the_parameters_and_defaults_of_the_reference(name):
    module, expected = NAMES[name]
    parameters = inspect.signature(getattr(importlib.import_module(module), name)).parameters.values()
    # Parameters of our own are allowed where no caller of the reference's could notice: by keyword, with a default.
    own = [p for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is not NONE]
    assert {p.name: p.default for p in parameters if p not in own} == expected


@cache
def used_names():
    """Every name that code in botapi/ reads."""
    found = set()
    for path in (ROOT / "botapi").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
                found.add(node.id if isinstance(node, ast.Name) else node.attr)
    return found


@pytest.mark.parametrize("name", [name for name in NAMES if name != "create_app"])
def test_the_server_itself_uses_it(name):
    assert name in used_names(), f"{name} is defined, but nothing in botapi/ uses it"


@pytest.mark.parametrize("name", NAMES)
def test_the_page_says_where_it_lives(name):
    row = re.search(rf"^\| `{name}` \|.*$", PAGE.read_text(), re.MULTILINE)
    assert row is not None, f"docs/reference-names.md has no row for {name}"
    assert f"`{NAMES[name][0]}`" in row[0]
