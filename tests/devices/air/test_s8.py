"""Senseair S8: its frames, its status bits, its calibrations, and what its line does to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.air.senseair import cut_frame, request, with_crc
from devices.checks import modbus_crc
from devices.reading import Quality, Reading
from devices.serialport import Deframer
from devices.world.twin import Trouble

BUS = "/dev/ttyAMA0"
EXAMPLE = bytes.fromhex("fe0408000000000000019016e6")  # TDE2067: 400 ppm, CRC recomputed


def opened(rig, **settings):
    """One that has been asked for its period."""
    air = rig("s8", bus=BUS, **settings)
    air.poll(3.0)
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


def test_the_check_value_of_its_crc() -> None:
    assert modbus_crc(b"123456789") == bytes.fromhex("374b")  # CRC-16/MODBUS: 4B37


@pytest.mark.parametrize(
    ("made", "sent"),
    [
        (request(4, 0, 4), "fe0400000004e5c6"),
        (request(4, 3, 1), "fe0400030001d5c5"),
        (request(6, 0x1F, 0), "fe06001f0000ac03"),
        (request(6, 0x1F, 180), "fe06001f00b4ac74"),
        (request(6, 0, 0), "fe06000000009dc5"),
        (request(6, 1, 0x7C06), "fe0600017c066cc7"),
        (request(3, 0, 1), "fe03000000019005"),
        (request(3, 0x1F, 1), "fe03001f0001a1c3"),
        (with_crc(bytes.fromhex("fe04020388")), "fe04020388adb2"),  # SFeli/ESP32_S8 prints D5 C5
        (with_crc(bytes.fromhex("fe04020190")), "fe04020190acd8"),
    ],
)
def test_worked_examples(made: bytes, sent: str) -> None:
    assert made == bytes.fromhex(sent)


@pytest.mark.parametrize("bit", range(len(EXAMPLE) * 8))
def test_every_flipped_bit_is_refused(bit: int) -> None:
    flipped = bytearray(EXAMPLE)
    flipped[bit // 8] ^= 1 << bit % 8
    assert Deframer(cut_frame).feed(bytes(flipped)) == []


@given(garbage=st.binary(max_size=30), parts=st.lists(st.integers(1, 16), max_size=8))
def test_a_frame_is_found_behind_any_garbage_in_any_pieces(garbage: bytes, parts: list[int]) -> None:
    frames, stream, found = Deframer(cut_frame), garbage + EXAMPLE, []
    for size in parts:
        found += frames.feed(stream[:size])
        stream = stream[size:]
    assert (found + frames.feed(stream))[-1] == EXAMPLE


@pytest.mark.parametrize(
    "garbage", [b"\0", b"\xfe", b"\xfe\x04", EXAMPLE[:6], bytes.fromhex("fe030200b4ad27"), b"\xff" * 9]
)
def test_an_answer_is_found_behind_what_was_not_asked(rig, garbage: bytes) -> None:
    air = opened(rig)
    air.twin.source = lambda: (608.0, 31.0, 40.0)
    air.poll(6.0)
    air.twin.stray = garbage
    assert values(air.poll(6.0))[-1] == ("co2_ppm", 608.0)


@pytest.mark.parametrize("split", range(1, len(EXAMPLE)))
def test_an_answer_may_be_split_anywhere(rig, split: int) -> None:
    air = opened(rig)
    air.wires.suffer("it", Trouble.SILENT)
    while not codes(air, 1):
        pass
    air.twin.trouble = None
    air.twin.received = lambda data: None
    air.fault()  # asks
    read = []
    for piece in (EXAMPLE[:split], EXAMPLE[split:]):
        air.twin.stage.line.send(piece)
        air.clock.advance(0.05)
        read.append(values(air.poll()))
    assert read == [[], [("co2_ppm", 400.0)]]


def test_a_reading_each_interval(rig) -> None:
    air = rig("s8", bus=BUS)
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
    air = rig("s8", bus=BUS, self_calibration=wanted)
    air.twin.period_h = had_h
    assert air.poll(20.0)
    air.driver.open()
    air.poll(20.0)
    assert (air.twin.period_h, air.twin.written) == (has_h, written)


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [
        (0x01, "error-flag", "fatal"),
        (0x02, "error-flag", "offset regulation"),
        (0x04, "error-flag", "algorithm"),
        (0x08, "error-flag", "output"),
        (0x10, "error-flag", "self-diagnostics"),
        (0x20, "out-of-range", "out of range"),
        (0x40, "error-flag", "memory"),
        (0x21, "error-flag", "fatal, out of range"),
    ],
)
def test_its_status_bits_are_faults(rig, status: int, code: str, word: str) -> None:
    air = opened(rig)
    air.twin.status = status
    air.fault(1.0)
    fault = air.fault(12.0)
    assert fault.code == code
    assert word in fault.text["en"]
    air.twin.status = 0
    codes(air, 8)
    assert air.poll(7.0)


@pytest.mark.parametrize("raw", [-1, -40, -32768, 0, 10001])
def test_small_negatives_and_nothing_are_refused(rig, raw: int) -> None:
    air = opened(rig)
    air.twin.raw_co2 = raw
    fault = air.fault(12.0)
    assert fault.code == "out-of-range"
    assert str(raw) in fault.text["en"]


@pytest.mark.parametrize(("raw", "quality"), [(1, "suspect"), (249, "suspect"), (250, "good"), (10000, "good")])
def test_how_far_to_believe_it(rig, raw: int, quality: str) -> None:
    air = opened(rig)
    air.poll(6.0)
    air.twin.raw_co2 = raw
    co2 = air.poll(12.0)[-1]
    assert (co2.value, co2.quality) == (raw, quality)


@pytest.mark.parametrize("works", [True, False])
def test_a_calibration_tells_how_it_went(rig, works: bool) -> None:
    air = opened(rig)
    air.twin.calibrates = works
    air.driver.act("calibrate", {})
    readings = air.poll(60.0)
    told = [reading for reading in readings if reading.quantity == "calibrated"]
    assert [reading.value for reading in told] == [works]
    assert len(readings) > 8  # it went on measuring
    assert [reading for reading in air.poll(30.0) if reading.quantity == "calibrated"] == []


def test_anything_else_it_cannot_do(rig) -> None:
    with pytest.raises(ValueError, match="print"):
        opened(rig).driver.act("print", {})


def test_one_that_sleeps_is_woken(rig) -> None:
    air = rig("s8", bus=BUS)
    air.twin.sleeps = True
    assert codes(air, 3) == ["no-answer"]
    assert codes(air, 60) == []
    assert air.poll(20.0)


def test_a_refusal_is_told_and_does_not_hold_up_the_rest(rig) -> None:
    air = rig("s8", bus=BUS)
    normal = air.twin.answer
    air.twin.answer = lambda frame: normal(frame) if frame[1] == 4 else bytes([0xFE, frame[1] | 0x80, 1])
    fault = air.fault(5.0)
    assert fault.code == "error-flag"
    assert "exception 1" in fault.text["en"]
    assert air.poll(20.0)


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
    air.poll(6.0)
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
    air = rig("s8", bus=BUS, interval_s=60.0)
    air.twin.source = lambda: (800.0, 25.0, 40.0)
    ages = [reading for reading in air.poll(7500.0, every=5.0) if reading.quantity == "baseline_age_s"]
    assert [round(reading.value, -2) for reading in ages] == [3600, 7200]


@pytest.mark.parametrize("changed", [{"interval_s": 1.0}, {"interval_s": 61.0}, {"bus": "i2c-1"}])
def test_wrong_settings_are_refused(rig, changed: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(changed))):
        rig("s8", **{"bus": BUS, **changed})
