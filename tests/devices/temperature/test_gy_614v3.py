"""GY-614V3: its frames, the registers that have to be set, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.faults import DeviceFault
from devices.part import find_part
from devices.reading import Reading
from devices.serialport import Deframer
from devices.temperature.gy_614v3 import Gy614V3
from devices.temperature.gy_614v3_twin import frame
from devices.temperature.streaming import is_right
from devices.world.twin import Trouble

BUS = "/dev/ttyAMA0"
# E 0.95, 36.50, 27.00, body 36.80; sum by hand: A4+03+07+07+5F+0E+42+0A+8C+0E+60 = 268
EXAMPLE = bytes.fromhex("a40307075f0e420a8c0e6068")
SPOKEN = [("object_celsius", 36.5), ("ambient_celsius", 27.0)]
signed = st.integers(-(2**15), 2**15 - 1)


def values(readings: list[Reading]) -> list[tuple[str, object]]:
    return [(reading.quantity, reading.value) for reading in readings]


def quiet(rig, **settings):
    """A thermometer whose twin says only what the test says."""
    thermometer = rig("gy-614v3", bus=BUS, **settings)
    thermometer.wires.pump()
    thermometer.twin.power_cycle()
    thermometer.poll(0.1, every=0.05)  # what was under way
    return thermometer


def hear(thermometer, data: bytes) -> list[tuple[str, object]]:
    thermometer.twin.stage.line.send(data)
    return values(thermometer.poll(0.1, every=0.01))


def hear_or_fault(thermometer, data: bytes) -> tuple[list[tuple[str, object]], DeviceFault | None]:
    try:
        return hear(thermometer, data), None
    except DeviceFault as fault:
        return [], fault


def code(thermometer) -> str | None:
    """What is wrong a second later."""
    thermometer.wires.pump()
    thermometer.clock.advance(1.0)
    fault = thermometer.fault()
    return fault.code if fault else None


@pytest.mark.parametrize(
    "logged",
    [
        "a40603 01ae",  # the maker's write example
        "a40307 07b5",  # a public program's question
        "a4030806 fee005ef4c73 46",  # a sister module's answer
        "a4030812 f93dfbcf002a000100010001ddb416bafffa 48",  # another's
    ],
)
def test_the_sum_is_that_of_all_the_bytes_before(logged: str) -> None:
    assert is_right(bytes.fromhex(logged))


def test_what_it_is_told_has_right_sums() -> None:
    assert is_right(Gy614V3.tell[:5])
    assert is_right(Gy614V3.tell[5:])


@pytest.mark.parametrize(
    ("sent", "surface", "ambient"),
    [("a40307075f0e420a8c0e6068", 36.50, 27.00), ("a403070764fc18ffce000a04", -10.00, -0.50)],
)
def test_worked_examples(rig, sent: str, surface: float, ambient: float) -> None:
    assert hear(quiet(rig), bytes.fromhex(sent)) == [("object_celsius", surface), ("ambient_celsius", ambient)]


@given(surface=signed, ambient=signed, body=signed, emissivity=st.integers(1, 100))
def test_words_are_signed(surface: int, ambient: int, body: int, emissivity: int) -> None:
    assert Gy614V3.words(frame(surface, ambient, body, emissivity)) == (surface, ambient)


@given(
    garbage=st.binary(max_size=30).filter(lambda noise: b"\xa4\x03\x07\x07" not in noise),
    parts=st.lists(st.integers(1, 15), max_size=8),
)
def test_a_frame_is_found_behind_any_garbage_in_any_pieces(garbage: bytes, parts: list[int]) -> None:
    frames = Deframer(Gy614V3.cut)
    stream, found = garbage + EXAMPLE, []
    for size in parts:
        found += frames.feed(stream[:size])
        stream = stream[size:]
    assert found + frames.feed(stream) == [EXAMPLE]


@pytest.mark.parametrize("length", range(1, 12))
@pytest.mark.parametrize("emissivity", [75, 95, 100])  # at 0.75 frames that broke off after 6 bytes have a right sum
def test_a_frame_that_broke_off_hides_none_and_invents_none(length: int, emissivity: int) -> None:
    broken, whole = frame(3650, 2300, emissivity=emissivity), frame(3655, 2300, emissivity=emissivity)
    found = Deframer(Gy614V3.cut).feed(broken[:length] + whole)
    assert [one for one in found if is_right(one)] == [whole]


def test_such_a_frame_would_have_been_a_fever() -> None:
    run_together = frame(3650, 2300, emissivity=75)[:6] + frame(3655, 2300, emissivity=75)
    assert is_right(run_together[:12])
    assert Gy614V3.words(run_together[:12]) == (3748, 775)


def test_a_frame_may_be_split_anywhere(rig) -> None:
    thermometer = quiet(rig)
    for split in range(1, len(EXAMPLE)):
        assert hear(thermometer, EXAMPLE[:split]) == []
        assert hear(thermometer, EXAMPLE[split:]) == SPOKEN


def test_every_flipped_bit_is_refused(rig) -> None:
    thermometer = quiet(rig)
    wrong_sums = 0
    for bit in range(len(EXAMPLE) * 8):
        flipped = bytearray(EXAMPLE)
        flipped[bit // 8] ^= 1 << bit % 8
        readings, fault = hear_or_fault(thermometer, bytes(flipped))
        assert readings == []
        assert fault is None or fault.code == "garbled"
        wrong_sums += fault is not None
        thermometer.poll(0.1, every=0.1)
        assert hear(thermometer, EXAMPLE) == SPOKEN
    assert wrong_sums == 8 * 8  # those in words and sum; the others left no frame


@pytest.mark.parametrize("emissivity", [0, 101, 255])
def test_an_impossible_emissivity_is_no_frame(rig, emissivity: int) -> None:
    thermometer = quiet(rig)
    thermometer.twin.stage.line.send(frame(3650, 2300, emissivity=emissivity))
    assert thermometer.fault(seconds=1).code == "garbled"


@pytest.mark.parametrize(("surface", "ambient"), [(-7001, 2300), (3650, 12501), (3650, -4001)])
def test_what_it_cannot_measure_is_a_fault(rig, surface: int, ambient: int) -> None:
    thermometer = quiet(rig)
    thermometer.twin.stage.line.send(frame(surface, ambient))
    assert thermometer.fault(seconds=1).code == "out-of-range"
    assert hear(thermometer, EXAMPLE) == SPOKEN


def test_it_streams_once_it_is_told_and_the_answers_are_no_fault(rig) -> None:
    thermometer = rig("gy-614v3", bus=BUS)
    readings = thermometer.poll(5.0, every=0.05)
    assert len(readings) == pytest.approx(100, abs=4)  # ten frames a second, two readings each
    assert [reading.quantity for reading in readings[:2]] == ["object_celsius", "ambient_celsius"]


def test_a_module_set_to_letters_is_set_to_hex(rig) -> None:
    thermometer = rig("gy-614v3", bus=BUS)
    thermometer.twin.letters = True
    thermometer.twin.power_cycle()
    assert thermometer.poll(1.0, every=0.1)


def test_a_face_is_shown_as_this_lane_shows_it_whatever_the_module_guesses(rig) -> None:
    thermometer = rig("gy-614v3", bus=BUS, offset_c=2.9, offset_from="black body, 2026-03-01")
    thermometer.twin.body_c = 41.0
    thermometer.twin.face(36.6, seconds=2.0)
    faces = [reading for reading in thermometer.poll(1.5, every=0.05) if reading.quantity == "object_celsius"]
    for reading in faces:
        assert reading.value == pytest.approx(36.6, abs=0.3)
        assert reading.value == reading.raw / 100 + 2.9
    ambient = [reading.value for reading in thermometer.poll(5.0, every=0.05) if reading.quantity == "ambient_celsius"]
    assert set(ambient) == {23.0}  # the offset is the face's alone


@pytest.mark.parametrize("raw", [3729, 3730])
def test_the_edge_of_a_fever_keeps_its_raw_word(rig, raw: int) -> None:
    thermometer = rig("gy-614v3", bus=BUS)
    thermometer.twin.raw_object = raw
    surface, _ = thermometer.poll(0.2, every=0.05)[-2:]
    assert (surface.raw, surface.value) == (raw, raw / 100)


def test_a_power_cut_is_survived(rig) -> None:
    thermometer = rig("gy-614v3", bus=BUS, silent_s=2.0)
    thermometer.poll(1.0, every=0.1)
    thermometer.twin.power_cycle()
    assert thermometer.fault(seconds=10).code == "silent"
    assert code(thermometer) is None  # it was told again
    assert thermometer.poll(1.0, every=0.1)


def test_silence_is_named_as_long_as_it_lasts(rig) -> None:
    thermometer = rig("gy-614v3", bus=BUS)
    thermometer.poll(1.0, every=0.1)
    thermometer.wires.suffer("it", Trouble.SILENT)
    assert [code(thermometer) for _ in range(8)] == [None, None, *["silent"] * 6]
    thermometer.wires.recover("it")
    assert [code(thermometer) for _ in range(4)][-1] is None


def test_a_wrong_baud_rate_is_garbled(rig) -> None:
    thermometer = rig("gy-614v3", bus=BUS)
    thermometer.wires.pump()
    thermometer.twin.baud = 115200
    assert [code(thermometer) for _ in range(8)][2:] == ["garbled"] * 6
    thermometer.twin.baud = 9600
    assert [code(thermometer) for _ in range(4)][-1] is None


def test_flipped_bits_are_named_and_end_by_themselves(rig) -> None:
    thermometer = rig("gy-614v3", bus=BUS)
    thermometer.wires.suffer("it", Trouble.GARBLED)
    assert thermometer.fault(seconds=2).code == "garbled"
    thermometer.wires.recover("it")
    assert [code(thermometer) for _ in range(3)][-1] is None


def test_a_stuck_part_repeats_its_words(rig) -> None:
    thermometer = rig("gy-614v3", bus=BUS)
    thermometer.twin.raw_object = 3400
    thermometer.poll(0.5, every=0.1)
    thermometer.wires.suffer("it", Trouble.STUCK)
    thermometer.poll(0.5, every=0.1)
    thermometer.twin.raw_object = 3650
    assert {reading.value for reading in thermometer.poll(2.0, every=0.1)} == {34.0, 23.0}


def test_unplugged_and_plugged_in_again(rig) -> None:
    thermometer = rig("gy-614v3", bus=BUS)
    thermometer.wires.suffer("it", Trouble.UNPLUGGED)
    gone = thermometer.fault()
    assert (gone.code, gone.lost) == ("unplugged", True)
    thermometer.driver.close()
    thermometer.wires.recover("it")
    thermometer.driver = thermometer.build()
    thermometer.driver.open()
    assert thermometer.poll(1.0, every=0.1)


def test_it_is_settings_of_a_lane() -> None:
    with pytest.raises(ValueError, match="offset_c"):
        find_part("gy-614v3").settings(id="it", part="gy-614v3", bus=BUS, offset_c=8.1)
