"""MH-Z19: its frames, what it says while it warms up, and what its line does to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.air.mhz19 import command, cut_frame
from devices.air.mhz19_twin import reply
from devices.faults import DeviceFault
from devices.reading import Quality, Reading
from devices.serialport import Deframer
from devices.world.twin import Trouble

BUS = "/dev/ttyAMA0"
EXAMPLE = bytes.fromhex("ff86026047000000d1")  # Winsen's own: 608 ppm, 31 degC
DONE = bytes.fromhex("ff79010000000000" + "86")  # as logged in letscontrolit/ESPEasy#2394


def values(readings: list[Reading]) -> list[tuple[str, object]]:
    return [(reading.quantity, reading.value) for reading in readings]


def carbon(readings: list[Reading]) -> list[Reading]:
    return [reading for reading in readings if reading.quantity == "co2_ppm"]


def warm(rig, **settings):
    """One that has been open for its three minutes."""
    air = rig("mhz19", bus=BUS, **settings)
    air.poll(185.0)
    return air


def codes(air, seconds: int) -> list[str]:
    """The faults of that many polls, a second apart."""
    found = []
    for _ in range(seconds):
        fault = air.fault()
        found += [fault.code] if fault else []
        air.clock.advance(1.0)
    return found


def test_worked_examples() -> None:
    assert command(0x86) == bytes.fromhex("ff0186000000000079")
    assert command(0x79, 0xA0) == bytes.fromhex("ff0179a000000000e6")
    assert command(0x79, 0x00) == bytes.fromhex("ff0179000000000086")
    assert reply(608, 31) == EXAMPLE
    for sent in (EXAMPLE, DONE, bytes.fromhex("ff8601020000000077")):
        assert cut_frame(sent) == (9, sent)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("ff86026047000000d1", [("co2_ppm", 608.0), ("celsius", 31.0)]),
        ("ff8601020000000077", [("co2_ppm", 258.0)]),  # one that has no temperature
    ],
)
def test_what_the_examples_say(rig, sent: str, said: list) -> None:
    air = warm(rig)
    air.poll(6.0)
    air.twin._answer = lambda: bytes.fromhex(sent)
    assert values(air.poll(12.0))[-len(said) :] == said


@given(bit=st.integers(0, 71))
def test_every_flipped_bit_is_refused(bit: int) -> None:
    flipped = bytearray(EXAMPLE)
    flipped[bit // 8] ^= 1 << bit % 8
    assert Deframer(cut_frame).feed(bytes(flipped)) == []


@given(garbage=st.binary(max_size=30), parts=st.lists(st.integers(1, 12), max_size=8))
def test_a_frame_is_found_behind_any_garbage_in_any_pieces(garbage: bytes, parts: list[int]) -> None:
    frames, stream, found = Deframer(cut_frame), garbage + EXAMPLE, []
    for size in parts:
        found += frames.feed(stream[:size])
        stream = stream[size:]
    assert (found + frames.feed(stream))[-1] == EXAMPLE


@pytest.mark.parametrize("garbage", [b"\x12\x00", b"\xff", b"\xff\xff", b"\xff\x86", b"\xff\x86\x01", DONE, DONE[:5]])
def test_shifted_frames_and_late_answers_are_stepped_over(rig, garbage: bytes) -> None:
    """ESPEasy#2394: ff ff 79 1 0 0 0 0 0, and the answer to another question."""
    air = warm(rig)
    air.twin.source = lambda: (608.0, 31.0, 40.0)
    air.twin.stray = garbage
    assert values(air.poll(7.0))[-2:] == [("co2_ppm", 608.0), ("celsius", 31.0)]


@pytest.mark.parametrize("split", range(1, 9))
def test_a_frame_may_be_split_anywhere(rig, split: int) -> None:
    air = warm(rig, interval_s=60.0)
    air.wires.pump()
    air.clock.advance(50.0)
    air.poll()
    for piece, read in ((EXAMPLE[:split], []), (EXAMPLE[split:], [("co2_ppm", 608.0), ("celsius", 31.0)])):
        air.twin.stage.line.send(piece)
        air.clock.advance(0.05)
        assert values(air.poll()) == read


@pytest.mark.parametrize("late_s", [0.0, 0.3, 4.9, None])
def test_readings_come_as_often_as_asked(rig, late_s: float | None) -> None:
    air = rig("mhz19", bus=BUS)
    air.twin.late_s = late_s
    assert carbon(air.poll(179.0)) == []  # nobody tells how long it has been on
    readings = air.poll(60.0)
    assert len(readings) == pytest.approx(2 * 60 / 5, abs=4)
    assert [reading.quality for reading in readings[:2]] == [Quality.GOOD, Quality.SUSPECT]
    assert readings[0].raw == 450
    assert all(type(reading.value) is float for reading in readings)


@pytest.mark.parametrize("wanted", [True, False])
def test_self_calibration_is_told_at_once_and_once(rig, wanted: bool) -> None:
    air = rig("mhz19", bus=BUS, self_calibration=wanted)
    air.twin.self_calibration = not wanted
    air.poll(30.0)
    assert (air.twin.self_calibration, air.twin.told) == (wanted, 1)


