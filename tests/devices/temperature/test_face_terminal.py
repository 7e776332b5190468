"""Face terminal: one temperature a person, nobody's name, and a network that is not always there."""

import json
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.faults import DeviceFault
from devices.part import find_part
from devices.temperature.digest import ROUTES
from devices.temperature.face_terminal import Parts, Settings
from devices.world.twin import Trouble

ACCOUNT = {"host": "10.0.0.9", "username": "hall", "password": "secret 1", "timeout_s": 0.2}


@pytest.fixture
def terminal(rig) -> Iterator[Callable]:
    """``terminal()`` is a driver that has had its first answer, and its twin."""
    made = []

    def make(*, first: bool = True, **settings):
        built = rig("face-terminal", **(ACCOUNT | settings))
        made.append(built)
        if first:
            assert built.poll() == []
        return built

    yield make
    for built in made:
        built.driver.close()
        built.twin.close()


def faces(built, seconds: float = 0.0) -> list[float]:
    readings = built.poll(seconds)
    assert {reading.quantity for reading in readings} <= {"face_celsius"}
    assert all(type(reading.value) is float for reading in readings)
    return [round(reading.value, 3) for reading in readings]


@pytest.mark.parametrize("mode", ["poll", "stream"])
def test_a_person_is_one_reading(terminal, mode: str) -> None:
    built = terminal(mode=mode)
    for celsius in (36.6, 37.3, 36.6):
        built.twin.face(celsius)
    assert faces(built) == [36.6, 37.3, 36.6]
    assert faces(built, 30) == []


@pytest.mark.parametrize("mode", ["poll", "stream"])
def test_nothing_of_a_person_leaves_the_driver(terminal, mode: str, caplog) -> None:
    built = terminal(mode=mode)
    built.twin.face(36.6)
    (reading,) = built.poll()
    assert reading._replace(value=0.0, at=0.0) == ("it", "face_celsius", 0.0, 0.0, "good", None)
    built.wires.suffer("it", Trouble.GARBLED)
    built.twin.face(36.6)
    fault = built.fault(seconds=10)
    told = caplog.text + repr(vars(built.driver)) + (repr(fault.text) + repr(fault.__cause__) if fault else "")
    for secret in ("王小明", "4366", "jpeg", "secret 1"):
        assert secret not in told
        assert json.dumps(secret)[1:-1] not in told


@pytest.mark.parametrize("mode", ["poll", "stream"])
def test_fahrenheit_is_converted(terminal, mode: str) -> None:
    built = terminal(mode=mode)
    built.twin.fahrenheit = True
    built.twin.face(37.3)
    assert faces(built) == [37.3]


def test_the_lane_corrects_what_the_terminal_says(terminal) -> None:
    built = terminal(offset_c=0.4, offset_from="20 people, 2026-02-24")
    built.twin.face(37.3)
    assert faces(built) == [37.3]
    assert built.twin.records[-1]["currTemperature"] == pytest.approx(36.9)


@pytest.mark.parametrize("mode", ["poll", "stream"])
def test_a_card_is_nobody_screened(terminal, mode: str) -> None:
    built = terminal(mode=mode)
    built.twin.card()
    assert faces(built) == []
    assert built.fault(seconds=5) is None


@pytest.mark.parametrize("mode", ["poll", "stream"])
@pytest.mark.parametrize("clock_s", [-3e7, -7200.0, 86400.0])
def test_its_clock_may_be_wrong(terminal, mode: str, clock_s: float) -> None:
    built = terminal(mode=mode)
    built.twin.clock_s = clock_s
    built.twin.face(36.6)
    (reading,) = built.poll()
    assert reading.at == built.clock.monotonic()


def test_what_was_there_before_is_history(terminal) -> None:
    built = terminal(first=False)
    for _ in range(75):
        built.twin.face(38.0)
    assert faces(built) == []
    built.twin.face(36.6)
    assert faces(built) == [36.6]


