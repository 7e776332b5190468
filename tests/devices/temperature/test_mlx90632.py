"""MLX90632: the maker's own vectors, the order of its measurements, and what is refused."""

import attrs
import pytest

from devices.faults import DeviceFault
from devices.temperature.mlx90632 import (
    Constants,
    ambient_signal,
    constants,
    object_celsius,
    object_signal,
    sensor_celsius,
)
from devices.temperature.mlx90632_twin import _eeprom
from devices.world.twin import Trouble

# melexis/mlx90632-library test/TestDSP.c
UNIT = Constants(
    p_r=0x00587F5B / 2**8,
    p_g=0x04A10289 / 2**20,
    p_t=(0xFFF966F8 - 2**32) / 2**44,
    p_o=0x00001E0F / 2**8,
    e_a=4859535 / 2**16,
    e_b=5686508 / 2**8,
    f_a=53855361 / 2**46,
    f_b=42874149 / 2**36,
    g_a=-14556410 / 2**36,
    g_b=9728 / 2**10,
    k_a=10752 / 2**10,
    h_a=16384 / 2**14,
    h_b=0.0,
)


@pytest.mark.parametrize(
    ("thermistor", "reference", "signal", "celsius"),
    [(22454, 23030, 24041.27, 48.724), (100, 150, 19065.018, -18.734), (32767, 32766, 24385.9, 53.350)],
)
def test_the_makers_ambient_vectors(thermistor: int, reference: int, signal: float, celsius: float) -> None:
    a = ambient_signal(UNIT, thermistor, reference)
    assert a == pytest.approx(signal, abs=0.01)
    assert sensor_celsius(UNIT, a) == pytest.approx(celsius, abs=0.01)


@pytest.mark.parametrize(
    ("infrared", "signal"), [(3238, 3314.89), (150, 153.562), (-150, -153.562), (-32767, -33545.08), (32767, 33545.08)]
)
def test_the_makers_signal_vectors(infrared: int, signal: float) -> None:
    assert object_signal(UNIT, infrared, 22454, 23030) == pytest.approx(signal, abs=0.01)


OBJECT_VECTORS = [
    (610, 55.507),
    (150, 51.123),
    (-150, 48.171),
    (-148, 48.192),
    (32767, 212.844),
    (-5000, -16.653),
    (26900, 193.917),
    (27100, 194.599),
]


@pytest.mark.parametrize(("infrared", "celsius"), OBJECT_VECTORS)
def test_the_makers_object_vectors(infrared: int, celsius: float) -> None:
    """Cut down to whole numbers between the steps, as his library does; and without, as ours."""
    s, a = object_signal(UNIT, infrared, 22454, 23030), ambient_signal(UNIT, 22454, 23030)
    assert object_celsius(UNIT, int(s), int(a), 1.0) == pytest.approx(celsius, abs=0.01)
    assert object_celsius(UNIT, s, a, 1.0) == pytest.approx(celsius, abs=0.03)


@pytest.mark.parametrize(
    ("infrared", "celsius"), [(610, 45.495), (150, 41.121), (-150, 38.174), (32767, 202.628), (-5000, -26.457)]
)
def test_the_makers_vectors_with_a_customers_offset(infrared: int, celsius: float) -> None:
    unit = attrs.evolve(UNIT, h_b=10240 / 2**10)
    s, a = object_signal(unit, infrared, 22454, 23030), ambient_signal(unit, 22454, 23030)
    assert object_celsius(unit, int(s), int(a), 1.0) == pytest.approx(celsius, abs=0.01)


def test_constants_have_their_low_word_first_and_a_sign() -> None:
    memory = _eeprom()
    spans = {start: [memory[start + at] for at in range(count)] for start, count in ((0x240C, 8), (0x2424, 12))}
    assert constants(spans | {0x2481: [0x4000, 0x0000]}) == UNIT
    assert constants(spans | {0x2481: [0x4000, 0xFC00]}).h_b == -1.0


def test_a_face_is_shown_as_this_lane_shows_it(rig) -> None:
    thermometer = rig("mlx90632", offset_c=2.9, offset_from="black body, 2026-03-01")
    thermometer.twin.face(36.6, seconds=5.0)
    readings = thermometer.poll(4.0)
    faces = [reading.value for reading in readings if reading.quantity == "object_celsius"]
    assert faces[-1] == pytest.approx(36.6, abs=0.2)
    ambient = [reading.value for reading in readings if reading.quantity == "ambient_celsius"]
    assert ambient == [pytest.approx(23.0, abs=0.01)] * len(faces)


@pytest.mark.parametrize("ambient", [-10.0, 10.0, 35.0, 60.0])
def test_over_the_range_of_its_own_temperature(rig, ambient: float) -> None:
    thermometer = rig("mlx90632", emissivity=0.98)
    thermometer.twin.ambient_c = ambient
    thermometer.twin.face(37.3, seconds=10.0)
    surface, own = thermometer.poll(4.0)[-2:]
    assert surface.value == pytest.approx(37.3, abs=0.2)
    assert own.value == pytest.approx(ambient, abs=0.01)


def test_there_is_a_reading_for_each_measurement_and_none_before_both_positions(rig) -> None:
    thermometer = rig("mlx90632")
    assert thermometer.poll(0.7) == []  # position 1 alone
    assert len(thermometer.poll(10.0)) == pytest.approx(2 * 20, abs=2)  # two a second, two readings each


