"""Requests: query values, headers and bodies as clients send them in; typed values or an InputError out."""

from __future__ import annotations

import io
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botapi.errors import InputError
from botapi.web.request import MAX_NESTING, Request


def request(body=b"", query="", **environ):
    return Request(
        {
            "REQUEST_METHOD": "POST",
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **environ,
        }
    )


# -------------------------------------------------------------------- query


def test_the_first_value_of_a_parameter_counts():
    assert request(query="a=1&a=2").query("a") == "1"


@pytest.mark.parametrize("query", ["", "b=1", "a=", "a"])
def test_a_missing_or_empty_parameter_is_none(query):
    assert request(query=query).query("a") is None


def test_escapes_in_the_query_are_decoded():
    assert request(query="a=x+y%C3%A9").query("a") == "x yé"


@pytest.mark.parametrize("query", ["a=%FF", "&".join(f"p{n}=1" for n in range(101))])
def test_an_unreadable_query_is_refused(query):
    with pytest.raises(InputError):
        request(query=query).query("a")


@pytest.mark.parametrize(("text", "value"), [("true", True), ("TRUE", True), ("1", False), ("no", False)])
def test_flags_are_true_for_true_only(text, value):
    assert request(query=f"a={text}").flag("a") is value


def test_a_missing_flag_is_its_default():
    assert request().flag("a") is False
    assert request().flag("a", default=True) is True


@pytest.mark.parametrize(("text", "value"), [("1.5", 1.5), ("-2", -2.0), ("x", None), ("nan", -math.inf), ("", None)])
def test_numbers_that_are_none_are_ignored(text, value):
    assert request(query=f"until={text}").number("until") == value


def test_infinity_is_a_time_after_all_others():
    assert request(query="until=inf").number("until") == math.inf


def test_whole_numbers_keep_within_their_bounds():
    assert request(query="n=50").integer("n", 7, low=0, high=50) == 50
    assert request().integer("n", 7, low=0, high=50) == 7


@pytest.mark.parametrize("text", ["51", "-1", "1.5", "x", "1e3", "9" * 5000])
def test_other_whole_numbers_are_refused_and_the_parameter_is_named(text):
    with pytest.raises(InputError) as refused:
        request(query=f"n={text}").integer("n", 7, low=0, high=50)
    assert refused.value.details == {"parameter": "n", "in": "query"}


# ------------------------------------------------------------------ headers


def test_headers_are_found_in_any_case():
    found = request(HTTP_ACCEPT="text/html", CONTENT_TYPE="x/y")
    assert found.header("accept") == "text/html"
    assert found.header("Content-Type") == "x/y"
    assert found.header("X-None") is None


# ------------------------------------------------------------------- bodies


@pytest.mark.parametrize("length", ["-1", "x", "1.0", "+1", "9" * 5000, " 1"])
def test_a_senseless_content_length_is_refused(length):
    with pytest.raises(InputError, match="Content-Length"):
        _ = request(b"{}", CONTENT_LENGTH=length).body


def test_an_empty_content_length_is_none():
    assert request(b"{}", CONTENT_LENGTH="").body == b""


def test_a_body_that_ends_by_itself_needs_no_length():
    assert request(b"{}", CONTENT_LENGTH="", **{"wsgi.input_terminated": True}).body == b"{}"


def test_a_body_that_ends_early_is_refused():
    with pytest.raises(InputError, match="after 2 of 10 bytes"):
        _ = request(b"{}", CONTENT_LENGTH="10").body


def test_the_body_is_read_once():
    found = request(b'{"a": 1}')
    assert found.json() == {"a": 1}
    assert found.body == b'{"a": 1}'
    assert found.json() == {"a": 1}


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", "text/plain", ""])
def test_json_is_read_whatever_its_content_type(content_type):
    assert request(b'{"a": [1, "\xc3\xa9"]}', CONTENT_TYPE=content_type).json() == {"a": [1, "é"]}


def test_a_byte_order_mark_is_skipped():
    assert request(b'\xef\xbb\xbf{"a": 1}').json() == {"a": 1}


def test_empty_broken_and_other_json_are_three_different_errors():
    messages = set()
    for body in (b"", b"{", b"[]"):
        with pytest.raises(InputError) as refused:
            request(body).json()
        messages.add(refused.value.message)
    assert len(messages) == 3


@pytest.mark.parametrize(
    ("body", "found"),
    [(b"[]", "a list"), (b'"x"', "a text"), (b"null", "null"), (b"true", "true"), (b"1", "a number")],
)
def test_another_kind_of_value_is_named(body, found):
    with pytest.raises(InputError, match=f"expected an object, found {found}"):
        request(body).json()


def test_a_list_is_taken_where_it_is_expected():
    assert request(b"[1]").json((dict, list)) == [1]
    with pytest.raises(InputError, match="expected an object or a list"):
        request(b"1").json((dict, list))


