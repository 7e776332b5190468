"""Another maker's queue machine by the file that it writes: what is new in it, and which expressions may read it."""

import os
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.reading import Reading
from devices.tickets.pattern import check_pattern
from devices.tickets.queue_tail import Lines, Settings, ticket_of
from devices.tickets.ticketing import Service
from devices.world.twin import Trouble

SERVICES = {"A": Service(zh="保全", en="policy service"), "B": Service(zh="理赔", en="claims")}
STEPS = {"取号": "issued", "呼叫": "called", "完成": "served"}
TABLE = {"columns": {"step": 1, "number": 2, "service": 3, "counter": 4}}
LOG = {
    "pattern": r"\S++ \S++ \[(?P<step>\w++)\] (?P<number>[A-Z]\d++)(?: (?P<counter>\w++))?",
    "example": "2026-03-01 09:07:40 [呼叫] A012 3号窗口",
}
CALLED = "2026-03-01 09:07:40,呼叫,A012,,3号窗口\r\n".encode()


def machine(rig, opened: bool = True, **changed):
    form = {} if {"columns", "pattern"} & changed.keys() else TABLE
    settings = {"path": "/mnt/queue/tickets.csv", "services": SERVICES, "steps": STEPS, **form, **changed}
    return rig("queue-tail", opened=opened, **settings)


def settings(**changed) -> Settings:
    form = {} if {"columns", "pattern"} & changed.keys() else TABLE
    base = {"id": "it", "part": "queue-tail", "path": "/mnt/q.csv", "services": SERVICES, "steps": STEPS}
    return Settings(**{**base, **form, **changed})


def told(readings: list[Reading]) -> list[object]:
    assert {reading.quantity for reading in readings} <= {"ticket"}
    return [reading.value for reading in readings]


@pytest.mark.parametrize("form", [TABLE, LOG, {**TABLE, "delimiter": "\t"}, {**TABLE, "encoding": "gb18030"}])
def test_what_customers_and_clerks_do(rig, form: dict) -> None:
    it = machine(rig, **form)
    numbers: list[str] = []
    it.twin.on_ticket = numbers.append
    it.twin.press("B")
    it.twin.press("A")
    assert told(it.poll()) == ["issued B001 B -", "issued A001 A -"]
    it.twin.call(3)
    it.twin.call(3)
    assert told(it.poll(2.0)) == ["called B001 B 3", "served B001 B 3", "called A001 A 3"]
    assert numbers == ["B001", "A001"]


@pytest.mark.parametrize(
    ("line", "changed", "value"),
    [
        ("x,呼叫,A012,,3号窗口", {}, "called A012 A 3"),
        ("x, 呼叫 , A012 ,保全,03", {}, "called A012 A 3"),
        ('x,"呼叫","B7","理赔","Counter 12"', {}, "called B7 B 12"),
        ("x,完成,,,3", {}, "served - - 3"),
        ("x,呼叫,Z1,other,VIP", {}, "called Z1 - -"),
        ("x,呼叫,张三丰,,3", {}, "called - - 3"),
        ("x,呼叫,,,", {}, None),
        ("x,过号,A012,,3", {}, None),
        ("x,呼叫,A012", {}, None),
        ("时间,操作,号码,业务,窗口", {}, None),
        ("x,呼叫,A012,," + "3" * 600, {}, None),
        ("x,whatever,A012,,3", {"steps": {"*": "called"}}, "called A012 A 3"),
        (
            "A012;3",
            {"columns": {"number": 0, "counter": 1}, "delimiter": ";", "steps": {"*": "called"}},
            "called A012 A 3",
        ),
        ("2026-03-01 09:00:01 [取号] A012", LOG, "issued A012 A -"),
        ("x 2026-03-01 09:00:01 [取号] A012", LOG, None),
    ],
)
def test_lines(line: str, changed: dict, value: str | None) -> None:
    assert ticket_of(line, settings(**changed)) == value


