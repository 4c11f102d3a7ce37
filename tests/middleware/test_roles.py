"""Roles: identities and path parameters, and who may."""

from __future__ import annotations

import pytest

from middleware.auth import Identity
from middleware.roles import Roles


def at(conversation_id):
    return {"wsgiorg.routing_args": ((), {"conversation_id": conversation_id})}


@pytest.mark.parametrize("environ", [{}, at("ann"), at("bob")])
def test_an_admin_may_everything(environ):
    assert Roles()(Identity("ann", "admin"), environ)


@pytest.mark.parametrize(
    ("name", "environ", "allowed"),
    [
        ("bob", at("bob"), True),
        ("a/b c", at("a/b c"), True),
        ("bob", at("Bob"), False),
        ("bob", at("bob/x"), False),
        ("bob", {}, False),
        ("bob", {"wsgiorg.routing_args": ((), {})}, False),
        ("bob", {"wsgiorg.routing_args": (("bob",), {"model": "bob"})}, False),
        ("", at(""), False),
        (None, at(None), False),
    ],
)
def test_a_user_may_what_is_under_his_name(name, environ, allowed):
    assert Roles()(Identity(name, "user"), environ) is allowed


@pytest.mark.parametrize("role", [None, "", "Admin", "ADMIN", "User", "root"])
def test_another_role_may_nothing(role):
    assert not Roles()(Identity("bob", role), at("bob"))


def test_parameter_and_key_can_be_given():
    roles = Roles(parameter="owner", routing_args="my.route")
    assert roles(Identity("bob", "user"), {"my.route": ((), {"owner": "bob"})})
