"""MLX90614: the words on the bus, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.faults import DeviceFault
from devices.temperature.mlx90614 import celsius, word
from devices.world.twin import Trouble


@pytest.mark.parametrize(
    ("command", "reply", "degrees"),
    [
        (0x07, "d23a30", 28.01),  # Melexis application note
        (0x07, "7a3c92", 36.49),
        (0x06, "e139e9", 23.19),
        (0x07, "263a70", 24.57),
    ],
)
def test_worked_examples(command: int, reply: str, degrees: float) -> None:
    raw = word(0x5A, command, bytes.fromhex(reply))
    assert celsius(raw, (-70, 382.2)) == pytest.approx(degrees)


@given(bit=st.integers(0, 23))
def test_every_flipped_bit_is_refused(bit: int) -> None:
    reply = bytearray.fromhex("7a3c92")
    reply[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DeviceFault) as fault:
        word(0x5A, 0x07, bytes(reply))
    assert fault.value.code == "garbled"


def test_ffff_with_a_good_pec_is_the_error_flag_not_a_fever() -> None:
    with pytest.raises(DeviceFault) as fault:
        word(0x5A, 0x07, bytes.fromhex("ffff22"))
    assert fault.value.code == "error-flag"


@pytest.mark.parametrize(("raw", "degrees"), [(15522, 37.29), (15523, 37.31)])
def test_the_edge_of_a_fever_keeps_its_raw_word(rig, raw: int, degrees: float) -> None:
    thermometer = rig("mlx90614")
    thermometer.twin.raw_object = raw
    surface, ambient = thermometer.poll()
    assert (surface.raw, surface.value) == (raw, pytest.approx(degrees))
    assert ambient.value == pytest.approx(23.0, abs=0.011)


def test_the_offset_is_added_to_the_object_alone(rig) -> None:
    thermometer = rig("mlx90614", offset_c=2.9, offset_from="black body, 2026-03-01")
    thermometer.twin.raw_object = 15375  # 34.35
    surface, ambient = thermometer.poll()
    assert surface.value == pytest.approx(37.25)
    assert ambient.value == pytest.approx(23.0, abs=0.011)


@pytest.mark.parametrize(("trouble", "code"), [(Trouble.UNPLUGGED, "no-answer"), (Trouble.GARBLED, "garbled")])
def test_trouble_is_named_and_ends_by_itself(rig, trouble: Trouble, code: str) -> None:
    thermometer = rig("mlx90614")
    thermometer.wires.suffer("it", trouble)
    assert thermometer.fault(seconds=1).code == code
    thermometer.wires.recover("it")
    assert len(thermometer.poll()) == 2
