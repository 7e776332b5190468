"""AMG8833: two encodings, somebody and nobody, and a fever that it cannot see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.faults import DeviceFault
from devices.part import find_part
from devices.temperature.amg8833 import pixels_celsius, thermistor_celsius
from devices.world.twin import Trouble


@pytest.mark.parametrize(
    ("word", "degrees"),
    [(0x7D0, 125.0), (0x190, 25.0), (0x004, 0.25), (0x000, 0.0), (0x804, -0.25), (0x940, -20.0)],
)
def test_the_thermistor_is_sign_and_magnitude(word: int, degrees: float) -> None:
    assert thermistor_celsius(word.to_bytes(2, "little")) == degrees


@pytest.mark.parametrize(
    ("word", "degrees"),
    [(0x1F4, 125.0), (0x064, 25.0), (0x001, 0.25), (0x000, 0.0), (0xFFF, -0.25), (0xF9C, -25.0), (0xF24, -55.0)],
)
def test_the_pixels_are_twos_complements(word: int, degrees: float) -> None:
    assert pixels_celsius(word.to_bytes(2, "little")) == [degrees]


@given(word=st.integers(0, 0xFFF), above=st.integers(0, 0xF))
def test_the_bits_above_the_twelve_are_not_relied_on(word: int, above: int) -> None:
    plain, marked = word.to_bytes(2, "little"), (word | above << 12).to_bytes(2, "little")
    assert thermistor_celsius(plain) == thermistor_celsius(marked)
    assert pixels_celsius(plain) == pixels_celsius(marked)


def presences(sensor, seconds: float) -> list[bool]:
    return [reading.value for reading in sensor.poll(seconds) if reading.quantity == "presence"]


def test_nobody_somebody_nobody(rig) -> None:
    sensor = rig("amg8833")
    assert presences(sensor, 20) == [False]
    sensor.twin.stand(30.0)
    assert presences(sensor, 20) == [True]
    assert presences(sensor, 20) == [False]
    assert presences(sensor, 60) == []


def test_what_it_says_besides(rig) -> None:
    sensor = rig("amg8833")
    sensor.twin.ambient_c = -0.25
    sensor.twin.stand(5.0, celsius=34.0)
    _, warmest, ambient = sensor.poll()
    assert warmest.quantity == "warmest_celsius"
    assert warmest.value == pytest.approx(34.0, abs=1.0)
    assert (ambient.quantity, ambient.value) == ("ambient_celsius", -0.25)
    assert not [reading for reading in sensor.poll(5) if reading.quantity in ("object_celsius", "face_celsius")]


def test_who_stands_close_and_fills_most_of_the_picture_is_seen(rig) -> None:
    sensor = rig("amg8833")
    sensor.twin.stand(60.0, pixels=46)
    assert presences(sensor, 30) == [True]


def test_one_warm_pixel_is_nobody(rig) -> None:
    sensor = rig("amg8833")
    sensor.twin.stand(60.0, pixels=2)
    assert presences(sensor, 30) == [False]


def test_a_hall_that_warms_up_is_nobody(rig) -> None:
    sensor = rig("amg8833", interval_s=5.0)
    seen = []
    for step in range(80):  # 12 degrees in an hour and more
        sensor.twin.floor_c = 18 + step * 0.15
        seen += presences(sensor, 60)
    assert seen == [False]


def test_a_short_gap_is_held(rig) -> None:
    sensor = rig("amg8833", hold_s=5.0)
    sensor.twin.stand(10.0)
    assert presences(sensor, 13) == [True]
    sensor.twin.stand(10.0)
    assert presences(sensor, 10) == []


def test_it_is_refused_as_a_fever_source_with_the_reason() -> None:
    with pytest.raises(ValueError, match="fever source") as refused:
        find_part("amg8833").settings(id="it", part="amg8833", fever_source=True)
    assert "±2.5" in refused.value.args[0]["zh"]
    assert "±2.5" in refused.value.args[0]["en"]


@pytest.mark.parametrize("address", [0x67, 0x6A])
def test_there_are_two_addresses(address: int) -> None:
    with pytest.raises(ValueError, match="address"):
        find_part("amg8833").settings(id="it", part="amg8833", address=address)


def test_the_other_address(rig) -> None:
    assert rig("amg8833", address=0x68).poll()


@pytest.mark.parametrize("word", [0x141, 0x7FF])  # 80.25, 511.75
def test_what_it_cannot_measure_is_a_fault(rig, word: int) -> None:
    sensor = rig("amg8833")
    sensor.twin.pixels[10] = word
    assert sensor.fault(seconds=1).code == "out-of-range"
    sensor.twin.pixels.clear()
    sensor.clock.advance(0.2)
    assert sensor.poll(1)


def test_a_cold_drink_is_no_fault(rig) -> None:
    sensor = rig("amg8833")
    sensor.twin.pixels[10] = 0xFD8  # -10
    sensor.clock.advance(0.2)
    assert presences(sensor, 5) == [False]


def test_a_part_that_fell_asleep_is_woken_by_opening_it_anew(rig) -> None:
    sensor = rig("amg8833")
    sensor.poll(5)
    sensor.twin.fall_asleep()
    assert sensor.fault(seconds=60).code == "silent"
    sensor.driver.open()
    assert sensor.fault(seconds=60) is None


@pytest.mark.parametrize("trouble", [Trouble.SILENT, Trouble.STUCK])
def test_a_picture_that_stands_still_is_a_fault(rig, trouble: Trouble) -> None:
    sensor = rig("amg8833")
    sensor.poll(5)
    sensor.wires.suffer("it", trouble)
    assert sensor.fault(seconds=60).code == "silent"
    sensor.wires.recover("it")
    assert sensor.fault(seconds=60) is None


@pytest.mark.parametrize("trouble", [Trouble.UNPLUGGED, Trouble.BUSY])
def test_trouble_is_named_and_ends_by_itself(rig, trouble: Trouble) -> None:
    sensor = rig("amg8833")
    sensor.wires.suffer("it", trouble)
    assert sensor.fault(seconds=2).code == "no-answer"
    sensor.wires.recover("it")
    sensor.driver.open()
    assert presences(sensor, 5) == [False]


def test_flipped_bits_make_nobody_appear(rig) -> None:
    sensor = rig("amg8833")
    sensor.poll(5)
    sensor.wires.suffer("it", Trouble.GARBLED)
    seen, codes = [], set()
    for _ in range(200):
        sensor.clock.advance(0.5)
        try:
            seen += [reading for reading in sensor.driver.poll() if reading.quantity == "presence"]
        except DeviceFault as bad:
            codes.add(bad.code)
    assert seen == []
    assert codes <= {"out-of-range"}
