"""SHT31: its words, its times, and what a former owner may have left it doing."""

import pytest

from devices.air.scd41 import words
from devices.faults import DeviceFault
from devices.i2c import read, write
from devices.world.twin import Trouble

EXAMPLE = bytes.fromhex(
    "6667a25eb93c"
)  # 25.0 degC and 37.0 %RH: Sensirion's, in the SCD4x data sheet; the formulas are one


def codes(air, times: int) -> list[str | None]:
    found = []
    for _ in range(times):
        air.clock.advance(10.0)
        fault = air.fault()
        found.append(fault.code if fault else None)
    return found


def test_the_worked_example(rig) -> None:
    air = rig("sht31")
    air.twin._measure = lambda: EXAMPLE
    assert [(reading.quantity, pytest.approx(reading.value, abs=0.005)) for reading in air.poll()] == [
        ("celsius", 25.0),
        ("humidity_pct", 37.0),
    ]


@pytest.mark.parametrize("bit", range(48))
def test_every_flipped_bit_is_refused(bit: int) -> None:
    flipped = bytearray(EXAMPLE)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DeviceFault) as fault:
        words(bytes(flipped))
    assert fault.value.code == "garbled"


def test_a_reading_every_interval(rig) -> None:
    air = rig("sht31")
    readings = air.poll(100.0)
    assert len(readings) == 22
    assert {(reading.quantity, round(reading.value, 2)) for reading in readings} == {
        ("celsius", 22.0),
        ("humidity_pct", 45.0),
    }
    assert all(type(reading.value) is float for reading in readings)


def test_asked_too_soon_it_refuses(rig) -> None:
    air = rig("sht31")
    bus = air.wires.i2c("i2c-1")
    write(bus, 0x44, bytes.fromhex("2400"))
    air.clock.advance(0.01)
    with pytest.raises(DeviceFault):
        read(bus, 0x44, 6)
    air.clock.advance(0.006)
    assert len(words(read(bus, 0x44, 6))) == 2


def test_what_a_former_owner_left_is_ended(rig) -> None:
    air = rig("sht31", opened=False)
    air.twin.periodic = air.twin.heater = True
    air.driver.open()
    assert (air.twin.periodic, air.twin.heater) == (False, False)
    assert len(air.poll()) == 2


def test_a_heater_that_stays_on_is_told(rig) -> None:
    air = rig("sht31", opened=False)
    air.twin.heater = air.twin.heater_stays = True
    with pytest.raises(DeviceFault) as fault:
        air.driver.open()
    assert (fault.value.code, "heater" in fault.value.text["en"]) == ("error-flag", True)


@pytest.mark.parametrize("celsius", [-45.0, -40.1, 125.1, 130.0])
def test_what_it_cannot_measure_is_a_fault(rig, celsius: float) -> None:
    air = rig("sht31")
    air.twin.source = lambda: (450.0, celsius, 45.0)
    assert air.fault().code == "out-of-range"
    air.twin.source = lambda: (450.0, 22.0, 45.0)
    assert len(air.poll()) == 2


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (Trouble.UNPLUGGED, "no-answer"),
        (Trouble.BUSY, "no-answer"),
        (Trouble.SILENT, "no-answer"),  # it refuses to hand over what it has not measured
        (Trouble.GARBLED, "garbled"),
    ],
)
def test_troubles_of_the_bus_are_named_and_end(rig, trouble: Trouble, code: str) -> None:
    air = rig("sht31")
    air.wires.suffer("it", trouble)
    assert set(codes(air, 3)) == {code}
    air.wires.recover("it")
    assert codes(air, 2) == [None, None]


def test_stuck_it_says_the_same_for_ever(rig) -> None:
    air = rig("sht31")
    before = [reading.value for reading in air.poll()]
    air.wires.suffer("it", Trouble.STUCK)
    air.twin.source = lambda: (900.0, 25.0, 40.0)
    assert [reading.value for reading in air.poll()] == before


@pytest.mark.parametrize("changed", [{"interval_s": 0.5}, {"interval_s": 601.0}, {"address": 0x46}, {"bus": "1"}])
def test_wrong_settings_are_refused(rig, changed: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(changed))):
        rig("sht31", **changed)
