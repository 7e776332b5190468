"""Satisfaction keypads: lines, what is none, and customers who press several times."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.faults import DeviceFault
from devices.reading import Reading
from devices.serialport import Deframer
from devices.tickets.rater import Settings, cut_line
from devices.world.twin import Trouble

BUS = "/dev/ttyUSB2"


def told(readings: list[Reading]) -> list[object]:
    assert {reading.quantity for reading in readings} <= {"rating"}
    return [reading.value for reading in readings]


def hear(it, data: bytes) -> list[object]:
    it.twin.stage.line.send(data)
    return told(it.poll(0.5, every=0.02))


@pytest.mark.parametrize("end", [b"\r", b"\r\n", b"\n"])
@pytest.mark.parametrize("counter", [1, 9, 10, 99])
@pytest.mark.parametrize("score", [1, 5])
def test_a_rating_is_counter_and_score(rig, end: bytes, counter: int, score: int) -> None:
    it = rig("rater", bus=BUS)
    it.twin.end = end
    it.twin.rate(counter, score)
    assert told(it.poll(0.5, every=0.02)) == [f"{counter} {score}"]


@pytest.mark.parametrize(
    "line", ["0:5", "100:5", "3:0", "3:6", "3:55", "03:5", "3;5", "3:5 ", " 3:5", "3", ":5", "-3:5", "3:５"]
)
def test_what_is_no_rating(rig, line: str) -> None:
    it = rig("rater", bus=BUS)
    assert hear(it, line.encode() + b"\r3:4\r") == ["3 4"]


def test_a_line_may_be_split_anywhere(rig) -> None:
    it = rig("rater", bus=BUS)
    for split in range(1, 5):
        it.twin.stage.line.send(b"12:5\r"[:split])
        assert told(it.poll(0.1, every=0.02)) == []
        assert hear(it, b"12:5\r"[split:]) == ["12 5"]
        it.clock.advance(6.0)


@given(garbage=st.binary(max_size=200), parts=st.lists(st.integers(1, 12), max_size=8))
def test_a_line_is_found_behind_any_garbage_in_any_pieces(garbage: bytes, parts: list[int]) -> None:
    lines = Deframer(cut_line, limit=64)
    stream, found = garbage + b"\r12:5\r", []
    for size in parts:
        found += lines.feed(stream[:size])
        stream = stream[size:]
    found += lines.feed(stream)
    assert found[-1] == b"12:5"


def test_a_line_that_broke_off_spoils_none_that_comes_later(rig) -> None:
    it = rig("rater", bus=BUS)
    assert hear(it, b"1") == []
    assert hear(it, b"3:5\r") == ["3 5"]  # and not 13


def test_a_flipped_bit_makes_another_rating_or_none(rig) -> None:
    """The line has no check value: this is what it can do at worst."""
    for bit in range(5 * 8):
        flipped = bytearray(b"12:3\r")
        flipped[bit // 8] ^= 1 << bit % 8
        it = rig("rater", bus=BUS)
        for value in hear(it, bytes(flipped)):
            assert re.fullmatch("[1-9][0-9]? [1-5]", value)


def test_the_first_of_several_presses_counts(rig) -> None:
    it = rig("rater", bus=BUS)
    for score in (5, 4, 1):
        it.twin.rate(3, score)
        it.clock.advance(2.0)
    it.twin.rate(4, 2)
    assert told(it.poll(0.5, every=0.02)) == ["3 5", "4 2"]
    it.clock.advance(6.0)
    it.twin.rate(3, 1)
    assert told(it.poll(0.5, every=0.02)) == ["3 1"]


def test_a_stuck_key_is_one_rating(rig) -> None:
    it = rig("rater", bus=BUS)
    it.wires.suffer("it", Trouble.STUCK)
    it.twin.rate(3, 1)
    assert told(it.poll(60.0, every=0.1)) == ["3 1"]


def test_clicks_on_the_line_never_add_up_to_a_fault(rig) -> None:
    it = rig("rater", bus=BUS)
    for _ in range(40):
        assert hear(it, b"\xff\r") == []
        it.clock.advance(12.0)


@pytest.mark.parametrize("trouble", ["baud", Trouble.GARBLED])
def test_a_line_that_does_not_work_is_told(rig, trouble: object) -> None:
    it = rig("rater", bus=BUS)
    if trouble == "baud":
        it.twin.baud = 19200
    else:
        it.wires.suffer("it", trouble)
    codes = set()
    for press in range(60):
        it.twin.rate(press % 9 + 1, 3)
        try:
            it.poll(0.5, every=0.05)
        except DeviceFault as fault:
            codes.add(fault.code)
    assert codes == {"garbled"}


def test_silent_unplugged_and_plugged_in_again(rig) -> None:
    it = rig("rater", bus=BUS)
    it.wires.suffer("it", Trouble.SILENT)
    it.twin.rate(3, 5)
    assert told(it.poll(600.0, every=5.0)) == []
    it.wires.suffer("it", Trouble.UNPLUGGED)
    gone = it.fault()
    assert (gone.code, gone.lost) == ("unplugged", True)
    it.driver.close()
    it.wires.recover("it")
    it.driver = it.build()
    it.driver.open()
    it.twin.rate(3, 5)
    assert told(it.poll(0.5, every=0.02)) == ["3 5"]


def test_what_was_pressed_before_we_came_is_old(rig) -> None:
    it = rig("rater", bus=BUS, opened=False)
    it.twin.rate(3, 5)
    it.clock.advance(1.0)
    it.driver.open()
    assert it.poll(1.0) == []


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="again_s"):
        Settings(id="it", part="rater", bus=BUS, again_s=0.1)
