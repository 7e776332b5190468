"""INA219: calibration, words, and a zero that shuts nobody down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.faults import DeviceFault
from devices.i2c import write_read
from devices.power.agreeing import Agreeing
from devices.power.ina219 import bus_volts, calibration, signed
from devices.world.twin import Trouble


def values(readings) -> list[tuple[str, float]]:
    return [(reading.quantity, round(reading.value, 3)) for reading in readings]


def volts(readings) -> list[float]:
    return [round(reading.value, 3) for reading in readings if reading.quantity == "bus_volts"]


@pytest.mark.parametrize(
    ("shunt_ohm", "max_a", "word"),
    [(0.1, 3.2, 4096), (0.1, 2.0, 6554), (0.01, 5.0, 26214), (0.01, 32.0, 4096)],
)
def test_calibrations(shunt_ohm: float, max_a: float, word: int) -> None:
    """The first is the data sheet's formula at 0.1 mA a bit."""
    assert calibration(shunt_ohm, max_a) == word


@pytest.mark.parametrize(
    ("word", "expected"), [(0x5DC2, 12.0), (0x1F40 << 2 | 2, 16.0), (0x0002, 0.0), (0x000A, 0.004)]
)
def test_bus_words(word: int, expected: float) -> None:
    assert bus_volts(word) == pytest.approx(expected)


@pytest.mark.parametrize(("word", "value"), [(0, 0), (1, 1), (0x7FFF, 32767), (0xFFFF, -1), (0x8000, -32768)])
def test_two_s_complement(word: int, value: int) -> None:
    assert signed(word) == value


@pytest.mark.parametrize(("shunt_ohm", "max_a"), [(0.1, 3.2), (0.01, 5.0), (0.01, 8.0), (0.005, 20.0)])
@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("share", [-0.95, -0.1, 0.0, 0.5, 0.95])
def test_amperes_are_those_of_the_wire(rig, shunt_ohm: float, max_a: float, invert: bool, share: float) -> None:
    """Waveshare's boards: another shunt, another address (hacs_waveshare_ups_hat#16), the other way round
    (hass-ina219-ups-hat#30)."""
    supply = rig("ina219", address=0x43, shunt_ohm=shunt_ohm, max_a=max_a, invert=invert)
    supply.twin.source = lambda: (5.1, share * max_a)
    bus, amperes = supply.poll(2.0)
    assert (bus.quantity, bus.value) == ("bus_volts", pytest.approx(5.1, abs=0.004))
    assert (amperes.quantity, amperes.value) == ("amperes", pytest.approx(share * max_a, abs=2e-5 / shunt_ohm))
    assert type(bus.value) is float
    assert type(amperes.value) is float


def test_it_is_told_as_often_as_asked(rig) -> None:
    supply = rig("ina219", interval_s=0.2)
    assert volts(supply.poll(10.0)) == [12.0] * 49  # the first two wait for the third


@pytest.mark.parametrize("reads", [1, 2])
def test_a_zero_is_not_told_until_three_agree(rig, reads: int) -> None:
    """upsplus#14: 0.0 V for a moment, and the hall was shut down."""
    supply = rig("ina219")
    supply.poll(5.0)
    supply.twin.glitch(reads)
    assert volts(supply.poll(4.0)) == [12.0] * (5 - reads)


def test_a_glitch_at_the_beginning_is_not_told_either(rig) -> None:
    supply = rig("ina219")
    supply.twin.glitch(2)
    assert volts(supply.poll(5.0)) == [12.0, 12.0]


def test_a_supply_that_is_really_gone_is_told_with_the_third(rig) -> None:
    supply = rig("ina219")
    supply.poll(5.0)
    supply.twin.source = lambda: (0.0, 0.0)
    supply.clock.advance(1.0)
    assert volts(supply.poll(1.0)) == []
    supply.clock.advance(1.0)
    assert values(supply.poll()) == [("bus_volts", 0.0), ("amperes", 0.0)]


def test_a_discharge_is_told_all_the_way(rig) -> None:
    supply = rig("ina219")
    supply.poll(3.0)
    begin = supply.clock.monotonic()
    supply.twin.source = lambda: (12.0 - 0.3 * (supply.clock.monotonic() - begin), 1.0)
    supply.clock.advance(1.0)
    told = volts(supply.poll(8.0))
    assert len(told) == 9
    assert told == sorted(told, reverse=True)


@given(reads=st.lists(st.sampled_from([0.0, 5.0, 12.0, 12.3]), max_size=30))
def test_what_is_believed_was_near_the_last_or_said_three_times(reads: list[float]) -> None:
    agreeing, believed = Agreeing(0.5), None
    for at, value in enumerate(reads):
        if agreeing.believes(value):
            near = believed is not None and abs(value - believed) <= 0.5
            assert near or all(abs(value - other) <= 0.5 for other in reads[at - 2 : at + 1])
            believed = value


