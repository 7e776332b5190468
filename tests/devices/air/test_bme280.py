"""BME280: Bosch's formulas with their worked integers, and a bus without a checksum."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.air.bme280 import Trimming, humidity_q10, pressure_q8, t_fine, trimming
from devices.air.bme280_twin import HIGH, LOW
from devices.faults import DeviceFault
from devices.reading import Reading
from devices.world.twin import Trouble

# The trimming of Bosch's worked example (BST-BMP280-DS001, 3.12; the same formulas).
T = (27504, 26435, -1000)
P = (36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
H = (75, 363, 0, 349, 30, 30)


def values(readings: list[Reading]) -> list[tuple[str, object]]:
    return [(reading.quantity, pytest.approx(reading.value, abs=0.02)) for reading in readings]


def codes(air, times: int) -> list[str | None]:
    found = []
    for _ in range(times):
        air.clock.advance(10.0)
        fault = air.fault()
        found.append(fault.code if fault else None)
    return found


def test_the_worked_example() -> None:
    trim = Trimming(T, P, H)
    assert t_fine(trim, 519888) == 128422
    assert 128422 * 5 + 128 >> 8 == 2508  # 25.08 degC
    assert pressure_q8(trim, 128422, 415148) / 256 == pytest.approx(100653.25, abs=0.05)


@pytest.mark.parametrize(
    ("p4_5_7", "pa"), [((2855, 140, 15500), 100653), ((-2855, -140, -15500), 114530), ((-32768, 140, -32768), 197689)]
)
def test_pressure_with_negative_trimming(p4_5_7: tuple[int, int, int], pa: int) -> None:
    """Computed by others in integers without limit from 4.2.3, for a driver that had overflowed."""
    p4, p5, p7 = p4_5_7
    trim = Trimming(T, (*P[:3], p4, p5, P[5], p7, *P[7:]), H)
    assert pressure_q8(trim, 128422, 415148) >> 8 == pa


@pytest.mark.parametrize(
    ("h4_5", "raw", "q10"),
    [((349, 30), 0x6FF0, 35945), ((-349, -30), 0x6FF0, 102400), ((-2048, -2048), 0xA000, 102400)],
)
def test_humidity(h4_5: tuple[int, int], raw: int, q10: int) -> None:
    """The same source: 35.10 %, and what is more than there is."""
    assert humidity_q10(Trimming(T, P, (75, 363, 0, *h4_5, 30)), 128422, raw) == q10


def test_trimming_as_its_registers_hold_it() -> None:
    trim = trimming(LOW, HIGH)
    assert (trim.t, trim.p) == (T, P)
    assert trim.h == (75, 363, 0, 349, 30, 30)
    assert trimming(LOW, bytes.fromhex("6b01008000801e")).h[3:5] == (-2048, -2048)
    assert trimming(LOW, bytes.fromhex("6b0100ffffff80")).h[3:] == (-1, -1, -128)


@given(raw=st.integers(0, 0xFFFF), fine=st.integers(-200000, 500000))
def test_humidity_is_never_more_than_there_is(raw: int, fine: int) -> None:
    assert 0 <= humidity_q10(Trimming(T, P, H), fine, raw) <= 102400


def test_it_reads_the_air(rig) -> None:
    air = rig("bme280")
    air.twin.source = lambda: (450.0, 25.08, 37.0)
    air.twin.hpa = 1006.53
    readings = air.poll()
    assert values(readings) == [("celsius", 25.08), ("humidity_pct", 37.0), ("pressure_hpa", 1006.53)]
    assert all(type(reading.value) is float for reading in readings)
    assert len(air.poll(100.0)) == 33


@pytest.mark.parametrize(("chip", "word"), [(0x58, "BMP280"), (0x61, "id 61"), (0xFF, "id FF")])
def test_another_chip_is_named(rig, chip: int, word: str) -> None:
    air = rig("bme280", opened=False)
    air.twin.chip = chip
    with pytest.raises(DeviceFault) as fault:
        air.driver.open()
    assert fault.value.code == "error-flag"
    assert word in fault.value.text["en"]


@pytest.mark.parametrize("bit", range(64))
def test_every_flipped_bit_of_a_measurement_is_refused(rig, bit: int) -> None:
    air = rig("bme280")
    right, turn = air.twin.read, iter([False, False, True])

    def flipping(length: int) -> bytes:
        data = bytearray(right(length))
        if next(turn, False):
            data[bit // 8] ^= 1 << bit % 8
        return bytes(data)

    air.twin.read = flipping
    fault = air.fault()
    assert (fault.code, "F7" in fault.text["en"]) == ("garbled", True)
    assert len(air.poll()) == 3


def test_what_was_not_measured_is_no_air_and_it_is_set_up_again(rig) -> None:
    air = rig("bme280")
    air.wires.suffer("it", Trouble.SILENT)
    air.twin.power_cycle()
    assert air.poll() == []
    assert codes(air, 2) == ["silent", "silent"]
    air.wires.recover("it")
    assert codes(air, 3)[1:] == [None, None]


def test_one_that_measures_for_ever_is_told(rig) -> None:
    air = rig("bme280")
    air.twin._byte = lambda register: 0x08
    assert air.fault().code == "silent"


@pytest.mark.parametrize(("celsius", "hpa"), [(-40.5, 1000.0), (85.5, 1000.0), (22.0, 250.0), (22.0, 1150.0)])
def test_what_it_cannot_measure_is_a_fault(rig, celsius: float, hpa: float) -> None:
    air = rig("bme280")
    air.twin.source, air.twin.hpa = (lambda: (450.0, celsius, 45.0)), hpa
    assert air.fault().code == "out-of-range"
    air.twin.source, air.twin.hpa = (lambda: (450.0, 22.0, 45.0)), 1000.0
    assert len(air.poll()) == 3


@pytest.mark.parametrize(
    ("trouble", "code"), [(Trouble.UNPLUGGED, "no-answer"), (Trouble.BUSY, "no-answer"), (Trouble.GARBLED, "garbled")]
)
def test_troubles_of_the_bus_are_named_and_end(rig, trouble: Trouble, code: str) -> None:
    air = rig("bme280")
    air.wires.suffer("it", trouble)
    assert set(codes(air, 3)) == {code}
    air.wires.recover("it")
    assert codes(air, 3)[1:] == [None, None]


def test_stuck_it_says_the_same_for_ever(rig) -> None:
    air = rig("bme280")
    before = [reading.value for reading in air.poll()]
    air.wires.suffer("it", Trouble.STUCK)
    air.twin.source = lambda: (900.0, 25.0, 40.0)
    assert [reading.value for reading in air.poll()] == before


@pytest.mark.parametrize("changed", [{"interval_s": 0.5}, {"interval_s": 601.0}, {"address": 0x75}, {"bus": "1"}])
def test_wrong_settings_are_refused(rig, changed: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(changed))):
        rig("bme280", **changed)