@pytest.mark.parametrize("repeat", [0, 1, 5, 9])
def test_pages_that_repeat_records_count_nobody_twice_and_lose_nobody(terminal, repeat: int) -> None:
    built = terminal()
    built.twin.repeat = repeat
    people = [36.0 + number / 100 for number in range(95)]
    for celsius in people:
        built.twin.face(celsius)
    assert faces(built) == pytest.approx(people)
    assert faces(built, 5) == []


def test_more_than_a_poll_takes_comes_with_the_next(terminal) -> None:
    built = terminal()
    for _ in range(900):
        built.twin.face(36.6)
    assert 300 < len(first := faces(built)) < 900
    assert len(first) + len(faces(built, 5)) == 900


def test_a_full_memory_that_drops_its_oldest_hides_nobody(terminal) -> None:
    built = terminal(first=False)
    built.twin.capacity = 40
    for _ in range(60):
        built.twin.face(36.0)
    assert faces(built) == []
    for celsius in (36.1, 36.2, 36.3):
        built.twin.face(celsius)
        assert faces(built, 2) == [celsius]


def test_serial_numbers_may_begin_anew(terminal) -> None:
    built = terminal()
    for _ in range(5):
        built.twin.face(36.0)
    assert len(faces(built)) == 5
    built.twin.reset()
    assert faces(built, 3) == []
    built.twin.face(36.6)
    assert faces(built, 2) == [36.6]


def test_a_page_of_history_after_pruning_is_not_told_again(terminal) -> None:
    built = terminal(first=False)
    for _ in range(50):
        built.twin.face(36.0)
    faces(built)
    built.twin.face(36.6)
    assert faces(built) == [36.6]
    del built.twin.records[:25]
    assert faces(built, 5) == []
    built.twin.face(36.7)
    assert faces(built, 2) == [36.7]


def test_a_stream_that_ends_is_taken_up_again(terminal) -> None:
    built = terminal(mode="stream")
    built.twin.face(36.6)
    assert faces(built) == [36.6]
    built.twin.hang_up()
    assert faces(built, 3) == []
    built.twin.face(36.7)
    assert faces(built) == [36.7]


def test_a_stream_without_a_heartbeat_is_dead(terminal) -> None:
    built = terminal(mode="stream")
    assert built.fault(seconds=120) is None  # with one, nobody need come
    before = built.twin.asked
    lines = built.twin.streams
    built.twin.streams = []  # it forgets us, and the connection stays
    assert built.fault(seconds=70) is None
    assert built.twin.asked > before
    for line in lines:
        line.close()


@pytest.mark.parametrize("mode", ["poll", "stream"])
def test_a_terminal_that_was_restarted_has_forgotten_its_challenge(terminal, mode: str) -> None:
    built = terminal(mode=mode)
    built.twin.restart()
    assert built.fault(seconds=3) is None
    built.twin.face(36.6)
    assert faces(built, 2) == [36.6]
    assert built.twin.bad_logins == 0


def test_a_wrong_password_is_told_at_once_and_locks_nobody_out(terminal) -> None:
    built = terminal(first=False)
    built.twin.settings = find_part("face-terminal").settings(
        id="it", part="face-terminal", **(ACCOUNT | {"password": "another"})
    )
    fault = built.fault()
    assert (fault.code, fault.lost) == ("silent", False)
    assert "password" in fault.text["en"]
    assert built.driver.interval_s >= 600
    assert built.twin.bad_logins == 1
    built.twin.settings = built.settings
    built.clock.advance(built.driver.interval_s)
    assert built.poll() == []
    assert built.driver.interval_s == 1.0


@pytest.mark.parametrize("mode", ["poll", "stream"])
def test_unplugged_and_plugged_in_again(terminal, mode: str) -> None:
    built = terminal(mode=mode)
    built.wires.suffer("it", Trouble.UNPLUGGED)
    fault = built.fault(seconds=10)
    assert (fault.code, fault.lost) == ("unplugged", False)
    built.twin.face(36.6)
    built.wires.recover("it")
    late = faces(built, 5)
    assert late == ([36.6] if mode == "poll" else [])  # records wait, a stream does not
    built.twin.face(36.7)
    assert faces(built, 2) == [36.7]


def test_nothing_listens_there(terminal) -> None:
    built = terminal()
    built.twin._server.shutdown()
    built.twin._server.server_close()
    assert built.fault(seconds=10).code == "unplugged"