DIGITS = b"1" * 5000

BAD = [
    pytest.param(b'{"a": NaN}', id="NaN"),
    pytest.param(b'{"a": Infinity}', id="Infinity"),
    pytest.param(b'{"a": -Infinity}', id="-Infinity"),
    pytest.param(b'{"a": 1e999}', id="a float without end"),
    pytest.param(b'{"a": 1E+999}', id="a float without end, written otherwise"),
    pytest.param(b'{"a": -' + DIGITS + b".0}", id="a float of 5,000 digits"),
    pytest.param(b'{"a": ' + DIGITS + b"}", id="an integer of 5,000 digits"),
    pytest.param(b'{"a": ' + b"1" * 301 + b"}", id="an integer that no float can hold"),
    pytest.param(b'{"a": "\\ud800"}', id="half a surrogate pair"),
    pytest.param(b'{"\\udfff": 1}', id="half a surrogate pair in a key"),
    pytest.param(b'{"a": "\\u0000"}', id="NUL, escaped"),
    pytest.param(b'{"a": "\0"}', id="NUL"),
    pytest.param(b'{"a": "\xff"}', id="invalid UTF-8"),
    pytest.param(b'{"a": "\xed\xa0\x80"}', id="a surrogate in UTF-8"),
    pytest.param(b'{"a": 1}{', id="more than one value"),
    pytest.param(b"\xff\xfe{\0}\0", id="UTF-16"),
    pytest.param(b'{"a":' * 101 + b"1" + b"}" * 101, id="objects nested 101 deep"),
    pytest.param(b'{"a":' + b"[" * 100 + b"]" * 100 + b"}", id="lists nested 101 deep"),
    pytest.param(b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", id="nested 200,000 deep"),
    pytest.param(b'{"a":' + b"[" * 200_000, id="opened 200,000 times"),
]


@pytest.mark.parametrize("body", BAD)
def test_what_nothing_behind_the_edge_can_hold_is_refused(body):
    with pytest.raises(InputError) as refused:
        request(body).json()
    assert refused.value.details == {"parameter": "", "in": "body"}
    refused.value.message.encode()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"a": "\\u0000"}, id="a backslash before what looks like an escape"),
        pytest.param({"a": "\U0001f600"}, id="a whole surrogate pair"),
        pytest.param({"a": "1" * 5000}, id="digits in a text"),
        pytest.param({"a": 10**299}, id="a long number that a float can hold"),
        pytest.param({"a": 1e300}, id="a large float"),
        pytest.param({"a": [[]] * 1000}, id="wide, not deep"),
    ],
)
def test_odd_but_harmless_values_pass(value):
    assert request(json.dumps(value).encode()).json() == value


def nested(levels):
    value: list = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_nesting_may_reach_the_limit():
    assert request(json.dumps(nested(MAX_NESTING)).encode()).json(list) == nested(MAX_NESTING)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(blacklist_categories=["Cs", "Cc"])), inner),
    max_leaves=30,
)


@given(VALUES, st.booleans())
def test_any_sane_value_arrives_as_it_was(value, ascii_only):
    body = json.dumps({"a": value}, ensure_ascii=ascii_only).encode()
    assert request(body).json() == {"a": value}


@given(st.binary())
def test_any_bytes_are_read_or_refused(body):
    try:
        assert isinstance(request(body).json(), dict)
    except InputError as refused:
        assert refused.message


# -------------------------------------------------------------------- preferences and bodies on disk


@pytest.mark.parametrize(
    "header, names",
    [
        (None, {""}),
        ("respond-async", {"respond-async"}),
        ("Respond-Async, wait=10", {"respond-async", "wait"}),
        ('handling = lenient; a="b" , foo', {"handling", "foo"}),
    ],
)
def test_preferences_are_known_by_their_names(header, names):
    assert request(HTTP_PREFER=header).preferences == names


@given(st.binary(max_size=300_000))
def test_a_saved_body_is_what_came_read_before_or_not(tmp_path_factory, body):
    path = tmp_path_factory.mktemp("bodies") / "body"
    for read_before in (True, False):
        given_request = request(body)
        assert given_request.is_empty is (body == b"")
        if read_before:
            assert given_request.body == body
        given_request.save(path)
        assert path.read_bytes() == body


def test_whether_there_is_a_body_is_known_without_reading_it():
    assert request(b"abc", **{"wsgi.input": None}).is_empty is False


def test_a_body_of_unknown_length_is_read_for_that():
    unknown = request(b"abc", CONTENT_LENGTH="", **{"wsgi.input_terminated": True})
    assert unknown.is_empty is False and unknown.body == b"abc"
    with pytest.raises(InputError, match="Content-Length"):
        _ = request(CONTENT_LENGTH="x").is_empty
