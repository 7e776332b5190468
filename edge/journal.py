"""The journal: what is in it has happened.

One SQLite file. A batch (entries, the rules' state, the retained topics) is one transaction, synced before
:meth:`Journal.commit` returns: WAL with ``synchronous=FULL`` lost nothing in simulated power cuts where NORMAL did
(``docs/decisions/003-journal.md``). Entries live in two lanes with dense sequence numbers from 1. They leave the
*outbox* when the broker has acknowledged them, and stay in the journal to be sent again on request.

One thread writes (the hall's). The uplink's thread reads through a connection of its own, and hands acknowledgements
back through memory; they are written with the next batch, because an acknowledgement that a crash forgets costs only
a duplicate.
"""

import secrets
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs

from edge.errors import HallgateError
from mqtt.messages import Envelope, Lane, entry_json
from mqtt.uplink import Row

_VERSION = 1

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE entry (
    lane TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, boot TEXT NOT NULL,
    at REAL NOT NULL, synced INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (lane, seq)
) WITHOUT ROWID;
CREATE TABLE lane (lane TEXT PRIMARY KEY, last INTEGER NOT NULL, acknowledged INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE refused (
    lane TEXT NOT NULL, seq INTEGER NOT NULL, reason TEXT NOT NULL, times INTEGER NOT NULL,
    PRIMARY KEY (lane, seq)
) WITHOUT ROWID;
CREATE TABLE state (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE retained (topic TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT INTO lane VALUES ('alarm', 0, 0), ('data', 0, 0);
"""


class StorageError(HallgateError):
    """The journal cannot be opened or written; the batch is kept in memory and tried again."""


@attrs.frozen
class Entry:
    """What is to be written: the lane and number are given by the journal."""

    lane: Lane
    kind: str
    body: str
    wall: float
    synced: bool


@attrs.define
class _LaneMarks:
    """One lane: its last number, and how far the broker has everything without a hole."""

    last: int
    acknowledged: int
    beyond: set[int] = attrs.field(factory=set)  # acknowledged out of turn


class Journal:
    """Of one branch, in one file. Raises StorageError."""

    def __init__(self, path: Path, branch: str, boot: str) -> None:
        self._path = path
        self._branch = branch
        self._boot = boot
        self._lock = threading.Lock()  # over the marks and what the uplink hands back
        self._marks: dict[Lane, _LaneMarks] = {}
        self._refused: dict[tuple[Lane, int], tuple[str, int]] = {}  # why, and how often
        self._touched: set[tuple[Lane, int]] = set()  # refusals that the file does not know yet
        self._unwritten = False  # marks that the file does not know yet
        self._saved: dict[str, str] = {}
        self._retained: set[str] = set()
        self._reader: sqlite3.Connection | None = None
        try:
            self._db = self._open()
        except sqlite3.Error as error:
            raise StorageError(f"{path}: {error}") from error

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        if db.execute("PRAGMA user_version").fetchone()[0] == 0:
            db.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            db.execute("INSERT INTO meta VALUES ('journal', ?)", (secrets.token_hex(4),))
            db.execute(f"PRAGMA user_version={_VERSION}")
            db.execute("COMMIT")
        self.id: str = db.execute("SELECT value FROM meta WHERE name = 'journal'").fetchone()[0]
        for lane, last, acknowledged in db.execute("SELECT lane, last, acknowledged FROM lane"):
            self._marks[Lane(lane)] = _LaneMarks(last, acknowledged)
        for lane, seq, reason, times in db.execute("SELECT lane, seq, reason, times FROM refused"):
            self._refused[Lane(lane), seq] = (reason, times)
        self._saved = dict(db.execute("SELECT name, body FROM state"))
        self._retained = {topic for (topic,) in db.execute("SELECT topic FROM retained")}
        return db

    # --- the hall's side -----------------------------------------------------------------------------------------

    def state(self) -> Mapping[str, str]:
        """The rules' state as of the last batch."""
        return self._saved

    def retained(self) -> frozenset[str]:
        """Topics that the broker may still hold from before."""
        return frozenset(self._retained)

    def last_wall(self) -> float | None:
        """When the newest entry was."""
        found: float | None = self._db.execute("SELECT max(at) FROM entry").fetchone()[0]
        return found

    def commit(self, entries: Iterable[Entry], state: Mapping[str, str], topics: Mapping[str, bool]) -> None:
        """Write one batch and sync it. ``topics``: now-topics that are retained from now on (or no longer)."""
        numbers = {lane: marks.last for lane, marks in self._marks.items()}
        rows = []
        for entry in entries:
            numbers[entry.lane] += 1
            rows.append((entry.lane, numbers[entry.lane], entry.kind, self._boot, entry.wall, entry.synced, entry.body))
        changed = [(name, body) for name, body in state.items() if self._saved.get(name) != body]
        added = [(topic,) for topic, kept in topics.items() if kept and topic not in self._retained]
        gone = [(topic,) for topic, kept in topics.items() if not kept and topic in self._retained]
        if not (rows or changed or added or gone or self._unwritten):
            return
        with self._lock:
            marks = [(numbers[lane], marks.acknowledged, lane) for lane, marks in self._marks.items()]
            touched = [(*key, *self._refused.get(key, ("", 0))) for key in self._touched]
            was_unwritten, self._unwritten = self._unwritten, False
            self._touched.clear()
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            self._db.executemany("UPDATE lane SET last = ?, acknowledged = ? WHERE lane = ?", marks)
            self._db.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", changed)
            self._db.executemany("INSERT INTO retained VALUES (?)", added)
            self._db.executemany("DELETE FROM retained WHERE topic = ?", gone)
            self._db.executemany("INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?)", touched)
            if touched:
                self._db.execute("DELETE FROM refused WHERE times = 0")
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            with self._lock:
                self._unwritten |= was_unwritten
                self._touched |= {(lane, seq) for lane, seq, _, _ in touched}
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise StorageError(f"{self._path}: {error}") from error
        with self._lock:
            for lane, number in numbers.items():
                self._marks[lane].last = number
        self._saved = {**self._saved, **dict(changed)}
        self._retained |= {topic for (topic,) in added}
        self._retained -= {topic for (topic,) in gone}

    def has_unwritten_marks(self) -> bool:
        """Whether acknowledgements wait to be written with the next batch."""
        return self._unwritten

    def close(self) -> None:
        """The last marks are written; the file is whole."""
        if self._unwritten:
            self.commit((), {}, {})
        if self._reader is not None:
            self._reader.close()
        self._db.close()

    # --- the uplink's side: an outbox ----------------------------------------------------------------------------

    def pending(self, lane: Lane, after: int, limit: int) -> list[Row]:
        """The next rows of a lane that the broker does not have, in order, from behind number ``after``."""
        with self._lock:
            last = self._marks[lane].last
        if after >= last:
            return []
        return self._read("seq > ? AND seq <= ? ORDER BY seq LIMIT ?", lane, (after, last, limit))

    def acknowledged(self, lane: Lane) -> int:
        """The number up to which the broker has everything."""
        with self._lock:
            return self._marks[lane].acknowledged

    def waiting(self) -> int:
        """Rows that the broker does not have yet."""
        with self._lock:
            return sum(marks.last - marks.acknowledged - len(marks.beyond) for marks in self._marks.values())

    def accept(self, lane: Lane, seq: int) -> None:
        """The broker has it."""
        with self._lock:
            if self._refused.pop((lane, seq), None) is not None:
                self._touched.add((lane, seq))
            self._settle(lane, seq)

    def refuse(self, lane: Lane, seq: int, reason: str) -> None:
        """The broker does not want it: it is set aside, so that what is behind it can go on."""
        with self._lock:
            _, times = self._refused.get((lane, seq), ("", 0))
            self._refused[lane, seq] = (reason, times + 1)
            self._touched.add((lane, seq))
            self._settle(lane, seq)

    def set_aside(self, at_most: int) -> list[Row]:
        """Rows that were refused fewer times than that."""
        with self._lock:
            keys = [key for key, (_, times) in self._refused.items() if times < at_most]
        return [row for lane, seq in keys for row in self._read("seq = ?", lane, (seq,))]

    def refused(self) -> int:
        """How many rows are set aside."""
        with self._lock:
            return len(self._refused)

    def _settle(self, lane: Lane, seq: int) -> None:
        marks = self._marks[lane]
        self._unwritten = True
        if seq <= marks.acknowledged:
            return
        marks.beyond.add(seq)
        while marks.acknowledged + 1 in marks.beyond:
            marks.acknowledged += 1
            marks.beyond.discard(marks.acknowledged)

    def _read(self, where: str, lane: Lane, args: tuple[int, ...]) -> list[Row]:
        if self._reader is None:
            self._reader = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False
            )
        sql = f"SELECT seq, kind, boot, at, synced, body FROM entry WHERE lane = ? AND {where}"
        rows = []
        for seq, kind, boot, at, synced, body in self._reader.execute(sql, (lane, *args)):
            envelope = Envelope(self._branch, self.id, lane, seq, boot, at, bool(synced))
            rows.append(Row(lane, seq, kind, entry_json(envelope, kind, body)))
        return rows
