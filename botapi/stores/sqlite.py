"""Conversations in an SQLite file: event dicts go in and out as JSON text in Rasa's `events` table.

The table is that of Rasa 3's SQL tracker store plus a column of ours, `sequence`: the event's number within its
conversation. A file that Rasa wrote is taken over when it is opened; Rasa can still read it afterwards. A second table
holds a summary of each conversation, written with its events (sqlitelisting.py).
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botapi.errors import StoreConflict, StoreError
from botapi.stores import sqlitelisting as summaries
from botapi.stores.listing import EVERYTHING, Summary, Wanted, seconds, text
from botapi.stores.trackers import Events, check_sender_id, conflict, damaged, encode, gone

COLUMNS = ("sender_id", "type_name", "timestamp", "intent_name", "action_name", "data")
CREATE = """
CREATE TABLE IF NOT EXISTS events (
    id INTEGER NOT NULL PRIMARY KEY, sender_id VARCHAR(255) NOT NULL, type_name VARCHAR(255) NOT NULL,
    timestamp FLOAT, intent_name VARCHAR(255), action_name VARCHAR(255), data TEXT, sequence INTEGER)
"""
INDEXES = (
    "CREATE UNIQUE INDEX IF NOT EXISTS botapi_events_order ON events (sender_id, sequence)",
    # Empty unless Rasa wrote to the file since: finding its rows again costs nothing.
    "CREATE INDEX IF NOT EXISTS botapi_events_unnumbered ON events (id) WHERE sequence IS NULL",
    # Reminders are few, and looked for at each start.
    "CREATE INDEX IF NOT EXISTS botapi_events_reminders ON events (sender_id) WHERE type_name = 'reminder'",
)
# The highest number that a deleted conversation had: those that begin afterwards count on from there.
FLOOR = "CREATE TABLE IF NOT EXISTS botapi_floor (number INTEGER NOT NULL)"
INSERT = f"INSERT INTO events ({', '.join(COLUMNS)}, sequence) VALUES (?, ?, ?, ?, ?, ?, ?)"
DELETE = "DELETE FROM events WHERE sender_id = ?"
LAST = "SELECT max(sequence) FROM events WHERE sender_id = ?"
# The event `after` itself comes along as a witness that it is still there.
READ = "SELECT sequence, data FROM events WHERE sender_id = ? AND sequence >= ? ORDER BY sequence"

# So long a deletion waits for others to leave the write-ahead log.
LOG_WAIT_MS = 200

Row = tuple[Any, ...]
Work = Callable[[sqlite3.Connection], int]


class SqliteStore:
    """A TrackerStore in one SQLite file, for several threads and processes.

    Write-ahead log with synchronous=FULL: what `append` acknowledged survives a crash of the machine. Threads that
    write at the same time share one transaction, and with it the one wait for the disk.
    """

    def __init__(self, path: str | Path, *, busy_timeout_s: float = 30.0) -> None:
        self._path = str(path)
        self._busy_timeout_s = busy_timeout_s
        self._closed = False
        self._idle: list[sqlite3.Connection] = []
        self._guard = threading.Lock()  # of the fields above and the next two
        self._waiting: list[_Write] = []
        self._committing = False  # some thread commits, or is about to
        self._turn = threading.Lock()  # held by the thread that uses the writing connection
        self._writing = self._connect()
        try:
            take_over(self._writing)
        except sqlite3.Error as error:
            self.close()
            raise StoreError(f"{self._path} can't be used as a tracker store: {error}.") from error
        except StoreError:
            self.close()
            raise

    def last(self, sender_id: str) -> int:
        check_sender_id(sender_id)
        with self._reading() as connection:
            return _last(connection, sender_id)

    def read(self, sender_id: str, after: int = 0) -> list[dict[str, Any]]:
        check_sender_id(sender_id)
        with self._reading() as connection:
            rows = connection.execute(READ, (sender_id, after)).fetchall()
        if after:
            if not rows or rows[0][0] != after:
                raise gone(sender_id, after)
            del rows[0]
        return [self._decode(sender_id, number, data) for number, data in rows]

    def append(self, sender_id: str, events: Events, after: int) -> int:
        check_sender_id(sender_id)
        if not events:
            return after
        rows = [_row(sender_id, event) for event in events]

        def work(connection: sqlite3.Connection) -> int:
            return _add(connection, _summary(connection, sender_id, after), rows, events)

        return self._write(work)

    def replace(self, sender_id: str, events: Events) -> int:
        check_sender_id(sender_id)
        if not events:
            self.delete(sender_id)
            return 0
        rows = [_row(sender_id, event) for event in events]

        def work(connection: sqlite3.Connection) -> int:
            last = _last(connection, sender_id)
            connection.execute(DELETE, (sender_id,))
            return _add(connection, Summary(sender_id, last), rows, events)

        return self._write(work)

    def delete(self, sender_id: str) -> bool:
        check_sender_id(sender_id)

        found = self._write(lambda connection: _delete(connection, sender_id)) > 0
        with self._turn:
            self._empty_log()
        return found

    def page(self, after: str | None, limit: int, wanted: Wanted = EVERYTHING) -> list[Summary]:
        with self._reading() as connection:
            return summaries.page(connection, after, limit, wanted)

    def with_reminders(self) -> list[str]:
        query = "SELECT DISTINCT sender_id FROM events WHERE type_name = 'reminder' ORDER BY sender_id"
        with self._reading() as connection:
            return [sender_id for (sender_id,) in connection.execute(query)]

    def close(self) -> None:
        with self._turn, self._guard:
            self._closed = True
            self._writing.close()
            while self._idle:
                self._idle.pop().close()

    def _decode(self, sender_id: str, number: int, data: str) -> dict[str, Any]:
        try:
            event = json.loads(data)
        except (TypeError, ValueError, RecursionError) as error:
            raise damaged(sender_id, number, self._path, error) from error
        if not isinstance(event, dict):
            raise damaged(sender_id, number, self._path, f"it is a {type(event).__name__}")
        return event

    def _connect(self) -> sqlite3.Connection:
        try:
            # A connection is used by one thread at a time, but not always by the same one.
            connection = sqlite3.connect(
                self._path, timeout=self._busy_timeout_s, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise StoreError(f"{self._path} can't be opened: {error}. Is its folder there?") from error
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            # SECURITY: what is deleted or changed is overwritten in the file.
            connection.execute("PRAGMA secure_delete = ON")
        except sqlite3.Error as error:
            connection.close()
            raise StoreError(f"{self._path} can't be used as an SQLite file: {error}.") from error
        return connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for this thread alone; as many stay open as ever read at the same time."""
        if self._closed:
            raise StoreError(f"The tracker store {self._path} is closed.")
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        except sqlite3.Error as error:
            raise StoreError(f"Reading conversations from {self._path} failed: {error}.") from error
        finally:
            self._put_back(connection)

    def _put_back(self, connection: sqlite3.Connection) -> None:
        with self._guard:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _empty_log(self) -> None:
        """Cut off the write-ahead log, which still holds what was deleted.

        While somebody else reads or writes, the log stays; it is overwritten by what comes next.
        """
        try:
            self._writing.execute(f"PRAGMA busy_timeout = {LOG_WAIT_MS}")
            self._writing.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._writing.execute(f"PRAGMA busy_timeout = {int(self._busy_timeout_s * 1000)}")
        except sqlite3.Error as error:
            raise StoreError(f"Deleted from {self._path}, but its log could not be emptied: {error}.") from error

    def _write(self, work: Work) -> int:
        """Run `work` inside a transaction and return its value once that is on disk.

        PERF: while one thread waits for the disk, the others queue up; then the first of them commits for all. With a
        disk that takes 4 ms to be sure, eight threads store four times as much as one after the other.
        """
        write = _Write(work)
        with self._guard:
            self._waiting.append(write)
            is_alone, self._committing = not self._committing, True
        if not is_alone:
            write.wake.acquire()  # until somebody has done it, or left the committing to this thread
        if not write.done:
            self._commit_waiting()
        if isinstance(write.error, StoreConflict):
            raise write.error
        if write.error is not None:
            raise StoreError(f"Writing conversations to {self._path} failed: {write.error}.") from write.error
        return write.value

    def _commit_waiting(self) -> None:
        with self._turn:
            with self._guard:
                batch, self._waiting = self._waiting, []
            try:
                _commit(self._writing, batch)
            finally:
                with self._guard:
                    self._committing = bool(self._waiting)
                    if self._waiting:
                        self._waiting[0].wake.release()
                for write in batch:
                    write.wake.release()


