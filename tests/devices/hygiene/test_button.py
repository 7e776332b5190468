"""A push button: what counts as a press, which of its three uses it has, and its lamp."""

import pytest

from devices.hygiene.button import Settings
from devices.world.twin import Trouble

PIN, LAMP = 5, 12


def button(rig, **changed):
    use = {} if {"zone", "point", "raises"} & changed.keys() else {"zone": "waiting"}
    return rig("button", pins=[PIN], **use, **changed)


def told(readings) -> list[tuple[str, object, float]]:
    return [(reading.quantity, reading.value, round(reading.at, 6)) for reading in readings]


@pytest.mark.parametrize("use", [{"zone": "waiting"}, {"point": "back-door"}])
@pytest.mark.parametrize("every", [None, 0.01, 2.0])
def test_a_press_is_told_when_it_is_over_and_dated_to_its_beginning(rig, use: dict, every: float) -> None:
    it = button(rig, **use)
    it.poll(0.5)
    begin = it.clock.monotonic()
    it.twin.press(0.3)
    assert it.poll(0.2, every=0.1) == []
    assert told(it.poll(4.0, every=every)) == [("button", True, round(begin, 6))]
    assert it.woken == 2


def test_an_emergency_is_told_while_the_button_is_held(rig) -> None:
    it = button(rig, raises="PANIC")
    it.poll()
    it.twin.press(3.0)
    assert told(it.poll(0.06, every=0.01)) == [("button", True, 1000.0)]
    assert it.poll(6.0) == []


@pytest.mark.parametrize("use", [{"zone": "waiting"}, {"raises": "PANIC"}])
@pytest.mark.parametrize(("seconds", "times"), [(0.001, 0), (0.049, 0), (0.051, 1), (9.9, 1)])
def test_what_is_shorter_than_50_ms_is_a_spike(rig, use: dict, seconds: float, times: int) -> None:
    it = button(rig, **use)
    it.poll()
    it.twin.press(seconds)
    assert len(it.poll(13.0)) == times


def test_held_for_more_than_10_s_is_a_fault_and_no_press(rig) -> None:
    it = button(rig)
    it.poll()
    it.twin.press(30.0)
    assert it.poll(9.0) == []
    stuck = it.fault(seconds=2.0)
    assert stuck.code == "blocked"
    assert "按钮" in stuck.text["zh"]
    assert "pin 5" in stuck.text["en"]
    it.clock.advance(30.0)
    assert it.poll(5.0) == []
    it.twin.press()
    assert len(it.poll(3.0)) == 1


def test_an_emergency_that_sticks_is_told_once_and_is_a_fault_then(rig) -> None:
    it = button(rig, raises="PANIC")
    it.poll()
    it.twin.press(30.0)
    assert len(it.poll(9.0)) == 1
    assert it.fault(seconds=3.0).code == "blocked"


@pytest.mark.parametrize("use", [{"zone": "waiting"}, {"raises": "PANIC"}])
def test_down_before_we_came_is_no_press_but_may_be_stuck(rig, use: dict) -> None:
    it = rig("button", opened=False, pins=[PIN], **use)
    it.twin.press(5.0)
    it.driver.open()
    assert it.poll(8.0) == []
    it.twin.set(True)
    it.driver.open()
    assert it.fault(seconds=12.0).code == "blocked"


@pytest.mark.parametrize("every", [None, 0.003])
def test_a_bouncing_button_is_one_press(rig, every: float) -> None:
    it = button(rig)
    it.poll()
    it.wires.suffer("it", Trouble.GARBLED)
    it.twin.press(1.0)
    (pressed,) = it.poll(4.0, every=every)
    assert pressed.at == pytest.approx(1000.0, abs=0.005)


def test_presses_in_a_row_are_each_told(rig) -> None:
    it = button(rig)
    it.poll()
    for _ in range(3):
        it.twin.press(0.2)
        it.clock.advance(0.5)
    assert told(it.poll(1.0)) == [("button", True, at) for at in (1000.0, 1000.5, 1001.0)]