def test_only_what_is_new_is_read(rig) -> None:
    it = machine(rig, opened=False)
    it.twin.write(CALLED * 3 + CALLED[:20])
    it.driver.open()
    assert it.poll(2.0) == []
    it.twin.write(CALLED[20:])  # its beginning was there before us
    assert it.poll(2.0) == []
    it.twin.write(CALLED)
    assert told(it.poll(2.0)) == ["called A012 A 3"]


@pytest.mark.parametrize("split", range(1, len(CALLED)))
def test_a_line_counts_when_it_is_whole(rig, split: int) -> None:
    it = machine(rig)
    it.twin.write(CALLED[:split])
    assert it.poll(3.0) == []
    it.twin.write(CALLED[split:])
    assert told(it.poll()) == ["called A012 A 3"]


def test_rotation_loses_nothing(rig) -> None:
    it = machine(rig)
    it.twin.press("A")
    it.poll()
    it.twin.press("A")
    it.twin.rotate()
    it.twin.press("A")
    assert told(it.poll(2.0)) == ["issued A002 A -", "issued A003 A -"]
    it.twin.press("A")
    assert told(it.poll(2.0)) == ["issued A004 A -"]


def test_truncation_begins_anew(rig) -> None:
    it = machine(rig)
    it.twin.press("A")
    it.poll()
    it.twin.truncate()
    assert it.poll() == []
    it.twin.press("B")
    assert told(it.poll(2.0)) == ["issued B001 B -"]


def test_a_file_that_comes_later_is_read_from_its_beginning(rig) -> None:
    it = machine(rig, opened=False)
    it.twin.file.unlink()
    it.driver.open()
    assert it.poll(3.0) == []
    it.twin.press("A")
    assert told(it.poll(1.0)) == ["issued A001 A -"]


def test_a_share_that_is_gone_is_told_after_a_while_and_read_on_when_it_is_back(rig) -> None:
    it = machine(rig)
    it.twin.press("A")
    it.poll()
    it.wires.suffer("it", Trouble.UNPLUGGED)
    assert it.poll(9.0) == []
    it.twin.press("A")
    gone = it.fault(seconds=2.0)
    assert (gone.code, gone.lost) == ("unplugged", False)
    assert "/mnt/queue/tickets.csv ENOENT" in gone.text["en"]
    it.wires.recover("it")
    assert told(it.poll(2.0)) == ["issued A002 A -"]


def test_a_share_that_went_away_under_the_open_file(rig) -> None:
    it = machine(rig)
    it.twin.press("A")
    it.poll()
    os.close(it.driver._file.fileno())  # what is read through it now fails, as on a share without its server
    assert it.poll() == []
    it.twin.press("A")
    assert told(it.poll(1.0)) == ["issued A002 A -"]


def test_what_cannot_be_opened_is_told(rig) -> None:
    it = machine(rig)
    it.twin.file.unlink()
    it.twin.file.mkdir()
    it.driver.open()
    assert "EISDIR" in it.fault(seconds=12.0).text["en"]


def test_much_at_once_is_read_in_turns(rig) -> None:
    it = machine(rig)
    it.twin.write(CALLED * 4000)
    woken = it.woken
    assert 1000 < len(it.poll()) < 2000
    assert it.woken > woken
    assert 2000 < len(it.poll(5.0)) < 3000
    it.twin.write(CALLED)
    assert told(it.poll()) == ["called A012 A 3"]


@given(sizes=st.lists(st.integers(1, 6000), max_size=5), cut=st.integers(1, 100))
def test_lines_that_are_too_long_hide_none(sizes: list[int], cut: int) -> None:
    stream = b"".join(b"x" * size + b"\n" for size in sizes) + CALLED
    lines, found = Lines(), []
    for begin in range(0, len(stream), cut):
        found += lines.feed(stream[begin : begin + cut])
        assert len(lines._rest) <= 2048
    assert found[-1] == CALLED.strip()
    assert len(found) <= len(sizes) + 1


