"""SCD30: its floats on the bus, what the part takes when, and what is known of it in the field."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.air.scd30 import floats
from devices.air.scd41 import with_crc, words
from devices.faults import DeviceFault
from devices.i2c import read, write, write_read
from devices.reading import Quality, Reading
from devices.world.twin import Trouble

# The interface description's example, as ryankurte/rust-sensor-scd30 carries it.
EXAMPLE = bytes.fromhex("43dbcb8c2e8f41d970e7fff54243bf3a1b74")
NAMES = ["co2_ppm", "celsius", "humidity_pct"]
ADDRESS = 0x61


def settled(rig, **more):
    """One that is past its first measurements."""
    air = rig("scd30", **more)
    air.poll(22.0)
    return air


def values(readings: list[Reading]) -> list[tuple[str, object]]:
    return [(reading.quantity, pytest.approx(reading.value, abs=0.01)) for reading in readings]


def codes(air, seconds: int) -> list[str]:
    """The faults of that many polls, a second apart."""
    found = []
    for _ in range(seconds):
        fault = air.fault()
        found += [fault.code] if fault else []
        air.clock.advance(1.0)
    return found


def test_worked_examples() -> None:
    assert floats(words(EXAMPLE)) == pytest.approx((439.095, 27.238, 48.807), abs=0.001)
    assert with_crc(0) == bytes.fromhex("000081")
    assert with_crc(2) == bytes.fromhex("0002e3")
    assert with_crc(1) == bytes.fromhex("0001b0")


@pytest.mark.parametrize("bit", range(18 * 8))
def test_every_flipped_bit_is_refused(bit: int) -> None:
    flipped = bytearray(EXAMPLE)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DeviceFault) as fault:
        words(bytes(flipped))
    assert fault.value.code == "garbled"


def test_a_reading_every_interval(rig) -> None:
    air = rig("scd30", opened=False)
    air.twin.source = lambda: (439.095, 27.238, 48.807)
    air.driver.open()
    readings = air.poll(60.0)
    assert values(readings[:3]) == [("co2_ppm", 439.095), ("celsius", 27.238), ("humidity_pct", 48.807)]
    assert len(readings) == pytest.approx(3 * 11, abs=3)
    assert all(type(reading.value) is float for reading in readings)


def test_the_first_is_left_out_and_two_are_doubted(rig) -> None:
    """Tasmota#3119: the first CO2 after a start is 0, and the next may be far too low."""
    air = rig("scd30")
    readings = air.poll(60.0)
    co2 = [reading for reading in readings if reading.quantity == "co2_ppm"]
    assert 0.0 not in [reading.value for reading in co2]
    assert [reading.quality for reading in co2[:4]] == [Quality.SUSPECT] * 2 + [Quality.GOOD] * 2
    assert {reading.quality for reading in readings if reading.quantity == "celsius"} == {Quality.GOOD}


def test_what_it_keeps_is_written_only_to_change_it(rig) -> None:
    air = rig("scd30", self_calibration=True, interval_s=10, pressure_mbar=812)
    assert (air.twin.kept, air.twin.pressure_mbar, air.twin.written) == ({0x4600: 10, 0x5306: 1}, 812, 2)
    air.driver.open()
    assert air.twin.written == 2


def test_it_knows_no_repeated_start(rig) -> None:
    air = rig("scd30")
    bus = air.wires.i2c("i2c-1")
    with pytest.raises(DeviceFault) as fault:
        write_read(bus, ADDRESS, bytes.fromhex("0202"), 3)
    assert fault.value.code == "no-answer"


@pytest.mark.parametrize(("gap_s", "right"), [(0.0, False), (0.002, False), (0.004, True)])
def test_an_answer_fetched_too_soon_is_garbage(rig, gap_s: float, right: bool) -> None:
    """embedded-scd#49."""
    air = rig("scd30")
    bus = air.wires.i2c("i2c-1")
    write(bus, ADDRESS, bytes.fromhex("4600"))
    air.clock.advance(gap_s)
    assert (read(bus, ADDRESS, 3) == with_crc(5)) is right


def test_no_data_is_ff_with_good_crcs_and_no_reading(rig) -> None:
    """embedded-scd#43."""
    air = settled(rig)
    bus = air.wires.i2c("i2c-1")
    write(bus, ADDRESS, bytes.fromhex("0300"))
    air.clock.advance(0.004)
    first = words(read(bus, ADDRESS, 18))
    write(bus, ADDRESS, bytes.fromhex("0300"))
    air.clock.advance(0.004)
    assert words(read(bus, ADDRESS, 18)) == [0xFFFF] * 6
    assert first == [0xFFFF] * 6 or floats(first)
    air.twin._measurement = lambda: with_crc(0xFFFF) * 6  # ready, and nothing there
    assert air.poll(10.0) == []
    del air.twin._measurement
    assert len(air.poll(12.0)) >= 3


