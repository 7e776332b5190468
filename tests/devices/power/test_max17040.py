"""MAX17040: words, a guess that is kept within reason, and the pin beside it."""

from contextlib import suppress

import pytest

from devices.faults import DeviceFault
from devices.i2c import write_read
from devices.power.max17040 import cell_volts, charge_pct
from devices.world.twin import Trouble

PIN = 6


def values(readings) -> list[tuple[str, float | bool]]:
    return [(reading.quantity, round(reading.value, 2)) for reading in readings]


@pytest.mark.parametrize(("word", "volts"), [(0xD000, 4.16), (0xC800, 4.0), (0xFFF0, 5.11875), (0x0010, 0.00125)])
def test_cell_words(word: int, volts: float) -> None:
    assert cell_volts(word) == pytest.approx(volts)


@pytest.mark.parametrize(
    ("word", "pct"), [(0x6180, 97.5), (0x6400, 100.0), (0x6800, 100.0), (0x0000, 0.0), (0x0001, 0.00390625)]
)
def test_charge_words(word: int, pct: float) -> None:
    assert charge_pct(word) == pct


def test_volts_and_percent_as_often_as_asked(rig) -> None:
    battery = rig("max17040", interval_s=5.0)
    readings = battery.poll(20.0)
    assert values(readings) == [("battery_volts", 4.1), ("battery_pct", 95.0)] * 3
    assert all(type(reading.value) is float for reading in readings)
    assert [reading.at for reading in readings[::2]] == [1010.0, 1015.0, 1020.0]


@pytest.mark.parametrize("over", [100.5, 104.0, 120.0])
def test_above_a_hundred_is_a_hundred(rig, over: float) -> None:
    """SparkFun_MAX1704x#14"""
    battery = rig("max17040")
    battery.twin.source = lambda: (4.2, over)
    *_, percent = battery.poll(10.0)
    assert percent.value == 100.0
    assert percent.raw == round(over * 256)


def test_a_guess_that_is_far_off_is_mended_by_a_quick_start(rig) -> None:
    """geekworm-com/x728#3: new cells at 4.08 V, and the gauge says 3 %."""
    battery = rig("max17040")
    battery.twin.change_cells()
    assert values(battery.poll(10.0)) == [("battery_volts", 4.1), ("battery_pct", 2.0)]
    battery.driver.act("quick-start", {})
    assert values(battery.poll(20.0))[-1] == ("battery_pct", 95.0)