def test_a_file_of_another_format_is_told_once_in_a_while(rig) -> None:
    it = machine(rig)
    it.twin.write("时间,操作,号码,业务,窗口\n".encode("gb18030") * 19)
    assert it.poll() == []
    it.twin.write("x,呼叫,A012,,3\n".encode("gb18030"))
    wrong = it.fault()
    assert wrong.code == "garbled"
    assert "encoding" in wrong.text["zh"]
    assert it.poll(5.0) == []
    it.twin.write(CALLED)
    assert told(it.poll()) == ["called A012 A 3"]
    it.twin.write(b"something else\n" * 100)
    assert it.poll(5.0) == []  # it is understood, the rest is other news


def test_bytes_that_are_wrong_cost_their_line_only(rig) -> None:
    it = machine(rig)
    it.twin.write(b"\xef\xbb\xbf" + CALLED + b"\xff\xfe\x00\n" + CALLED)
    assert told(it.poll()) == ["called A012 A 3"] * 2


def test_silent_stuck_and_garbled(rig) -> None:
    it = machine(rig)
    it.twin.press("A")
    it.poll()
    it.wires.suffer("it", Trouble.SILENT)
    it.twin.press("A")
    assert it.poll(100.0) == []
    it.wires.suffer("it", Trouble.STUCK)
    it.twin.press("A")
    it.twin.press("B")
    assert told(it.poll()) == ["issued A002 A -"] * 2
    it.wires.suffer("it", Trouble.GARBLED)
    for _ in range(50):
        it.twin.press("A")
        for value in told(it.poll(1.0)):
            assert value.split(" ")[0] == "issued"


@pytest.mark.parametrize(
    "good", [LOG["pattern"], r"(?P<number>.*),(?P<step>[^\],]+)x?", r"(?P<step>a|b) [+*]++\(\{", "a{2}"]
)
def test_patterns_that_are_quick(good: str) -> None:
    check_pattern(good)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (r"(?:a+)+b", "no group"),
        (r"(a|b)*", "no group"),
        (r"(\d{1,3}){2,}", "no group"),
        (r".*,.*,.*,x", "give back"),
        (r"\d{1,9}\d{1,9}\d{1,9}x", "give back"),
        (r"a?a?a?a?a?aaaaa", "at most"),
        (r"(a|b)(a|b)(a|b)(a|b)(a|b)", "at most"),
        (r"(?P<x>a)\1", "references"),
        (r"(?P<x>a)(?P=x)", "only"),
        (r"(?=a)a", "only"),
        (r"(?<!a)b", "only"),
        (r"(?i)a", "only"),
        (r"(", "not a regular"),
        ("a" * 201, "200"),
    ],
)
def test_patterns_that_are_refused(bad: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_pattern(bad)


@given(st.text(alphabet="ab.*+?{}12,()[]|\\d^", max_size=30), st.sampled_from(["a" * 512, "ab" * 256, "1," * 256]))
def test_no_pattern_that_is_let_through_is_slow(pattern: str, line: str) -> None:
    try:
        check_pattern(pattern)
    except ValueError:
        return
    began = time.process_time()
    re.match(pattern, line)
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"path": "tickets.csv"}, "path"),
        ({"columns": {"step": 1, "phone": 2}}, "columns are"),
        ({"columns": {"step": 1, "number": 64}}, "column"),
        ({"columns": {"step": 1, "service": 2}}, "need number"),
        ({"columns": {"number": 1}}, "step"),
        ({"steps": {}}, "at least one"),
        ({"steps": {"x": "void"}}, "void"),
        ({"delimiter": "::"}, "delimiter"),
        ({"encoding": "latin-1"}, "encoding"),
        ({"columns": None}, "one of"),
        ({**TABLE, **LOG}, "one of"),
        ({**LOG, "pattern": "(x+)+"}, "no group"),
        ({**LOG, "example": None}, "example"),
        ({**LOG, "example": "2026"}, "example"),
    ],
)
def test_wrong_settings_are_refused(changed: dict, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        settings(**changed)
