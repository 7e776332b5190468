"""GY-MCU90614: its frames, the stream that has to be asked for, and what is refused."""

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devices.faults import DeviceFault
from devices.reading import Reading
from devices.serialport import Deframer
from devices.temperature import mlx90614
from devices.temperature.gy_mcu90614 import GyMcu90614
from devices.temperature.gy_mcu90614_twin import frame
from devices.temperature.streaming import StreamingSettings, is_right
from devices.world.twin import Trouble

BUS = "/dev/ttyAMA0"
EXAMPLE = bytes.fromhex("5a5a45040e420a8ce3")
SPOKEN = [("object_celsius", 36.5), ("ambient_celsius", 27.0)]
signed = st.integers(-(2**15), 2**15 - 1)


def values(readings: list[Reading]) -> list[tuple[str, object]]:
    return [(reading.quantity, reading.value) for reading in readings]


def quiet(rig, **settings):
    """A thermometer whose twin says only what the test says."""
    thermometer = rig("gy-mcu90614", bus=BUS, **settings)
    thermometer.wires.pump()
    thermometer.twin.power_cycle()
    thermometer.poll(0.05, every=0.05)  # the one frame that was under way
    return thermometer


def hear(thermometer, data: bytes) -> list[tuple[str, object]]:
    thermometer.twin.stage.line.send(data)
    return values(thermometer.poll(0.1, every=0.01))


def hear_or_fault(thermometer, data: bytes) -> tuple[list[tuple[str, object]], DeviceFault | None]:
    try:
        return hear(thermometer, data), None
    except DeviceFault as fault:
        return [], fault


@pytest.mark.parametrize(
    ("sent", "surface", "ambient"),
    [
        ("5a5a45040e420a8ce3", 36.50, 27.00),  # the makers' form, sum recomputed
        ("5a5a45040c780d19a7", 31.92, 33.53),  # example in a public STM32 driver ("infrared-GY-MCU90614", 2017)
        ("5a5a4504fc18ffcede", -10.00, -0.50),  # signed words, sum computed by hand
    ],
)
def test_worked_examples(rig, sent: str, surface: float, ambient: float) -> None:
    assert hear(quiet(rig), bytes.fromhex(sent)) == [("object_celsius", surface), ("ambient_celsius", ambient)]


@given(surface=signed, ambient=signed)
def test_words_are_signed(surface: int, ambient: int) -> None:
    assert GyMcu90614.words(frame(surface, ambient)) == (surface, ambient)


@given(
    garbage=st.binary(max_size=30).filter(lambda noise: b"\x5a\x5a\x45\x04" not in noise),
    parts=st.lists(st.integers(1, 12), max_size=8),
)
def test_a_frame_is_found_behind_any_garbage_in_any_pieces(garbage: bytes, parts: list[int]) -> None:
    frames = Deframer(GyMcu90614.cut)
    stream, found = garbage + EXAMPLE, []
    for size in parts:
        found += frames.feed(stream[:size])
        stream = stream[size:]
    assert found + frames.feed(stream) == [EXAMPLE]


@given(length=st.integers(1, 8), broken=signed, surface=signed, ambient=st.integers(-4000, 12500))
@example(length=5, broken=0x0E42, surface=0x0E42, ambient=0x0A8C)  # 5A5A45040E 5A5A4504: the sum is right
def test_two_frames_run_together_invent_no_temperature(length: int, broken: int, surface: int, ambient: int) -> None:
    told = set()
    for found in Deframer(GyMcu90614.cut).feed(frame(broken, ambient)[:length] + frame(surface, ambient) + EXAMPLE):
        if is_right(found):
            told.add(GyMcu90614.words(found)[0])
    assert 3650 in told
    assert told <= {broken, surface, 3650}


@pytest.mark.parametrize("length", [1, 2, 3, 4, 6, 7, 8])
def test_a_frame_that_broke_off_hides_none(length: int) -> None:
    assert Deframer(GyMcu90614.cut).feed(EXAMPLE[:length] + EXAMPLE)[-1] == EXAMPLE


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
    assert wrong_sums == 5 * 8  # those in words and sum; the others left no frame


def test_it_streams_once_it_is_told(rig) -> None:
    thermometer = rig("gy-mcu90614", bus=BUS)
    readings = thermometer.poll(5.0, every=0.05)
    assert len(readings) == pytest.approx(100, abs=4)  # ten frames a second, two readings each
    assert [reading.quantity for reading in readings[:2]] == ["object_celsius", "ambient_celsius"]


def test_a_face_is_shown_as_this_lane_shows_it(rig) -> None:
    thermometer = rig("gy-mcu90614", bus=BUS, offset_c=2.9, offset_from="black body, 2026-03-01")
    thermometer.twin.face(36.6, seconds=2.0)
    faces = [reading for reading in thermometer.poll(1.5, every=0.05) if reading.quantity == "object_celsius"]
    for reading in faces:
        assert reading.value == pytest.approx(36.6, abs=0.3)
        assert reading.value == reading.raw / 100 + 2.9
    ambient = [reading.value for reading in thermometer.poll(5.0, every=0.05) if reading.quantity == "ambient_celsius"]
    assert set(ambient) == {23.0}  # the offset is the face's alone


@pytest.mark.parametrize("raw", [3729, 3730])
def test_the_edge_of_a_fever_keeps_its_raw_word(rig, raw: int) -> None:
    thermometer = rig("gy-mcu90614", bus=BUS)
    thermometer.twin.raw_object = raw
    surface, _ = thermometer.poll(0.1, every=0.05)[-2:]
    assert (surface.raw, surface.value) == (raw, raw / 100)