def test_who_asks_seldom_hears_every_time(rig) -> None:
    thermometer = rig("mlx90632", interval_s=1.0)  # the same position every time
    assert len(thermometer.poll(10.0)) == pytest.approx(2 * 9, abs=2)


def test_raw_is_the_sum_of_the_four_words(rig) -> None:
    thermometer = rig("mlx90632")
    thermometer.twin.raw_object = -250
    surface, _ = thermometer.poll(2.0)[-2:]
    assert surface.raw == -1000


@pytest.mark.parametrize("version", [0x0105, 0x0205, 0x0505, 0x8505])
def test_versions_that_are_worked_out_so(rig, version: int) -> None:
    thermometer = rig("mlx90632", opened=False)
    thermometer.twin.memory[0x240B] = version
    thermometer.driver.open()
    assert thermometer.poll(2.0)


@pytest.mark.parametrize("version", [0x0104, 0x0000, 0xFFFF, 0x0501])
def test_another_version_is_refused(rig, version: int) -> None:
    thermometer = rig("mlx90632", opened=False)
    thermometer.twin.memory[0x240B] = version
    assert opening(thermometer) == "error-flag"


def test_an_empty_calibration_is_refused(rig) -> None:
    thermometer = rig("mlx90632", opened=False)
    thermometer.twin.memory = {0x240B: 0x8505}
    assert opening(thermometer) == "error-flag"


def opening(thermometer) -> str | None:
    with pytest.raises(DeviceFault) as fault:
        thermometer.driver.open()
    return fault.value.code


@pytest.mark.parametrize("control", [0x0002, 0x0000, 0x0116, 0x0004])  # asleep, halted, extended, step by step
def test_whatever_it_was_left_in_it_measures(rig, control: int) -> None:
    thermometer = rig("mlx90632", opened=False)
    thermometer.twin.delivered = control
    thermometer.driver.open()
    assert thermometer.poll(3.0)


def test_a_busy_eeprom_is_waited_for(rig) -> None:
    thermometer = rig("mlx90632", opened=False)
    thermometer.twin.eeprom_busy_s = 0.1
    thermometer.driver.open()
    assert thermometer.poll(3.0)
    thermometer.twin.eeprom_busy_s = 5.0
    assert opening(thermometer) == "silent"


def test_a_brown_out_is_survived_and_nothing_old_is_told(rig) -> None:
    thermometer = rig("mlx90632")
    thermometer.poll(3.0)
    thermometer.twin.brown_out()
    thermometer.twin.face(36.6, seconds=30.0)
    readings = [reading.value for reading in thermometer.poll(5.0) if reading.quantity == "object_celsius"]
    assert readings
    assert min(readings) > 36.0


def test_brown_outs_one_after_another_are_named(rig) -> None:
    thermometer = rig("mlx90632")

    def again() -> None:
        thermometer.twin.brown_out()
        thermometer.twin.stage.at(thermometer.clock.monotonic() + 0.4, again)

    again()
    fault = thermometer.fault(seconds=10)
    assert fault.code == "silent"
    assert "brown-outs" in fault.text["en"]


def test_flipped_bits_make_no_fever(rig) -> None:
    thermometer = rig("mlx90632")
    thermometer.poll(2.0)
    thermometer.wires.suffer("it", Trouble.GARBLED)
    codes, surfaces = set(), []
    for _ in range(600):
        thermometer.clock.advance(0.1)
        fault_or_readings(thermometer, codes, surfaces)
    assert "garbled" in codes
    assert all(22.5 < surface < 23.5 for surface in surfaces)
    thermometer.wires.recover("it")
    thermometer.driver.open()
    assert thermometer.poll(2.0)


def fault_or_readings(thermometer, codes: set[str], surfaces: list[float]) -> None:
    try:
        surfaces += [reading.value for reading in thermometer.driver.poll() if reading.quantity == "object_celsius"]
    except DeviceFault as fault:
        codes.add(fault.code)


@pytest.mark.parametrize("infrared", [32000, -32000])
def test_what_it_cannot_measure_is_a_fault(rig, infrared: int) -> None:
    thermometer = rig("mlx90632")
    thermometer.twin.raw_object = infrared
    assert thermometer.fault(seconds=3).code == "out-of-range"
    thermometer.twin.raw_object = None
    thermometer.clock.advance(1.0)
    assert thermometer.poll(2.0)


@pytest.mark.parametrize(
    ("trouble", "code"),
    [(Trouble.UNPLUGGED, "no-answer"), (Trouble.BUSY, "no-answer"), (Trouble.SILENT, "silent")],
)
def test_trouble_is_named_and_ends_by_itself(rig, trouble: Trouble, code: str) -> None:
    thermometer = rig("mlx90632")
    thermometer.poll(2.0)
    thermometer.wires.suffer("it", trouble)
    assert thermometer.fault(seconds=10).code == code
    thermometer.wires.recover("it")
    thermometer.driver.open()
    assert thermometer.poll(3.0)


def test_a_stuck_part_repeats_itself(rig) -> None:
    thermometer = rig("mlx90632")
    thermometer.wires.suffer("it", Trouble.STUCK)
    thermometer.poll(2.0)
    thermometer.twin.face(36.6, seconds=10.0)
    assert len({reading.value for reading in thermometer.poll(5.0)}) == 2
