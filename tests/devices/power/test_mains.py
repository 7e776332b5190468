"""Mains: what counts as a power cut, and since when."""

import pytest

from devices.world.twin import Trouble

PIN = 6


def mains(rig, **changed):
    return rig("mains", pins=[PIN], **changed)


def told(readings) -> list[tuple[bool, float]]:
    return [(reading.value, round(reading.at, 3)) for reading in readings]


@pytest.mark.parametrize("present", ["low", "high"])
@pytest.mark.parametrize("every", [None, 1.0])
def test_a_cut_is_told_after_its_hold_time_and_dated_to_its_beginning(rig, present: str, every: float) -> None:
    supply = mains(rig, present=present)
    (first,) = supply.poll(5.0)
    assert (first.quantity, first.value, first.at) == ("mains", True, 1000.0)
    began = supply.clock.monotonic()
    supply.twin.set(False)
    assert supply.poll() == []
    supply.clock.advance(2.9)
    assert supply.poll() == []
    assert told(supply.poll(1.2, every=every)) == [(False, began)]
    supply.twin.set(True)
    back = supply.clock.monotonic()
    assert told(supply.poll(4.0)) == [(True, round(back, 3))]


@pytest.mark.parametrize("seconds", [0.5, 10.0, 60.0])
def test_chatter_calls_nobody(rig, seconds: float) -> None:
    """buyapi/ups#4: the pin goes up and down under load."""
    supply = mains(rig)
    supply.poll(1.0)
    supply.twin.chatter(seconds, every_s=0.4)
    assert supply.poll(seconds + 10.0) == []


def test_chatter_that_ends_in_a_cut_is_one_cut(rig) -> None:
    supply = mains(rig)
    supply.poll(1.0)
    supply.wires.suffer("it", Trouble.GARBLED)
    supply.twin.set(False)
    (reading,) = supply.poll(10.0)
    assert reading.value is False
    assert reading.at == pytest.approx(1003.1, abs=0.3)


def test_without_hold_time_it_is_told_at_once(rig) -> None:
    supply = mains(rig, hold_s=0.0)
    supply.poll()
    supply.twin.set(False)
    assert told(supply.poll()) == [(False, 1000.0)]


@pytest.mark.parametrize(("present", "expected"), [("low", [False]), ("high", [])])
def test_a_cut_cable_reads_high(rig, present: str, expected: list[bool]) -> None:
    supply = mains(rig, present=present)
    supply.poll()
    supply.wires.suffer("it", Trouble.UNPLUGGED)
    assert [reading.value for reading in supply.poll(5.0)] == expected
    supply.wires.recover("it")
    assert [reading.value for reading in supply.poll(5.0)] == [True] * len(expected)


@pytest.mark.parametrize("trouble", [Trouble.STUCK, Trouble.SILENT])
def test_stuck_it_stays_until_it_recovers(rig, trouble: Trouble) -> None:
    supply = mains(rig)
    supply.poll()
    supply.wires.suffer("it", trouble)
    supply.twin.set(False)
    assert supply.poll(5.0) == []
    supply.wires.recover("it")
    assert [reading.value for reading in supply.poll(5.0)] == [False]


def test_opened_anew_it_says_how_it_stands(rig) -> None:
    supply = mains(rig)
    supply.poll()
    supply.twin.set(False)
    supply.driver.open()
    assert [reading.value for reading in supply.poll(5.0)] == [False]
    supply.driver.close()
    supply.driver.close()
    woken = supply.woken
    supply.twin.set(True)
    assert supply.woken == woken


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"pins": [5, 6]}, "one, \\[pin\\]"),
        ({"pins": [40]}, "BCM"),
        ({"present": "on"}, "present"),
        ({"hold_s": 61}, "hold_s"),
    ],
)
def test_wrong_settings_are_refused(rig, changed: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rig("mains", **{"pins": [PIN], **changed})