def test_silence_is_named(terminal) -> None:
    built = terminal(timeout_s=0.05)
    built.wires.suffer("it", Trouble.SILENT)
    fault = built.fault(seconds=10)
    assert fault.code == "unplugged"
    assert "TimeoutError" in fault.text["en"]
    built.wires.recover("it")
    assert built.fault(seconds=5) is None


def test_an_answer_cut_short_is_named(terminal) -> None:
    built = terminal()
    built.wires.suffer("it", Trouble.GARBLED)
    fault = built.fault(seconds=10)
    assert fault.code == "silent"
    assert "no JSON" in fault.text["en"]
    built.wires.recover("it")
    assert built.fault(seconds=5) is None


@pytest.mark.parametrize("mode", ["poll", "stream"])
def test_one_refusal_in_two_is_no_fault(terminal, mode: str) -> None:
    built = terminal(mode=mode)
    built.wires.suffer("it", Trouble.BUSY)
    for celsius in (36.6, 36.7):
        built.twin.face(celsius)
    assert faces(built, 10) == [36.6, 36.7]


def test_a_stuck_terminal_has_seen_nobody(terminal) -> None:
    built = terminal()
    built.wires.suffer("it", Trouble.STUCK)
    built.twin.face(36.6)
    assert faces(built, 10) == []


@pytest.mark.parametrize("celsius", [60.0, 12.0])
def test_no_face_is_so_warm(terminal, celsius: float) -> None:
    built = terminal()
    built.twin.face(celsius)
    assert built.fault().code == "out-of-range"
    assert built.fault(seconds=5) is None


def test_another_vendors_terminal_is_read_by_its_own_names(terminal) -> None:
    fields = {"list": "data.rows", "serial": "id", "temperature": "temp"}
    built = terminal(mode="get", path="/api/records", fields=fields, unit="fahrenheit")
    built.twin.fahrenheit = True
    built.twin.face(37.3)
    assert faces(built, 3) == [37.3]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"fields": {"name": "name"}}, "fields knows"),
        ({"mode": "get"}, "needs a path"),
        ({"host": "http://10.0.0.9"}, "host"),
        ({"password": ""}, "password"),
    ],
)
def test_what_is_refused(settings: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Settings(id="it", part="face-terminal", **(ACCOUNT | settings))


def test_the_password_is_not_shown() -> None:
    settings = Settings(id="it", part="face-terminal", **ACCOUNT)
    assert "secret 1" not in repr(settings)
    assert settings.claims() == ["10.0.0.9:80"]
    assert Settings(id="it", part="face-terminal", https=True, **ACCOUNT).reached_at == 443


def test_a_closed_terminal_leaves_no_way_behind(rig) -> None:
    built = rig("face-terminal", **ACCOUNT)
    assert ("10.0.0.9", 80) in ROUTES
    built.twin.close()
    assert ROUTES == {}


PHOTO = bytes(range(256)) * 8 + b"\r\n\r\n--MIME_boundary\r\ncontent-length: 7\r\n\r\n"


def part(kind: str, body: bytes) -> bytes:
    return f"--MIME_boundary\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body + b"\r\n"


@given(cuts=st.lists(st.integers(1, 400), max_size=12), garbage=st.binary(max_size=40))
def test_parts_come_out_whole_however_they_are_cut(cuts: list[int], garbage: bytes) -> None:
    stream = garbage.replace(b"\r", b"") + b"\r\n" + part("application/json", b'{"a": 1}')
    stream += part("image/jpeg", PHOTO) + part('application/json; charset="UTF-8"', b'{"b": 2}')
    parts, found = Parts(), []
    for cut in cuts:
        found += parts.feed(stream[:cut])
        stream = stream[cut:]
    assert found + parts.feed(stream) == [b'{"a": 1}', b'{"b": 2}']


def test_a_fault_is_a_device_fault(terminal) -> None:
    built = terminal()
    built.wires.suffer("it", Trouble.UNPLUGGED)
    with pytest.raises(DeviceFault):
        built.poll(10)
