"""One HTTP request as handlers see it: a view of environ in; typed query values, headers and the JSON body out."""

from __future__ import annotations

import json
import math
import re
import shutil
from codecs import BOM_UTF8
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qs, quote

from botapi.errors import InputError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MAX_NESTING = 100
MAX_DIGITS = 300  # what a float can hold, so that arithmetic behind the edge can't overflow
MAX_SHOWN = 200  # characters of a wrong value that a message repeats
_KINDS = {dict: "an object", list: "a list", str: "a text", (dict, list): "an object or a list"}
# PERF: what only hostile or odd bodies hold is looked for by one scan; the rest is parsed at full speed.
# NOTE: 200 digits, since 1 to 2 digits of exponent can make infinity of 210.
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])|[0-9][eE]\+?[0-9]{3}|[0-9]{200}")

# A media range that is not wanted at all (RFC 9110, 12.4.2).
_REFUSED = re.compile(r"\bq\s*=\s*0(\.0*)?\s*$")


class Request:
    """A view of `environ`: everything is computed when asked for, only body and query are kept."""

    __slots__ = ("_body", "_query", "environ")

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self._body: bytes | None = None
        self._query: dict[str, list[str]] | None = None

    @property
    def method(self) -> str:
        """The method, upper case."""
        return str(self.environ["REQUEST_METHOD"])

    @property
    def root(self) -> str:
        """Where the application is mounted, such as `/bot`; empty at the top."""
        return quote(str(self.environ.get("SCRIPT_NAME", "")), encoding="latin-1")

    def header(self, name: str) -> str | None:
        """A header's value by its name in any case, or None."""
        key = name.upper().replace("-", "_")
        value = self.environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}")
        return None if value is None else str(value)

    def accepts(self, content_type: str) -> bool:
        """Whether `Accept` names the content type itself; wildcards don't count."""
        ranges = (each.partition(";") for each in (self.header("Accept") or "").split(","))
        return any(name.strip().lower() == content_type and not _REFUSED.search(rest) for name, _, rest in ranges)

    @property
    def preferences(self) -> set[str]:
        """The names of the preferences that `Prefer` gives (RFC 7240), lower case, without values and parameters."""
        given = (self.header("Prefer") or "").split(",")
        return {each.partition(";")[0].partition("=")[0].strip().lower() for each in given}

    def query(self, name: str) -> str | None:
        """The first value of a query parameter, or None where it is missing or empty."""
        values = self._parameters().get(name, ())
        return next(filter(None, values), None)

    def has(self, name: str) -> bool:
        """Whether the query has a parameter, empty or not."""
        return name in self._parameters()

    def _parameters(self) -> dict[str, list[str]]:
        if self._query is None:
            raw: str = self.environ.get("QUERY_STRING", "")
            if "%00" in raw:
                raise InputError("The query holds a NUL character (%00); leave it out.")
            try:
                self._query = parse_qs(raw, True, max_num_fields=100, errors="strict") if raw else {}
            except ValueError as error:
                raise InputError("The query is not readable: expected at most 100 parameters in UTF-8.") from error
        return self._query

    def flag(self, name: str, default: bool = False) -> bool:
        """True for `true` in any case, False for any other value (as Rasa 3.6 reads it)."""
        value = self.query(name)
        return default if value is None else value.lower() == "true"

    def number(self, name: str) -> float | None:
        """A number, or None where the parameter is missing or no number at all (which Rasa 3.6 ignores too).

        NaN is before everything: nothing is less than or equal to it.
        """
        try:
            value = float(self.query(name) or "none")
        except ValueError:
            return None
        return -math.inf if math.isnan(value) else value

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        """A whole number between `low` and `high`, or `default`; anything else is an InputError."""
        if not self.has(name):
            return default
        value = self.query(name) or ""
        if re.fullmatch(r"[+-]?[0-9]{1,18}", value) and low <= int(value) <= high:
            return int(value)
        raise InputError(
            f"Invalid parameter value for '{name}'. Should be a whole number from {low} to {high}.",
            details={"parameter": name, "in": "query"},
        )

    @property
    def body(self) -> bytes:
        """The whole body; read once."""
        if self._body is None:
            self._body = self._read()
        return self._body

    def _read(self) -> bytes:
        stream, length = self.environ["wsgi.input"], self.environ.get("CONTENT_LENGTH") or ""
        if length:
            if not _is_length(length):
                raise InputError(f"Content-Length is {length[:40]!r}; expected a whole number that is not negative.")
            body = stream.read(int(length))
            if len(body) < int(length):
                raise InputError(f"The body ended after {len(body)} of {length} bytes; send it again.")
            return bytes(body)
        if self.environ.get("wsgi.input_terminated"):
            return bytes(stream.read())
        return b""

    @property
    def is_empty(self) -> bool:
        """Whether there is no body; a body whose length is known is not read for that."""
        length = self.environ.get("CONTENT_LENGTH") or ""
        return int(length) == 0 if _is_length(length) else not self.body

    def save(self, path: Path) -> None:
        """Write the body to a file, block by block, so that a long one never lies in memory.

        NOTE: without Content-Length this needs a server, or a layer, whose input ends where the body does.
        """
        with open(path, "wb") as file:
            if self._body is not None:
                file.write(self._body)
            else:
                shutil.copyfileobj(self.environ["wsgi.input"], file)

    def text(self) -> str:
        """The body as text; InputError where it is not UTF-8."""
        try:
            # PERF: as the codec utf-8-sig, which is ten times slower.
            return self.body.removeprefix(BOM_UTF8).decode()
        except UnicodeDecodeError as error:
            raise _refused(f"byte {error.start} is not UTF-8") from error

    def json(self, kind: type | tuple[type, ...] = dict) -> Any:
        """The body as JSON of the given kind, whatever its content type.

        An empty body, broken JSON and another kind of value are three InputErrors, each with its own message.
        """
        if not self.body or self.body.isspace():
            raise InputError("The request body is empty; expected JSON.")
        value = parse_json(self.text(), self.body)
        if not isinstance(value, kind):
            raise _refused(f"expected {_KINDS.get(kind, 'another kind of value')}, found {_kind_of(value)}")
        return value


