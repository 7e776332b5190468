"""Senseair K30: its one question, its answer, and what its line does to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.air.k30 import _AIR
from devices.air.senseair import cut_frame, with_crc
from devices.reading import Quality, Reading
from devices.serialport import Deframer
from devices.world.twin import Trouble

BUS = "/dev/ttyAMA0"
EXAMPLE = bytes.fromhex("fe44020061790c")  # recorded by a public driver: 97 ppm


def opened(rig, **settings):
    """One that has answered for air once."""
    air = rig("k30", bus=BUS, **settings)
    air.poll(8.0)
    return air


def codes(air, seconds: int) -> list[str]:
    """The faults of that many polls, a second apart."""
    found = []
    for _ in range(seconds):
        fault = air.fault()
        found += [fault.code] if fault else []
        air.clock.advance(1.0)
    return found


def values(readings: list[Reading]) -> list[tuple[str, object]]:
    return [(reading.quantity, reading.value) for reading in readings]


def test_worked_examples() -> None:
    assert bytes.fromhex("fe440008029f25") == _AIR
    assert with_crc(EXAMPLE[:-2]) == EXAMPLE
    assert cut_frame(EXAMPLE) == (7, EXAMPLE)


def test_the_recorded_answer_is_read_and_not_believed(rig) -> None:
    air = opened(rig)
    air.twin.raw_co2 = 97
    air.poll(6.0)
    reading = air.poll(6.0)[-1]
    assert (reading.quantity, reading.value, reading.quality) == ("co2_ppm", 97.0, Quality.SUSPECT)


@pytest.mark.parametrize("bit", range(len(EXAMPLE) * 8))
def test_every_flipped_bit_is_refused(bit: int) -> None:
    flipped = bytearray(EXAMPLE)
    flipped[bit // 8] ^= 1 << bit % 8
    assert Deframer(cut_frame).feed(bytes(flipped)) == []


@given(garbage=st.binary(max_size=30), parts=st.lists(st.integers(1, 16), max_size=8))
def test_frames_are_found_behind_any_garbage_in_any_pieces(garbage: bytes, parts: list[int]) -> None:
    """Garbage may look like the beginning of a longer frame, so the second of two at the latest is found at once."""
    frames, stream, found = Deframer(cut_frame), garbage + EXAMPLE * 2, []
    for size in parts:
        found += frames.feed(stream[:size])
        stream = stream[size:]
    found += frames.feed(stream)
    assert set(found) <= {EXAMPLE}
    assert found


@pytest.mark.parametrize(
    "garbage", [b"\0", b"\xfe", b"\xfe\x44", EXAMPLE[:4], bytes.fromhex("fe030200b4ad27"), b"\xfe\x04\x08"]
)
def test_an_answer_is_found_behind_what_was_not_asked(rig, garbage: bytes) -> None:
    air = opened(rig)
    air.twin.source = lambda: (608.0, 31.0, 40.0)
    air.twin.stray = garbage
    codes(air, 6)
    assert values(air.poll(8.0))[-1] == ("co2_ppm", 608.0)


@pytest.mark.parametrize("split", range(1, len(EXAMPLE)))
def test_an_answer_may_be_split_anywhere(rig, split: int) -> None:
    air = opened(rig)
    air.twin.received = lambda data: None
    while not codes(air, 1):
        pass
    air.clock.advance(5.0)
    air.fault()  # asks
    read = []
    for piece in (EXAMPLE[:split], EXAMPLE[split:]):
        air.twin.stage.line.send(piece)
        air.clock.advance(0.05)
        read.append(values(air.poll()))
    assert read == [[], [("co2_ppm", 97.0)]]


def test_a_reading_each_interval(rig) -> None:
    air = rig("k30", bus=BUS)
    readings = air.poll(60.0)
    assert len(readings) == pytest.approx(11, abs=2)
    assert {(reading.quantity, reading.value, reading.raw, reading.quality) for reading in readings} == {
        ("co2_ppm", 450.0, 450, Quality.GOOD)
    }


@pytest.mark.parametrize(
    ("wanted", "had_h", "has_h", "written"),
    [(True, 180, 180, 0), (True, 96, 96, 0), (True, 0, 180, 1), (False, 180, 0, 1)],
)
def test_self_calibration_is_written_only_if_it_changes(
    rig, wanted: bool, had_h: int, has_h: int, written: int
) -> None:
    air = rig("k30", bus=BUS, self_calibration=wanted)
    air.twin.period_h = had_h
    assert air.poll(20.0)
    air.driver.open()
    assert air.poll(20.0)
    assert (air.twin.period_h, air.twin.written) == (has_h, written)


def test_one_without_that_register_measures_all_the_same(rig) -> None:
    air = rig("k30", bus=BUS)
    normal = air.twin.answer
    air.twin.answer = lambda frame: normal(frame) if frame[1] == 0x44 else bytes([0xFE, frame[1] | 0x80, 2])
    fault = air.fault(5.0)
    assert fault.code == "error-flag"
    assert air.poll(20.0)


@pytest.mark.parametrize("raw", [-1, -40, -32768, 0, 10001])
def test_what_is_no_air_is_refused(rig, raw: int) -> None:
    air = opened(rig)
    air.twin.raw_co2 = raw
    assert air.fault(12.0).code == "out-of-range"
    air.twin.raw_co2 = None
    codes(air, 6)
    assert air.poll(6.0)


def test_silence_is_told_again_and_again_and_ends(rig) -> None:
    air = opened(rig)
    air.wires.suffer("it", Trouble.SILENT)
    found = codes(air, 40)
    assert len(found) >= 6
    assert set(found) == {"no-answer"}
    air.wires.recover("it")
    codes(air, 6)
    assert air.poll(20.0)


def test_flipped_bits_and_a_wrong_baud_rate_are_garbled(rig) -> None:
    air = opened(rig)
    air.wires.suffer("it", Trouble.GARBLED)
    assert "garbled" in codes(air, 20)
    air.wires.recover("it")
    codes(air, 6)
    air.twin.baud = 115200
    assert set(codes(air, 30)) <= {"garbled", "no-answer"}  # it may not even understand the question
    air.twin.baud = 9600
    codes(air, 6)
    assert air.poll(20.0)


def test_a_stuck_part_repeats_itself(rig) -> None:
    air = opened(rig)
    air.wires.suffer("it", Trouble.STUCK)
    air.poll(7.0)
    air.twin.source = lambda: (900.0, 25.0, 40.0)
    assert {reading.value for reading in air.poll(30.0)} == {450.0}


def test_unplugged_and_plugged_in_again(rig) -> None:
    air = opened(rig)
    air.wires.suffer("it", Trouble.UNPLUGGED)
    gone = air.fault()
    assert (gone.code, gone.lost) == ("unplugged", True)
    air.driver.close()
    air.wires.recover("it")
    air.driver = air.build()
    air.driver.open()
    assert air.poll(20.0)


def test_the_age_of_its_baseline_is_told(rig) -> None:
    air = rig("k30", bus=BUS, interval_s=60.0)
    air.twin.source = lambda: (800.0, 25.0, 40.0)
    ages = [reading for reading in air.poll(7500.0, every=5.0) if reading.quantity == "baseline_age_s"]
    assert [round(reading.value, -2) for reading in ages] == [3600, 7200]


@pytest.mark.parametrize("changed", [{"interval_s": 1.0}, {"interval_s": 61.0}, {"bus": "i2c-1"}])
def test_wrong_settings_are_refused(rig, changed: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(changed))):
        rig("k30", **{"bus": BUS, **changed})
