"""The shared token: where it may stand, and what is not it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from middleware.token import TokenAuthenticator

TOKEN = "s3cr3t-töken"
QUOTED = "s3cr3t-t%C3%B6ken"
RAW = TOKEN.encode().decode("latin-1")


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({"QUERY_STRING": f"token={QUOTED}"}, id="query"),
        pytest.param({"QUERY_STRING": f"token={RAW}"}, id="query with raw bytes"),
        pytest.param({"QUERY_STRING": f"a=1&%74oken={QUOTED}&b"}, id="among others, name quoted"),
        pytest.param({"QUERY_STRING": f"token={QUOTED}&token=wrong"}, id="the first counts"),
        pytest.param({"QUERY_STRING": f"token=&token={QUOTED}"}, id="the first that is not empty"),
        pytest.param({"HTTP_AUTHORIZATION": f"Bearer {RAW}"}, id="Bearer"),
        pytest.param({"HTTP_AUTHORIZATION": f"token {RAW}"}, id="Token, in any case"),
        pytest.param({"QUERY_STRING": "token=wrong", "HTTP_AUTHORIZATION": f"Bearer {RAW}"}, id="header beside query"),
    ],
)
def test_its_holder_is_known(environ):
    identity = TokenAuthenticator(TOKEN)(environ)
    assert (identity.name, identity.role) == (None, "admin")


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"QUERY_STRING": "token="}, id="empty"),
        pytest.param({"QUERY_STRING": "token"}, id="name alone"),
        pytest.param({"QUERY_STRING": f"token=wrong&token={QUOTED}"}, id="only the second is right"),
        pytest.param({"QUERY_STRING": f"token={QUOTED.upper()}"}, id="other case"),
        pytest.param({"QUERY_STRING": f"token={QUOTED}+"}, id="longer"),
        pytest.param({"QUERY_STRING": f"Token={QUOTED}"}, id="other name"),
        pytest.param({"HTTP_AUTHORIZATION": f"Basic {RAW}"}, id="other scheme"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer"}, id="scheme alone"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer \u20ac"}, id="not even bytes"),
    ],
)
def test_nobody_else_is(environ):
    assert TokenAuthenticator(TOKEN)(environ) is None


@given(st.text(), st.text())
def test_no_other_text_is_taken_and_none_breaks_it(query, header):
    assert (
        TokenAuthenticator("a-token-that-nobody-guesses")({"QUERY_STRING": query, "HTTP_AUTHORIZATION": header}) is None
    )


def test_a_plus_in_the_query_is_a_space():
    assert TokenAuthenticator("a b")({"QUERY_STRING": "token=a+b"}) is not None


def test_parameter_and_role_can_be_given():
    identity = TokenAuthenticator("x", parameter="key", role="user")({"QUERY_STRING": "key=x"})
    assert identity.role == "user"


def test_an_empty_token_is_refused_at_construction():
    with pytest.raises(ValueError, match="empty"):
        TokenAuthenticator("")