def test_after_a_short_loss_of_power_its_nonsense_is_not_read(rig) -> None:
    """pmsensor#8: a bad checksum, 1215 twice, 410 for a minute; esphome#588: U = 15000 tells."""
    air = warm(rig, self_calibration=False)
    air.twin.source = lambda: (700.0, 25.0, 40.0)
    told = after_power_loss(air, 220)
    assert {reading.value for reading in carbon(told)} == {700.0}
    assert 180.0 < carbon(told)[0].at - air.began < 200.0
    assert told[0].at - air.began < 20.0  # its temperature shows that it is there
    assert not air.twin.self_calibration  # it was told again


def test_a_unit_without_that_mark_is_not_believed_meanwhile(rig) -> None:
    air = warm(rig)
    air.twin.marks = False
    air.twin.source = lambda: (700.0, 25.0, 40.0)
    told = after_power_loss(air, 200)
    assert {reading.value for reading in carbon(told) if reading.quality is Quality.GOOD} == {700.0}
    assert {1215.0, 410.0} < {reading.value for reading in told}


def after_power_loss(air, seconds: int) -> list[Reading]:
    """What is read in that many seconds after its supply was interrupted for a moment."""
    air.poll(1.0)
    air.twin.power_cycle()
    air.began, told, found = air.clock.monotonic(), [], set()
    for _ in range(seconds):
        try:
            told += air.poll()
        except DeviceFault as fault:
            found.add(fault.code)
        air.clock.advance(1.0)
    assert found == {"garbled"}
    return told


def test_boot_without_a_mark_is_known_by_the_silence_before_it(rig) -> None:
    air = warm(rig)
    air.wires.suffer("it", Trouble.SILENT)
    assert "no-answer" in codes(air, 30)
    air.wires.recover("it")
    air.twin._on_since = -1e6  # by now it says nothing wrong any more
    assert carbon(air.poll(170.0)) == []
    assert carbon(air.poll(30.0))


def test_one_lost_answer_costs_no_warm_up(rig) -> None:
    air = warm(rig)
    air.wires.suffer("it", Trouble.SILENT)
    while not codes(air, 1):
        pass
    air.twin.trouble = None
    assert carbon(air.poll(7.0))


@pytest.mark.parametrize(("ppm", "quality"), [(1, "suspect"), (249, "suspect"), (250, "good"), (10000, "good")])
def test_how_far_to_believe_it(rig, ppm: int, quality: str) -> None:
    air = warm(rig)
    air.twin.source = lambda: (ppm, 22.0, 45.0)
    co2 = air.poll(7.0)[-2]
    assert (co2.value, co2.quality) == (ppm, quality)


@pytest.mark.parametrize("ppm", [0, 10001, 65535])
def test_what_it_cannot_measure_is_a_fault(rig, ppm: int) -> None:
    air = warm(rig)
    air.twin.source = lambda: (ppm, 22.0, 45.0)
    assert air.fault(15.0).code == "out-of-range"
    air.twin.source = lambda: (450.0, 22.0, 45.0)
    assert air.poll(10.0)


def test_silence_is_told_again_and_again_and_ends(rig) -> None:
    air = warm(rig)
    air.wires.suffer("it", Trouble.SILENT)
    found = codes(air, 40)
    assert len(found) >= 6
    assert set(found) == {"no-answer"}
    air.wires.recover("it")
    codes(air, 10)
    assert codes(air, 60) == []


def test_asked_rarely_a_missing_answer_is_asked_for_sooner(rig) -> None:
    air = warm(rig, interval_s=60.0)
    air.wires.suffer("it", Trouble.SILENT)
    assert len(codes(air, 90)) >= 5


def test_flipped_bits_and_a_wrong_baud_rate_are_garbled(rig) -> None:
    air = warm(rig)
    air.wires.suffer("it", Trouble.GARBLED)
    assert air.fault(30.0).code == "garbled"
    air.wires.recover("it")
    codes(air, 6)
    assert carbon(air.poll(200.0))
    air.twin.baud = 115200
    assert set(codes(air, 30)) <= {"garbled", "no-answer"}  # it may not even understand the question
    air.twin.baud = 9600
    codes(air, 6)
    assert carbon(air.poll(200.0))


def test_a_stuck_part_repeats_itself(rig) -> None:
    air = warm(rig)
    air.wires.suffer("it", Trouble.STUCK)
    air.poll(7.0)
    air.twin.source = lambda: (900.0, 25.0, 40.0)
    assert {reading.value for reading in air.poll(30.0)} == {450.0, 22.0}


def test_unplugged_and_plugged_in_again(rig) -> None:
    air = warm(rig)
    air.wires.suffer("it", Trouble.UNPLUGGED)
    gone = air.fault()
    assert (gone.code, gone.lost) == ("unplugged", True)
    air.driver.close()
    air.wires.recover("it")
    air.driver = air.build()
    air.driver.open()
    codes(air, 8)  # one wrong sum while it boots
    assert carbon(air.poll(260.0))


def test_the_age_of_its_baseline_is_told(rig) -> None:
    air = rig("mhz19", bus=BUS, interval_s=60.0)
    air.twin.source = lambda: (800.0, 25.0, 40.0)
    ages = [reading for reading in air.poll(7500.0, every=5.0) if reading.quantity == "baseline_age_s"]
    assert [round(reading.value, -2) for reading in ages] == [3600, 7200]


@pytest.mark.parametrize("changed", [{"interval_s": 1.0}, {"interval_s": 61.0}, {"warm_up_s": 10.0}, {"bus": "i2c-1"}])
def test_wrong_settings_are_refused(rig, changed: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(changed))):
        rig("mhz19", **{"bus": BUS, **changed})
