"""The journal: numbers without holes, nothing half written, and an outbox that forgets only what is acknowledged."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.journal import Entry, Journal, StorageError
from mqtt.messages import Lane


def entry(lane: Lane = Lane.DATA, n: int = 0) -> Entry:
    return Entry(lane, "contact", f'{{"device":"d","closed":true,"n":{n}}}', 1_772_413_200.0 + n, synced=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def opened(path: Path) -> Journal:
    return Journal(path, "b", "boot")


def numbers(journal: Journal, lane: Lane, after: int = 0) -> list[int]:
    return [row.seq for row in journal.pending(lane, after, 1000)]


def test_lanes_are_numbered_from_one_and_go_on_after_a_restart(path: Path) -> None:
    journal = opened(path)
    journal.commit([entry(Lane.DATA), entry(Lane.ALARM), entry(Lane.DATA)], {}, {})
    id = journal.id
    journal.close()
    journal = opened(path)
    journal.commit([entry(Lane.ALARM), entry(Lane.DATA)], {}, {})
    assert numbers(journal, Lane.DATA) == [1, 2, 3]
    assert numbers(journal, Lane.ALARM) == [1, 2]
    assert journal.id == id
    journal.close()


def test_a_row_travels_with_its_name_and_time(path: Path) -> None:
    journal = opened(path)
    journal.commit([entry()], {}, {})
    (row,) = journal.pending(Lane.DATA, 0, 10)
    assert row.payload == (
        b'{"schema":"hall.log.contact/1","branch":"b","journal":"%s","lane":"data","seq":1,"boot":"boot",'
        b'"at":"2026-03-02T01:00:00.000Z","clock":"synced","drill":false,"device":"d","closed":true,"n":0}'
        % journal.id.encode()
    )
    journal.close()


def test_state_is_what_the_last_batch_said(path: Path) -> None:
    journal = opened(path)
    journal.commit([entry()], {"doorway": "1", "fever": "x"}, {"alarm/FEVER/t": True, "air/waiting": True})
    journal.commit([entry()], {"doorway": "2"}, {"alarm/FEVER/t": False})
    journal.close()
    journal = opened(path)
    assert journal.state() == {"doorway": "2", "fever": "x"}
    assert journal.retained() == {"air/waiting"}
    journal.close()


def test_a_batch_that_fails_leaves_nothing_and_can_be_written_again(path: Path) -> None:
    journal = opened(path)
    journal.commit([entry()], {"a": "1"}, {})
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA busy_timeout=0")
    journal._db.execute("PRAGMA busy_timeout=0")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError):
        journal.commit([entry(), entry(Lane.ALARM)], {"a": "2"}, {"t": True})
    assert numbers(journal, Lane.DATA) == [1]
    other.execute("ROLLBACK")
    other.close()
    journal.commit([entry(), entry(Lane.ALARM)], {"a": "2"}, {"t": True})
    assert numbers(journal, Lane.DATA) == [1, 2]
    assert journal.state() == {"a": "2"}
    assert journal.retained() == {"t"}
    journal.close()


def test_what_the_broker_has_does_not_come_again_after_a_restart(path: Path) -> None:
    journal = opened(path)
    journal.commit([entry(n=n) for n in range(5)], {}, {})
    for seq in (1, 2, 4):
        journal.accept(Lane.DATA, seq)
    assert journal.acknowledged(Lane.DATA) == 2
    assert journal.waiting() == 2
    journal.close()
    journal = opened(path)
    assert numbers(journal, Lane.DATA, journal.acknowledged(Lane.DATA)) == [3, 4, 5]
    journal.close()


def test_refused_rows_are_set_aside_counted_and_offered_again(path: Path) -> None:
    journal = opened(path)
    journal.commit([entry(n=n) for n in range(3)], {}, {})
    journal.accept(Lane.DATA, 1)
    journal.refuse(Lane.DATA, 2, "Not authorized")
    journal.accept(Lane.DATA, 3)
    assert journal.acknowledged(Lane.DATA) == 3
    journal.close()
    journal = opened(path)
    assert journal.refused() == 1
    assert [row.seq for row in journal.set_aside(3)] == [2]
    journal.refuse(Lane.DATA, 2, "Not authorized")
    journal.refuse(Lane.DATA, 2, "Not authorized")
    assert journal.set_aside(3) == []
    journal.accept(Lane.DATA, 2)
    journal.close()
    assert opened_and_closed(path) == 0


def opened_and_closed(path: Path) -> int:
    journal = opened(path)
    refused = journal.refused()
    journal.close()
    return refused


def test_a_file_that_is_no_journal_is_said_so(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(StorageError, match="not a database"):
        opened(path)


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("commit"), st.lists(st.sampled_from(list(Lane)), max_size=5)),
            st.tuples(st.just("accept"), st.tuples(st.sampled_from(list(Lane)), st.integers(1, 12))),
            st.tuples(st.just("restart"), st.none()),
            st.tuples(st.just("crash"), st.none()),
        ),
        max_size=30,
    )
)
def test_model(tmp_path_factory: pytest.TempPathFactory, steps) -> None:
    """Whatever happens: dense numbers, the same content under the same name, and nothing unacknowledged is skipped."""
    path = tmp_path_factory.mktemp("model") / "journal.db"
    journal = opened(path)
    written: dict[Lane, list[int]] = {lane: [] for lane in Lane}
    accepted: set[tuple[Lane, int]] = set()
    count = 0
    for verb, value in steps:
        if verb == "commit":
            batch = []
            for lane in value:
                count += 1
                written[lane].append(count)
                batch.append(entry(lane, count))
            journal.commit(batch, {}, {})
        elif verb == "accept" and value[1] <= len(written[value[0]]):
            journal.accept(*value)
            accepted.add(value)
        elif verb == "restart":
            journal.close()
            journal = opened(path)
        elif verb == "crash":
            journal._db.close()
            if journal._reader is not None:
                journal._reader.close()
            journal = opened(path)
        for lane in Lane:
            rows = journal.pending(lane, 0, 1000)
            assert [row.seq for row in rows] == list(range(1, len(written[lane]) + 1))
            assert all(f'"n":{n}}}'.encode() in row.payload for n, row in zip(written[lane], rows, strict=True))
            mark = journal.acknowledged(lane)
            assert all((lane, seq) in accepted for seq in range(1, mark + 1))
    journal.close()