def test_overflow_is_the_part_s_own_error(rig) -> None:
    supply = rig("ina219", shunt_ohm=0.05, max_a=1.0)
    supply.twin.source = lambda: (12.0, 3.0)
    fault = supply.fault()
    assert fault is not None
    assert fault.code == "error-flag"
    supply.twin.source = lambda: (12.0, 1.0)
    supply.clock.advance(1.0)
    assert volts(supply.poll(2.0)) == [12.0]


@pytest.mark.parametrize(("word", "code"), [(0x5DC3, "error-flag"), (0xFFFA, "out-of-range"), (0xCB2A, "out-of-range")])
def test_what_cannot_be_is_a_fault(word: int, code: str) -> None:
    with pytest.raises(DeviceFault) as fault:
        bus_volts(word)
    assert fault.value.code == code


def test_after_a_loss_of_power_it_is_calibrated_again(rig) -> None:
    supply = rig("ina219")
    supply.poll(3.0)
    supply.twin.reset()
    assert supply.twin.calibration == 0
    assert supply.poll() == []
    assert supply.twin.calibration == 4096
    supply.clock.advance(1.0)
    assert values(supply.poll()) == [("bus_volts", 12.0), ("amperes", 1.0)]


def test_unplugged_it_does_not_answer_and_comes_back(rig) -> None:
    supply = rig("ina219")
    supply.wires.suffer("it", Trouble.UNPLUGGED)
    fault = supply.fault()
    assert fault is not None
    assert fault.code == "no-answer"
    supply.wires.recover("it")
    assert volts(supply.poll(5.0)) == [12.0] * 3


def test_nobody_there_is_told_when_opening(rig) -> None:
    supply = rig("ina219", opened=False)
    supply.wires.suffer("it", Trouble.UNPLUGGED)
    with pytest.raises(DeviceFault) as fault:
        supply.driver.open()
    assert fault.value.code == "no-answer"


def test_busy_every_other_transfer_is_refused(rig) -> None:
    supply = rig("ina219")
    supply.wires.suffer("it", Trouble.BUSY)
    fault = supply.fault(1.0)
    assert fault is not None
    assert fault.code == "no-answer"


def test_a_part_that_converts_no_more_is_silent(rig) -> None:
    supply = rig("ina219")
    supply.poll(3.0)
    supply.wires.suffer("it", Trouble.SILENT)
    supply.clock.advance(1.0)
    assert supply.poll(1.0) == []
    supply.clock.advance(1.0)
    fault = supply.fault()
    assert fault is not None
    assert fault.code == "silent"
    supply.wires.recover("it")
    assert volts(supply.poll()) == [12.0]


def test_garbled_words_are_not_told_far_from_the_truth(rig) -> None:
    supply = rig("ina219")
    supply.poll(3.0)
    supply.wires.suffer("it", Trouble.GARBLED)
    for _ in range(200):
        try:
            told = volts(supply.poll())
        except DeviceFault:
            told = []
        assert all(abs(value - 12.0) <= 1.0 for value in told)
        supply.clock.advance(1.0)


def test_stuck_it_says_the_same_for_ever(rig) -> None:
    supply = rig("ina219")
    rising = iter(range(10000))
    supply.twin.source = lambda: (12.0 + next(rising) * 0.004, 1.0)
    supply.poll(3.0)
    supply.wires.suffer("it", Trouble.STUCK)
    assert len(set(volts(supply.poll(20.0)))) == 1


def test_the_registers_as_they_wake_up(rig) -> None:
    supply = rig("ina219", opened=False)
    bus = supply.wires.i2c("i2c-1")
    assert write_read(bus, 0x40, b"\x00", 2) == bytes.fromhex("399f")
    assert write_read(bus, 0x40, b"\x05", 2) == bytes(2)
    assert write_read(bus, 0x40, b"\x04", 2) == bytes(2)  # no calibration, no current
    assert write_read(bus, 0x40, b"\x01", 2) == (10000).to_bytes(2)  # 1 A in 0.1 ohm: 100 mV
    with pytest.raises(DeviceFault):
        write_read(bus, 0x40, b"\x06", 2)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"address": 0x3F}, "address"),
        ({"address": 0x50}, "address"),
        ({"shunt_ohm": 0.0}, "shunt_ohm"),
        ({"max_a": 4.0}, "0.32 V"),
        ({"shunt_ohm": 0.001, "max_a": 0.1}, "too small"),
        ({"interval_s": 0.1}, "interval_s"),
    ],
)
def test_wrong_settings_are_refused(rig, changed: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rig("ina219", **changed)