def parse_json(text: str, raw: bytes) -> Any:
    """Parse JSON that a stranger sent, within limits; `raw` is the same text as bytes.

    Refused beside broken JSON: NaN and Infinity (also as 1e999), numbers of more than 300 digits, nesting over 100,
    lone surrogates and NUL: nothing behind the edge can store or print them.
    """
    suspect = _SUSPECT.search(raw) is not None
    try:
        value = (_STRICT if suspect else _DECODER).decode(text)
    except RecursionError as error:
        raise _refused(f"it is nested deeper than {MAX_NESTING}") from error
    except ValueError as error:
        raise _refused(f"it is not valid JSON ({error})") from error
    if suspect or raw.count(b"[") + raw.count(b"{") > MAX_NESTING:
        _check(value)
    return value


def _is_length(text: str) -> bool:
    """Whether a text is a number of bytes that any body could have."""
    return text.isascii() and text.isdigit() and len(text) <= 18


def _check(value: Any) -> None:
    """Refuse nesting over the limit and characters that can't be stored, without recursion."""
    todo = [(value, 1)]
    while todo:
        item, depth = todo.pop()
        if isinstance(item, str):
            _check_text(item)
        elif isinstance(item, (list, dict)):
            if depth > MAX_NESTING:
                raise _refused(f"it is nested deeper than {MAX_NESTING}")
            todo += [(child, depth + 1) for child in item]
            if isinstance(item, dict):
                todo += [(child, depth + 1) for child in item.values()]


def _check_text(text: str) -> None:
    if "\0" in text:
        raise _refused("it holds the character NUL (\\u0000)")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _refused(f"it holds half a surrogate pair (\\u{ord(text[error.start]):04x})") from error


def wrong_value(name: str, value: Any, expected: str) -> InputError:
    """The error for a field of the body that holds something else than `expected`."""
    return InputError(f"{name!r} is {brief(value)}; expected {expected}.", details={"parameter": name, "in": "body"})


def brief(value: Any) -> str:
    """A value for messages: its repr, cut where it is long."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def _refused(why: str) -> InputError:
    return InputError(f"The request body is not accepted: {why}.", details={"parameter": "", "in": "body"})


def _kind_of(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    names: dict[type, str] = {dict: "an object", list: "a list", str: "a text"}
    return names.get(type(value), "a number")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits, at most {MAX_DIGITS} are accepted")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"the number {digits[:20]} is too large")
    return value


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
_STRICT = json.JSONDecoder(parse_constant=_no_constant, parse_int=_integer, parse_float=_float)
