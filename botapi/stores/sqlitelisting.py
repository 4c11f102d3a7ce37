"""The summaries of conversations in an SQLite file: a connection and events in; table rows in, pages of them out."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from botapi.stores.listing import Summary, Wanted

CREATE = """
CREATE TABLE botapi_conversations (
    sender_id TEXT NOT NULL PRIMARY KEY, last INTEGER NOT NULL, events INTEGER NOT NULL, messages INTEGER NOT NULL,
    time_s FLOAT, channel TEXT, slots TEXT NOT NULL) WITHOUT ROWID
"""
_KNOWN = "SELECT 1 FROM sqlite_master WHERE name = 'botapi_conversations'"
_LOAD = "SELECT * FROM botapi_conversations WHERE sender_id = ?"
_STORE = "INSERT OR REPLACE INTO botapi_conversations VALUES (?, ?, ?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM botapi_conversations WHERE sender_id = ?"
_EVENTS = "SELECT sequence, type_name, timestamp, data FROM events WHERE sender_id = ? ORDER BY sequence"
# PERF: the JSON of all other events tells a summary nothing.
_TELLING = frozenset({"user", "slot"})
# One step down the index for each conversation, however many events it has.
_NEXT = "SELECT min(sender_id) FROM events WHERE sender_id > ?"
_FIRST = "SELECT min(sender_id) FROM events"


def take_over(connection: sqlite3.Connection, changed: Iterable[str]) -> None:
    """Make the table where it is missing, of all conversations in the file; else those anew that another changed."""
    if connection.execute(_KNOWN).fetchone() is None:
        connection.execute(CREATE)
        changed = _sender_ids(connection)
    for sender_id in changed:
        rebuild(connection, sender_id)


def load(connection: sqlite3.Connection, sender_id: str) -> Summary | None:
    """The summary of a conversation, where it has one."""
    row = connection.execute(_LOAD, (sender_id,)).fetchone()
    return Summary(*row) if row else None


def store(connection: sqlite3.Connection, summary: Summary) -> None:
    """Put a summary in place of the one before."""
    connection.execute(
        _STORE,
        (
            summary.sender_id,
            summary.last,
            summary.events,
            summary.messages,
            summary.time_s,
            summary.channel,
            summary.slots,
        ),
    )


def delete(connection: sqlite3.Connection, sender_id: str) -> None:
    """Forget the summary of a conversation."""
    connection.execute(_DELETE, (sender_id,))


def rebuild(connection: sqlite3.Connection, sender_id: str) -> Summary:
    """Make the summary anew from all events, as after another program has written some; events are numbered by then."""
    rows = connection.execute(_EVENTS, (sender_id,)).fetchall()
    summary = Summary(sender_id, last=rows[-1][0])
    summary.note(
        [
            {**(_parts(data) if kind in _TELLING else {}), "event": kind, "timestamp": timestamp}
            for _, kind, timestamp, data in rows
        ]
    )
    store(connection, summary)
    return summary


def page(connection: sqlite3.Connection, after: str | None, limit: int, wanted: Wanted) -> list[Summary]:
    """Summaries in the order of their ids."""
    conditions: list[tuple[str, Any]] = [
        ("sender_id > ?", after),
        ("channel = ?", wanted.channel),
        ("time_s >= ?", wanted.since_s),
        ("time_s <= ?", wanted.until_s),
    ]
    asked = [(condition, value) for condition, value in conditions if value is not None]
    terms, values = [condition for condition, _ in asked], [value for _, value in asked]
    if wanted.slot is not None:
        # PERF: a search in a line of text is ten times faster than SQLite's look into JSON.
        terms.append("(" + " OR ".join("instr(slots, ?)" for _ in wanted.needles) + ")")
        values += wanted.needles
    where = f"WHERE {' AND '.join(terms)}" if terms else ""
    query = f"SELECT * FROM botapi_conversations {where} ORDER BY sender_id LIMIT ?"
    return [Summary(*row) for row in connection.execute(query, (*values, limit))]


def _sender_ids(connection: sqlite3.Connection) -> Iterator[str]:
    (sender_id,) = connection.execute(_FIRST).fetchone()
    while sender_id is not None:
        yield sender_id
        (sender_id,) = connection.execute(_NEXT, (sender_id,)).fetchone()


def _parts(data: str | None) -> dict[str, Any]:
    """What counts in the JSON of an event; nothing where that is damaged, which reading the conversation will tell."""
    try:
        event = json.loads(data) if data else {}
    except (TypeError, ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}