def test_after_a_reset_the_first_transfer_is_refused(rig) -> None:
    """arduino-i2c-scd30#5: however late it comes."""
    air = settled(rig)
    air.twin.reset()
    air.clock.advance(5.0)
    bus = air.wires.i2c("i2c-1")
    with pytest.raises(DeviceFault):
        write(bus, ADDRESS, bytes.fromhex("d100"))
    write(bus, ADDRESS, bytes.fromhex("d100"))
    air.twin.reset()
    air.clock.advance(5.0)
    air.driver.open()
    assert len(air.poll(15.0)) >= 3


@pytest.mark.parametrize(
    "broken", [(0.0, 22.0, 45.0), (40001.0, 22.0, 45.0), (450.0, 71.0, 45.0), (450.0, 22.0, 101.0)]
)
def test_what_cannot_be_is_a_fault(rig, broken: tuple[float, float, float]) -> None:
    """esphome/issues#3407: CO2 0.0 with good temperature and humidity."""
    air = settled(rig)
    air.twin.raw = broken
    assert air.fault(12.0).code == "out-of-range"
    air.twin.raw = None
    codes(air, 6)
    assert len(air.poll(12.0)) >= 3


@pytest.mark.parametrize(("ppm", "quality"), [(1.0, "suspect"), (249.9, "suspect"), (250.0, "good"), (40000.0, "good")])
def test_how_far_to_believe_it(rig, ppm: float, quality: str) -> None:
    air = settled(rig)
    air.poll(6.0)
    air.twin.source = lambda: (ppm, 22.0, 45.0)
    co2 = [reading for reading in air.poll(12.0) if reading.quantity == "co2_ppm"][-1]
    assert (co2.value, co2.quality) == (pytest.approx(ppm, abs=0.01), quality)


def test_a_stretch_too_long_once_a_day_is_one_passing_fault(rig) -> None:
    """150 ms once a day is more than a Pi's controller waits for; the sampler lets one pass."""
    air = settled(rig)
    air.twin.stretches = 1
    fault = air.fault(2.0)
    assert (fault.code, fault.lost) == ("no-answer", False)
    assert "ETIMEDOUT" in fault.text["en"]
    assert codes(air, 20) == []
    assert len(air.poll(12.0)) >= 3


def test_a_hang_is_ended_by_a_reset(rig) -> None:
    air = settled(rig)
    air.twin.hang()
    assert codes(air, 30) == []
    assert len(air.poll(20.0)) >= 3


def test_silence_is_told_and_ends(rig) -> None:
    air = settled(rig)
    air.wires.suffer("it", Trouble.SILENT)
    assert set(codes(air, 90)) == {"silent"}
    air.wires.recover("it")
    codes(air, 25)
    assert len(air.poll(20.0)) >= 3


@pytest.mark.parametrize(
    ("trouble", "code"), [(Trouble.UNPLUGGED, "no-answer"), (Trouble.BUSY, "no-answer"), (Trouble.GARBLED, "garbled")]
)
def test_troubles_of_the_bus_are_named_and_end(rig, trouble: Trouble, code: str) -> None:
    air = settled(rig)
    air.wires.suffer("it", trouble)
    assert code in codes(air, 8)
    air.wires.recover("it")
    codes(air, 30)
    assert len(air.poll(20.0)) >= 3


def test_stuck_it_says_the_same_for_ever(rig) -> None:
    air = settled(rig)
    air.wires.suffer("it", Trouble.STUCK)
    air.twin.source = lambda: (900.0, 25.0, 40.0)
    assert len({reading.value for reading in air.poll(30.0)}) == 3


def test_somebody_else_at_its_address_is_told_when_opening(rig) -> None:
    air = rig("scd30", opened=False)
    air.twin.write = lambda data: None
    air.twin.read = lambda length: bytes(length)
    with pytest.raises(DeviceFault) as fault:
        air.driver.open()
    assert fault.value.code == "garbled"


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=st.lists(
        st.tuples(st.sampled_from([*Trouble, "reset", "hang", "close", "open"]), st.floats(0.0, 40.0)), max_size=6
    )
)
def test_whatever_befell_it_a_minute_later_there_is_data(rig, events: list) -> None:
    air = rig("scd30", opened=False)
    air.clock.advance(3.0)
    air.driver.open()
    for event, seconds in events:
        if isinstance(event, Trouble):
            air.wires.suffer("it", event)
        try:
            match event:
                case "reset":
                    air.twin.reset()
                case "hang":
                    air.twin.hang()
                case "close":
                    air.driver.close()
                case "open":
                    air.driver.open()
            air.poll(seconds)
        except DeviceFault:
            air.clock.advance(seconds)
    air.wires.recover("it")
    codes(air, 60)
    assert len(air.poll(12.0)) >= 3


def test_the_age_of_its_baseline_is_told(rig) -> None:
    air = rig("scd30", interval_s=60)
    air.twin.source = lambda: (800.0, 25.0, 40.0)
    ages = [reading for reading in air.poll(7500.0, every=5.0) if reading.quantity == "baseline_age_s"]
    assert [reading.value for reading in ages] == pytest.approx([3600, 7200], abs=120)


@pytest.mark.parametrize(
    "changed", [{"interval_s": 1}, {"interval_s": 61}, {"address": 0x80}, {"bus": "1"}, {"pressure_mbar": 500}]
)
def test_wrong_settings_are_refused(rig, changed: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(changed))):
        rig("scd30", **changed)