class _Write:
    """Something to be done in a transaction, and what came of it."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.wake = threading.Lock()
        self.wake.acquire()
        self.done = False
        self.value = 0
        self.error: BaseException | None = None


def _commit(connection: sqlite3.Connection, batch: list[_Write]) -> None:
    """Do all writes of `batch` in one transaction; a conflict spoils only its own write, anything else all."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        for write in batch:
            try:
                write.value = write.work(connection)
            except StoreConflict as error:  # found before anything was written
                write.error = error
        connection.execute("COMMIT")
    except BaseException as error:  # whatever it was, the others in the batch must not be told that they are stored
        for write in batch:
            write.error = write.error or error
        if not isinstance(error, sqlite3.ProgrammingError) and connection.in_transaction:
            connection.execute("ROLLBACK")
        if not isinstance(error, sqlite3.Error):
            raise
    finally:
        for write in batch:
            write.done = True


def take_over(connection: sqlite3.Connection) -> None:
    """Create the table, or add our column to Rasa's and number the rows that have no number yet."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(CREATE)
        connection.execute(FLOOR)
        present = {row[1] for row in connection.execute("PRAGMA table_info(events)")}
        missing = set(COLUMNS) - present
        if missing:
            raise StoreError(
                f"The file has a table 'events' without {', '.join(sorted(missing))}: it is not a tracker store. "
                f"Name another file under tracker_store, db."
            )
        if "sequence" not in present:
            connection.execute("ALTER TABLE events ADD COLUMN sequence INTEGER")
        for index in INDEXES:
            connection.execute(index)
        summaries.take_over(connection, _number(connection))
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _number(connection: sqlite3.Connection) -> list[str]:
    """Number events that Rasa wrote, in the order of their ids as Rasa reads them; ids of their conversations."""
    fresh = connection.execute("SELECT id, sender_id FROM events WHERE sequence IS NULL ORDER BY id").fetchall()
    last: dict[str, int] = {}
    for row_id, sender_id in fresh:
        if sender_id not in last:
            last[sender_id] = _last(connection, sender_id)
        last[sender_id] += 1
        connection.execute("UPDATE events SET sequence = ? WHERE id = ?", (last[sender_id], row_id))
    return list(last)


def _last(connection: sqlite3.Connection, sender_id: str) -> int:
    return connection.execute(LAST, (sender_id,)).fetchone()[0] or 0


def _summary(connection: sqlite3.Connection, sender_id: str, after: int) -> Summary:
    """The summary of a conversation whose last event is `after`; StoreConflict where it is another.

    PERF: it is read in place of the last event's number, so that a turn costs no look-up more.
    """
    summary = summaries.load(connection, sender_id)
    if summary is not None and summary.last == after:
        return summary
    last = _last(connection, sender_id)
    if last != after:
        raise conflict(sender_id, after, last)
    # It is new, or was written by a program that knows of no summaries.
    return summaries.rebuild(connection, sender_id) if last else Summary(sender_id)


def _add(connection: sqlite3.Connection, summary: Summary, rows: list[Row], events: Events) -> int:
    """Write events behind those that the summary counts; gives the number of the last."""
    begin = summary.last or _floor(connection)
    connection.executemany(INSERT, [(*row, number) for number, row in enumerate(rows, begin + 1)])
    summary.note(events)
    summary.last = begin + len(rows)
    summaries.store(connection, summary)
    return summary.last


def _delete(connection: sqlite3.Connection, sender_id: str) -> int:
    """Remove a conversation, and remember (not whose) the number it had come to; how many events there were."""
    last = _last(connection, sender_id)
    if last > _floor(connection):
        connection.execute("DELETE FROM botapi_floor")
        connection.execute("INSERT INTO botapi_floor VALUES (?)", (last,))
    summaries.delete(connection, sender_id)
    return connection.execute(DELETE, (sender_id,)).rowcount


def _floor(connection: sqlite3.Connection) -> int:
    """The number after which the first event of a conversation comes."""
    (number,) = connection.execute("SELECT max(number) FROM botapi_floor").fetchone()
    return number or 0


def _row(sender_id: str, event: dict[str, Any]) -> Row:
    """The values of INSERT but the number. Columns beside `data` are for people; only `data` is read back."""
    get = event.get
    parse_data = get("parse_data")
    intent = parse_data.get("intent") if isinstance(parse_data, dict) else None
    return (
        sender_id,
        text(get("event")) or "",
        seconds(get("timestamp")),
        text(intent.get("name")) if isinstance(intent, dict) else None,
        text(get("name")),
        encode(event),
    )