@pytest.mark.parametrize(("surface", "ambient"), [(-7001, 2300), (3650, 12501), (3650, -4001)])
def test_what_it_cannot_measure_is_a_fault(rig, surface: int, ambient: int) -> None:
    thermometer = quiet(rig)
    thermometer.twin.stage.line.send(frame(surface, ambient))
    assert thermometer.fault(seconds=1).code == "out-of-range"
    assert hear(thermometer, EXAMPLE) == SPOKEN


def test_a_good_frame_beside_a_damaged_one_is_not_lost(rig) -> None:
    thermometer = quiet(rig)
    damaged = EXAMPLE[:-1] + b"\xe4"
    thermometer.twin.stage.line.send(damaged + EXAMPLE)
    thermometer.clock.advance(0.1)
    assert values(thermometer.poll()) == SPOKEN
    assert thermometer.poll() == []
    thermometer.twin.stage.line.send(EXAMPLE + damaged)
    thermometer.clock.advance(0.1)
    assert values(thermometer.poll()) == SPOKEN
    assert thermometer.fault().code == "garbled"
    assert thermometer.poll() == []


def test_an_identity_byte_after_each_frame_is_no_fault(rig) -> None:
    thermometer = quiet(rig)
    for _ in range(60):
        assert hear(thermometer, EXAMPLE + b"\x14") == SPOKEN


def test_a_power_cut_is_survived(rig) -> None:
    thermometer = rig("gy-mcu90614", bus=BUS, silent_s=2.0)
    thermometer.poll(1.0, every=0.1)
    thermometer.twin.power_cycle()
    assert thermometer.fault(seconds=10).code == "silent"
    assert code(thermometer) is None  # it was told again
    assert thermometer.poll(1.0, every=0.1)


def test_silence_is_named_as_long_as_it_lasts(rig) -> None:
    thermometer = rig("gy-mcu90614", bus=BUS)
    thermometer.poll(1.0, every=0.1)
    thermometer.wires.suffer("it", Trouble.SILENT)
    assert [code(thermometer) for _ in range(8)] == [None, None, *["silent"] * 6]
    thermometer.wires.recover("it")
    assert [code(thermometer) for _ in range(4)][-1] is None
    assert thermometer.poll(1.0, every=0.1)


def code(thermometer) -> str | None:
    """What is wrong a second later."""
    thermometer.wires.pump()
    thermometer.clock.advance(1.0)
    fault = thermometer.fault()
    return fault.code if fault else None


def test_half_a_frame_is_nothing_and_then_silence(rig) -> None:
    thermometer = quiet(rig)
    assert hear(thermometer, EXAMPLE[:5]) == []
    assert thermometer.fault(seconds=5).code == "silent"


def test_a_wrong_baud_rate_is_garbled(rig) -> None:
    thermometer = rig("gy-mcu90614", bus=BUS)
    thermometer.wires.pump()
    thermometer.twin.baud = 115200
    assert [code(thermometer) for _ in range(8)][2:] == ["garbled"] * 6
    thermometer.twin.baud = 9600
    assert [code(thermometer) for _ in range(4)][-1] is None


def test_a_bad_line_that_dies_is_silent(rig) -> None:
    thermometer = rig("gy-mcu90614", bus=BUS)
    thermometer.wires.pump()
    thermometer.twin.baud = 115200
    for _ in range(5):
        code(thermometer)
    thermometer.wires.suffer("it", Trouble.SILENT)
    assert [code(thermometer) for _ in range(6)] == [*["garbled"] * 2, *["silent"] * 4]


def test_opening_forgets_half_a_frame(rig) -> None:
    thermometer = quiet(rig)
    hear(thermometer, EXAMPLE[:5])
    thermometer.driver.open()
    assert SPOKEN[0] not in hear(thermometer, EXAMPLE[5:])


def test_flipped_bits_are_named_and_end_by_themselves(rig) -> None:
    thermometer = rig("gy-mcu90614", bus=BUS)
    thermometer.wires.suffer("it", Trouble.GARBLED)
    assert thermometer.fault(seconds=2).code == "garbled"
    thermometer.wires.recover("it")
    assert [code(thermometer) for _ in range(3)][-1] is None


def test_a_stuck_part_repeats_its_words(rig) -> None:
    thermometer = rig("gy-mcu90614", bus=BUS)
    thermometer.wires.suffer("it", Trouble.STUCK)
    thermometer.poll(0.5, every=0.1)
    thermometer.twin.face(36.6, seconds=10.0)
    assert len({reading.value for reading in thermometer.poll(2.0, every=0.1)}) == 2


def test_unplugged_and_plugged_in_again(rig) -> None:
    thermometer = rig("gy-mcu90614", bus=BUS)
    thermometer.wires.suffer("it", Trouble.UNPLUGGED)
    gone = thermometer.fault()
    assert (gone.code, gone.lost) == ("unplugged", True)
    thermometer.driver.close()
    thermometer.wires.recover("it")
    thermometer.driver = thermometer.build()
    thermometer.driver.open()
    assert thermometer.poll(1.0, every=0.1)


def test_both_thermometers_have_the_same_lane() -> None:
    for name in ("offset_c", "offset_from"):
        mine, other = (getattr(attrs.fields(kind), name) for kind in (StreamingSettings, mlx90614.Settings))
        assert (mine.default, mine.validator) == (other.default, other.validator)
    with pytest.raises(ValueError, match="offset_c"):
        StreamingSettings(id="it", part="gy-mcu90614", bus=BUS, offset_c=8.1)