@pytest.mark.parametrize("kept", ["none", "falling", "rising"])
def test_a_lost_edge_is_found_by_polling(rig, kept: str) -> None:
    """lg#18: a button that seemed held for ever."""
    it = button(rig)
    it.poll()
    it.wires.pins().pin(PIN).edges = kept
    it.twin.press(3.0)
    assert len(it.poll(10.0)) == 1
    assert it.poll(20.0) == []


def test_a_phantom_edge_is_no_press(rig) -> None:
    """gpiozero#1090: an edge that never was."""
    it = button(rig)
    it.poll()
    factory = it.wires.pins()
    factory.pin(PIN).when_changed(factory.ticks(), 0)
    assert it.poll(3.0) == []


def test_a_cut_cable_cannot_be_told_from_nobody(rig) -> None:
    it = button(rig, lamp=LAMP)
    it.poll()
    it.wires.suffer("it", Trouble.UNPLUGGED)
    it.twin.press()
    assert it.poll(3.0) == []
    it.driver.act("lamp", {"on": True})
    assert not it.twin.lamp
    it.wires.recover("it")
    it.twin.press()
    assert len(it.poll(3.0)) == 1


@pytest.mark.parametrize("trouble", [Trouble.STUCK, Trouble.SILENT])
def test_a_jammed_button_stays_until_it_recovers(rig, trouble: Trouble) -> None:
    it = button(rig)
    it.poll()
    it.twin.set(True)
    it.wires.suffer("it", trouble)
    it.twin.set(False)
    assert it.fault(seconds=15.0).code == "blocked"
    it.wires.recover("it")
    it.clock.advance(1.0)
    assert it.poll(3.0) == []


def test_the_lamp_says_that_the_press_counts(rig) -> None:
    it = button(rig, lamp=LAMP, lamp_s=2.5)
    it.poll()
    assert not it.twin.lamp
    it.twin.press(0.2)
    it.poll(0.1, every=0.05)
    assert not it.twin.lamp
    it.poll(0.2, every=0.05)
    assert it.twin.lamp
    it.poll(2.3, every=0.1)
    assert it.twin.lamp
    it.poll(0.4, every=0.1)
    assert not it.twin.lamp


def test_the_lamp_can_be_asked_for(rig) -> None:
    it = button(rig, lamp=LAMP)
    it.driver.act("lamp", {"on": True})
    assert it.twin.lamp
    it.poll(30.0)
    assert it.twin.lamp
    it.driver.act("lamp", {"on": False})
    assert not it.twin.lamp
    it.twin.press()
    it.poll(1.0)
    assert it.twin.lamp
    it.driver.act("lamp", {"on": False})
    assert not it.twin.lamp
    it.driver.act("lamp", {"on": True})
    it.driver.close()
    it.driver.close()
    assert not it.twin.lamp


@pytest.mark.parametrize(
    ("verb", "args"), [("print", {}), ("lamp", {}), ("lamp", {"on": 1}), ("lamp", {"on": True, "x": 1})]
)
def test_what_it_cannot_do_is_refused(rig, verb: str, args: dict) -> None:
    with pytest.raises(ValueError, match=verb):
        button(rig, lamp=LAMP).driver.act(verb, args)


def test_without_a_lamp_it_has_none(rig) -> None:
    it = button(rig)
    with pytest.raises(ValueError, match="cannot lamp"):
        it.driver.act("lamp", {"on": True})
    assert not it.twin.lamp
    assert it.settings.claims() == ["pin 5"]
    assert button(rig, lamp=LAMP).settings.claims() == ["pin 5", "pin 12"]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"pins": [5, 6], "zone": "waiting"}, "one, \\[pin\\]"),
        ({"pins": [28], "zone": "waiting"}, "BCM"),
        ({"lamp": 28, "zone": "waiting"}, "BCM"),
        ({"lamp": PIN, "zone": "waiting"}, "another pin"),
        ({"lamp_s": 0.1, "zone": "waiting"}, "lamp_s"),
        ({"raises": "panic"}, "raises"),
        ({"point": "Back Door"}, "point"),
        ({}, "one use"),
        ({"zone": "waiting", "point": "back-door"}, "one use"),
        ({"zone": "waiting", "raises": "PANIC"}, "one use"),
    ],
)
def test_wrong_settings_are_refused(changed: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Settings(**{"id": "it", "part": "button", "pins": [PIN], **changed})
