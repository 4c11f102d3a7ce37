"""What strangers may send: nothing in; hostile values, bodies, paths, headers, and a check of answers out."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

from webtest import TestResponse

KEYS = {"version", "status", "message", "reason", "details", "help", "code"}

# One or more of each JSON type; every field of every body gets each of them.
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 3.5, 1e308, -1e308, 10**299, "", "x", "order", "a\nb\r\nSet-Cookie: a=b", "y" * 5000,
    "\x85\u2028\ufeff\ufffe\U0001f600", "\x7f\x1b[0m", "../../etc/passwd", "NaN", "{item.__class__} %s {0}",
    [], [1], [None], [[]], ["x"], [{}], {}, {"a": 1}, {"a": [{}]}, {"item": {}},
    [{"entity": "item"}], [{"entity": "item", "value": {}}], [{"entity": [], "value": 1}], {"name": "order"},
)  # fmt: skip

# Written into JSON in place of a value.
TOKENS: dict[str, bytes] = {
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "minus Infinity": b"-Infinity",
    "infinite float": b"1e999",
    "infinite float of many digits": b"9" * 250 + b"e99",
    "5000 digits": b"9" * 5000,
    "5000 digits behind the point": b"0." + b"3" * 5000,
    "lone surrogate": b'"\\ud800"',
    "reversed surrogates": b'"\\udc00\\ud800"',
    "surrogate as UTF-8": b'"\xed\xa0\x80"',
    "NUL escaped": b'"\\u0000"',
    "NUL": b'"\0"',
    "line break in a text": b'"a\nb"',
    "101 lists": b"[" * 101 + b"]" * 101,
    "101 objects": b'{"a":' * 101 + b"1" + b"}" * 101,
    "100000 lists": b"[" * 100_000 + b"]" * 100_000,
    "hexadecimal": b"0x10",
    "no UTF-8": b'"\xff"',
}

# Whole bodies that no route takes for anything but an error, or ignores.
BODIES: dict[str, bytes] = {
    "empty": b"",
    "blanks": b"  \n",
    "half an object": b'{"a":',
    "half a text": b'"',
    "half a surrogate": b'{"a": "\\ud83d"}',
    "single quotes": b"{'a': 1}",
    "trailing comma": b"[1,]",
    "two values": b"{} {}",
    "NUL": b"\0",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "no UTF-8": b'{"a": "\xff\xfe"}',
    "overlong UTF-8": b'{"a": "\xc0\xaf"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "gzip": gzip.compress(b'{"a": 1}', mtime=0),
    "form": b"sender=a&message=b",
    "multipart": b'--x\r\nContent-Disposition: form-data; name="a"; filename="../../x"\r\n\r\nb\r\n--x--\r\n',
    "XML": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "duplicate keys": b'{"sender": "user", "sender": 5, "text": "a", "text": 5, "event": "slot", "event": 5}',
    **{f"{name} alone": token for name, token in TOKENS.items()},
    **{f"{name} inside": b'{"a": [%s]}' % token for name, token in TOKENS.items()},
}

# Conversation ids as they stand in a path.
IDS = (
    "%00", "a%00b", "%ff", "%ed%a0%80", "%c0%af", "a%0d%0aSet-Cookie:%20a=b", "%0a", "%7f%1b%5b0m", "%e2%80%ae",
    "%ef%bb%bf", "..%2f..%2fetc%2fpasswd", "../../etc/passwd", "..", ".", "a//b", "%2f", "a%5cb", "tracker/events",
    "%25%30%30", "%f0%9f%98%80", "'%22;--", "{conversation_id}", "$%7bHOME%7d", "~", "%20", "*", "a" * 5000, "",
)  # fmt: skip

QUERIES = (
    "include_events=", "include_events=x", "include_events=%00", "include_events=all&include_events=x",
    "include_events=%ff", "until=nan", "until=inf", "until=-inf", "until=1e999", "until=x", "until=", "until=%d9%a3",
    "until=" + "9" * 5000, "until=1&until=x", "output_channel=nope", "output_channel=%0d%0aa:%20b",
    "output_channel=os.system", "output_channel=collector", "execute_side_effects=x", "all_sessions=%f0",
    "stream=%00", "emulation_mode=x", "emulation_mode=__class__", "token=%ff", "&&&", "=", "=a", "a", "%", "%zz", "?",
    "&".join(f"a{number}=1" for number in range(200)), "a=" + "b" * 50_000, "a[b]=c;d", "%00=%00",
)  # fmt: skip

HEADERS = (
    ("Accept", ""), ("Accept", "q=nan"), ("Accept", "*/*;q=1e999, application/json;q=-1"), ("Accept", "a" * 9000),
    ("Accept", ";;,,;q=,"), ("Accept", "image/png"), ("Accept-Encoding", "\xff"), ("Accept-Language", "../../etc"),
    ("Authorization", "Bearer "), ("Authorization", "Bearer a.b.c"), ("Authorization", "Basic \xff"),
    ("Authorization", "Bearer " + "a" * 9000), ("Content-Encoding", "gzip"), ("Content-Type", "\xff"),
    ("Content-Type", "application/x-yaml; charset=utf-7"), ("Content-Type", "multipart/form-data"),
    ("Cookie", "=;\xff"), ("Expect", "x"), ("Origin", "null"), ("Origin", "\xff"), ("Origin", "http://a b"),
    ("Host", "a b"), ("X-Request-ID", "a b\x01"), ("X-Request-ID", "\xe9" * 200), ("X-HTTP-Method-Override", "DELETE"),
    ("X-Forwarded-For", "x" * 500), ("Range", "bytes=9-1"), ("If-None-Match", "*"), ("Traceparent", "00-x"),
)  # fmt: skip

# What Content-Length may not be; nothing of it reaches an application through a server that checks it.
LENGTHS = ("-1", "-0", "abc", "1e3", "+5", "0x10", "1.5", " 5", "5 5", "5,5", "\u0663", "9" * 30, "9" * 5000, "inf")

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def check(answer: TestResponse) -> TestResponse:
    """Assert that an answer is a good one, or a refusal with the whole error object; gives it back."""
    status, text = answer.status_int, answer.body.decode("utf-8", "replace")  # an archive is none
    assert status < 500, (answer.request.method, answer.request.path_qs[:200], text[:500])
    assert "Traceback" not in text
    if status >= 400 and answer.request.method != "HEAD":
        check_refusal(status, answer.headers["Content-Type"], text)
    elif answer.headers.get("Content-Type") == "application/json" and text:
        strictly(text)
    return answer


def check_refusal(status: int, content_type: str, text: str) -> None:
    assert content_type == "application/json"
    found = strictly(text)
    assert set(found) == KEYS
    assert (found["status"], found["code"]) == ("failure", status)
    assert isinstance(found["details"], dict) and found["reason"]
    assert len(found["message"]) > 10


def strictly(text: str) -> Any:
    """JSON as the standard has it: without NaN and Infinity."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} in {text[:200]!r}")

    return json.loads(text, parse_constant=refuse)


def variations(body: dict[str, Any], *more: str) -> Iterator[dict[str, Any]]:
    """The body with one field after the other, its own and `more` ones, left out or replaced by every value."""
    for name in (*body, *more):
        yield {key: value for key, value in body.items() if key != name}
        for value in VALUES:
            yield {**body, name: value}