@pytest.mark.parametrize(
    ("verb", "args", "says"), [("switch", {"on": True}, "cannot switch"), ("quick-start", {"now": 1}, "takes")]
)
def test_what_it_cannot_do_it_refuses(rig, verb: str, args: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rig("max17040").driver.act(verb, args)


def test_256_percent_is_no_reading(rig) -> None:
    """SparkFun_MAX1704x#3"""
    battery = rig("max17040")
    battery.poll(10.0)
    battery.twin.glitch(1)
    battery.clock.advance(5.0)
    fault = battery.fault()
    assert fault is not None
    assert fault.code == "garbled"
    assert values(battery.poll(5.0)) == [("battery_volts", 4.1), ("battery_pct", 95.0)]


def test_a_step_is_told_once_three_agree(rig) -> None:
    battery = rig("max17040")
    battery.poll(10.0)
    battery.twin.source = lambda: (3.4, 20.0)
    battery.clock.advance(5.0)
    assert battery.poll(5.0) == []
    battery.clock.advance(5.0)
    assert values(battery.poll()) == [("battery_volts", 3.4), ("battery_pct", 20.0)]


def test_without_a_cell_it_is_out_of_range(rig) -> None:
    battery = rig("max17040")
    battery.twin.source = lambda: (0.1, 0.0)
    fault = battery.fault()
    assert fault is not None
    assert fault.code == "out-of-range"


@pytest.mark.parametrize("present", ["low", "high"])
def test_mains_beside_it(rig, present: str) -> None:
    battery = rig("max17040", mains=PIN, present=present)
    first, *rest = battery.poll(20.0)
    assert (first.quantity, first.value, first.at) == ("mains", True, 1000.0)
    assert set(values(rest)) == {("battery_volts", 4.1), ("battery_pct", 95.0)}
    battery.twin.mains.set(False)
    began = battery.clock.monotonic()
    cut = [reading for reading in battery.poll(6.0) if reading.quantity == "mains"]
    assert [(reading.value, reading.at) for reading in cut] == [(False, pytest.approx(began))]


def test_chatter_of_the_pin_calls_nobody(rig) -> None:
    """buyapi/ups#4"""
    battery = rig("max17040", mains=PIN)
    battery.poll(2.0)
    battery.twin.mains.chatter(30.0, 0.5)
    assert {reading.quantity for reading in battery.poll(40.0)} == {"battery_volts", "battery_pct"}


def test_a_cut_is_not_lost_to_a_gauge_that_refuses(rig) -> None:
    battery = rig("max17040", mains=PIN, interval_s=1.0)
    battery.poll(2.0)
    battery.wires.suffer("it", Trouble.BUSY)
    battery.twin.mains.set(False)
    cut = []
    for _ in range(20):
        with suppress(DeviceFault):
            cut += [reading.value for reading in battery.poll() if reading.quantity == "mains"]
        battery.clock.advance(0.5)
    assert cut == [False]


@pytest.mark.parametrize("trouble", [Trouble.UNPLUGGED, Trouble.SILENT])
def test_who_does_not_answer_is_told_and_comes_back(rig, trouble: Trouble) -> None:
    battery = rig("max17040")
    battery.poll(10.0)
    battery.wires.suffer("it", trouble)
    battery.clock.advance(5.0)
    fault = battery.fault()
    assert fault is not None
    assert fault.code == "no-answer"
    with pytest.raises(DeviceFault):
        battery.driver.open()
    battery.wires.recover("it")
    battery.driver.open()
    assert values(battery.poll()) == [("battery_volts", 4.1), ("battery_pct", 95.0)]


def test_garbled_words_are_not_told_far_from_the_truth(rig) -> None:
    battery = rig("max17040")
    battery.poll(10.0)
    battery.wires.suffer("it", Trouble.GARBLED)
    for _ in range(200):
        try:
            readings = values(battery.poll())
        except DeviceFault:
            readings = []
        for quantity, value in readings:
            truth, near = {"battery_volts": (4.1, 0.6), "battery_pct": (95.0, 10.0)}[quantity]
            assert abs(value - truth) <= near
        battery.clock.advance(5.0)


def test_stuck_it_says_the_same_for_ever(rig) -> None:
    battery = rig("max17040")
    battery.twin.source = lambda: (4.1, 95.0 - (battery.clock.monotonic() - 1000.0) / 100)
    battery.poll(10.0)
    battery.wires.suffer("it", Trouble.STUCK)
    battery.clock.advance(5.0)
    assert len({reading.value for reading in battery.poll(100.0) if reading.quantity == "battery_pct"}) == 1


def test_the_registers_as_they_wake_up(rig) -> None:
    bus = rig("max17040", opened=False).wires.i2c("i2c-1")
    assert write_read(bus, 0x36, b"\x0c", 2) == bytes.fromhex("971c")
    assert write_read(bus, 0x36, b"\x02", 2) == bytes.fromhex("cd00")
    assert write_read(bus, 0x36, b"\x08", 2) == bytes.fromhex("0002")
    assert write_read(bus, 0x36, b"\x06", 2) == bytes(2)


def test_its_pin_is_its_own(rig) -> None:
    assert rig("max17040", mains=PIN).settings.claims() == ["i2c-1 0x36", "pin 6"]
    assert rig("max17040").settings.claims() == ["i2c-1 0x36"]


@pytest.mark.parametrize(
    "changed", [{"mains": 1}, {"present": "up"}, {"hold_s": -1.0}, {"interval_s": 0.1}, {"address": 1}]
)
def test_wrong_settings_are_refused(rig, changed: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(changed))):
        rig("max17040", **changed)
