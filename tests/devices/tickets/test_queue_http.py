"""Another maker's queue system by HTTP: which entries are new, and answers that are no use."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.faults import DeviceFault
from devices.reading import Reading
from devices.tickets.farend import far_end
from devices.tickets.queue_http import Settings, entries_of, text_at
from devices.tickets.ticketing import Service
from devices.world.twin import Trouble

SERVICES = {"A": Service(zh="保全", en="policy service"), "B": Service(zh="理赔", en="claims")}
STEPS = {"TAKE": "issued", "CALL": "called", "END": "served"}
FIELDS = {"id": "id", "step": "status", "number": "ticketNo", "service": "biz.code", "counter": "window"}
BASE = {
    "url": "http://192.0.2.7/api/events",
    "services": SERVICES,
    "steps": STEPS,
    "fields": FIELDS,
    "items": "data.list",
}


def system(rig, **changed):
    it = rig("queue-http", **{**BASE, **changed})
    assert it.poll() == []  # the first answer is history
    return it


def told(readings: list[Reading]) -> list[object]:
    assert {reading.quantity for reading in readings} <= {"ticket"}
    return [reading.value for reading in readings]


def say(it, *entries: object) -> None:
    it.twin.desk.body = json.dumps({"data": {"list": entries}}).encode()


@pytest.mark.parametrize("items", ["data.list", "rows", ""])
@pytest.mark.parametrize("newest_first", [True, False])
def test_what_customers_and_clerks_do(rig, items: str, newest_first: bool) -> None:
    it = system(rig, items=items, newest_first=newest_first)
    numbers: list[str] = []
    it.twin.on_ticket = numbers.append
    it.twin.press("B")
    assert told(it.poll(2.0)) == ["issued B001 B -"]
    it.twin.call(3)
    assert told(it.poll(2.0)) == ["called B001 B 3"]
    it.twin.press("A")
    it.twin.call(3)
    assert told(it.poll(10.0)) == ["issued A001 A -", "served B001 B 3", "called A001 A 3"]
    assert numbers == ["B001", "A001"]


def test_entries_are_told_once_for_each_step(rig) -> None:
    it = system(rig)
    entry = {"id": "t-1", "ticketNo": "A012", "biz": {"code": "保全"}, "window": "3号窗口"}
    say(it, {**entry, "status": "TAKE"})
    assert told(it.poll(10.0)) == ["issued A012 A -"]
    say(it, {**entry, "status": "CALL"}, {**entry, "status": "TAKE"})
    assert told(it.poll(10.0)) == ["called A012 A 3"]


def test_what_the_first_answer_lists_is_history(rig) -> None:
    it = rig("queue-http", **BASE)
    it.twin.press("A")
    assert it.poll(4.0) == []
    it.twin.press("A")
    assert told(it.poll(2.0)) == ["issued A002 A -"]


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ({"id": 1, "status": "CALL", "ticketNo": "A012", "window": 3}, "called A012 A 3"),
        ({"id": 1, "status": "CALL", "ticketNo": 12, "window": None}, "called 12 - -"),
        ({"id": 1, "status": "CALL", "ticketNo": "张三丰", "window": "3"}, "called - - 3"),
        ({"id": 1, "status": "CALL", "ticketNo": {"x": 1}, "window": True}, None),
        ({"id": 1, "status": "VOID", "ticketNo": "A012"}, None),
        ({"id": "", "status": "CALL", "ticketNo": "A012"}, None),
        ({"status": "CALL", "ticketNo": "A012"}, None),
        ("CALL", None),
        (None, None),
        ({"id": 1, "status": "TAKE", "ticketNo": "Z1", "biz": {"code": "B"}}, "issued Z1 B -"),
    ],
)
def test_entries(rig, entry: object, value: str | None) -> None:
    it = system(rig)
    say(it, entry)
    assert told(it.poll()) == ([] if value is None else [value])


def test_the_token_goes_to_nobody_else(rig, tmp_path) -> None:
    token = tmp_path / "token"
    token.write_text("Bearer 8f1c\n")
    it = system(rig, token_file=str(token), token_header="X-Token")
    assert it.twin.desk.asked[-1]["X-Token"] == "Bearer 8f1c"
    it.twin.desk.status = 302
    asked = len(it.twin.desk.asked)
    assert "HTTP 302" in it.fault(seconds=30.0).text["en"]
    assert len(it.twin.desk.asked) > asked
    token.unlink()
    assert "token_file" in it.fault(seconds=60.0).text["en"]


def test_a_failure_that_lasts_is_told_and_over_with_the_next_answer(rig) -> None:
    it = system(rig)
    it.wires.suffer("it", Trouble.UNPLUGGED)
    assert it.poll(3.0) == []
    gone = it.fault(seconds=10.0)
    assert (gone.code, gone.lost) == ("unplugged", False)
    assert "RemoteDisconnected" in gone.text["en"]
    assert it.driver.interval_s > it.settings.interval_s
    it.twin.press("A")
    it.wires.recover("it")
    assert told(it.poll(0.0)) == ["issued A001 A -"]
    assert it.driver.interval_s == it.settings.interval_s


def test_it_is_asked_less_often_while_it_fails(rig) -> None:
    it = system(rig)
    it.twin.desk.status = 500
    asked = len(it.twin.desk.asked)
    for _ in range(10):
        try:
            assert it.poll() == []
        except DeviceFault as fault:
            told_code = fault.code
        it.clock.advance(it.driver.interval_s)
    assert told_code == "offline"
    assert it.driver.interval_s == 30.0
    assert len(it.twin.desk.asked) - asked == 10


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, b"[]", "token"),
        (403, b"[]", "token"),
        (404, b"", "HTTP 404"),
        (200, b"<html>", "no JSON"),
        (200, b"\xff\xfe", "no JSON"),
        (200, b"[" * 200000, "no JSON"),
        (200, b"[]", "no list at data.list"),
        (200, b'{"data": {"list": {}}}', "no list"),
        (200, b" " * (1 << 20) + b"[]", "too long"),
    ],
)
def test_answers_that_are_no_use(rig, status: int, body: bytes, says: str) -> None:
    it = system(rig)
    it.twin.desk.status, it.twin.desk.body = status, body
    wrong = it.fault(seconds=30.0)
    assert wrong.code == "offline"
    assert says in wrong.text["en"]


def test_nobody_at_that_address_and_a_system_that_hangs(rig, monkeypatch) -> None:
    it = system(rig)

    def hang(*args: object, **kwargs: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(it.driver._opener, "open", hang)
    assert "TimeoutError" in it.fault(seconds=30.0).text["en"]


def test_busy_silent_stuck_and_garbled(rig) -> None:
    it = system(rig)
    it.wires.suffer("it", Trouble.BUSY)
    it.twin.press("A")
    assert told(it.poll(20.0)) == ["issued A001 A -"]
    it.wires.suffer("it", Trouble.STUCK)
    it.twin.press("A")
    assert told(it.poll(20.0)) == []
    it.wires.suffer("it", Trouble.SILENT)
    it.twin.press("A")
    assert told(it.poll(20.0)) == []
    it.wires.recover("it")
    assert told(it.poll()) == ["issued A002 A -", "issued A003 A -"]
    it.wires.suffer("it", Trouble.GARBLED)
    codes = {"offline"}
    for _ in range(30):
        it.twin.press("A")
        try:
            assert all(value.startswith("issued ") for value in told(it.poll()))
        except DeviceFault as fault:
            codes.add(fault.code)
        it.clock.advance(2.0)
    assert codes == {"offline"}


def test_what_it_remembers_is_bounded(rig) -> None:
    it = system(rig)
    for batch in range(6):
        say(it, *({"id": batch * 5000 + n, "status": "TAKE", "ticketNo": f"A{n}"} for n in range(5001)))
        it.poll()
    assert len(it.driver._seen) == 20000


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_no_json_can_stop_it(value: object) -> None:
    try:
        entries = entries_of(json.dumps(value).encode(), "data")
    except DeviceFault:
        return
    assert all(isinstance(text_at(entry, "a.b"), str) for entry in entries)


def test_the_address_in_the_hall_file_is_not_asked(rig) -> None:
    it = system(rig)
    assert far_end(it.settings, it.settings.url).startswith("http://127.0.0.1:")
    other = Settings(id="it", part="queue-http", **BASE)
    assert far_end(other, other.url) == BASE["url"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("url", "ftp://x"),
        ("url", "http://user:password@x/"),
        ("url", "file:///etc/passwd"),
        ("fields", {"id": "id"}),
        ("fields", {"id": "id", "step": "s", "service": "x"}),
        ("fields", {**FIELDS, "phone": "phone"}),
        ("fields", {**FIELDS, "number": "a..b"}),
        ("items", "data list"),
        ("steps", {"X": "void"}),
        ("token_file", "token"),
        ("token_header", "X: y"),
        ("interval_s", 0.1),
        ("timeout_s", 60),
    ],
)
def test_wrong_settings_are_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError):
        Settings(**{"id": "it", "part": "queue-http", **BASE, name: value})
