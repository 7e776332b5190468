"""An entry light: one colour at a time, and dark when nobody watches."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.world.twin import Trouble

PINS = [16, 20, 21]
SHOWN = ("green", "amber", "red", "off")


def light(rig, **changed):
    return rig("light", **{"pins": PINS, **changed})


def show(made, colour: str) -> None:
    made.driver.act("show", {"colour": colour})


def test_it_shows_and_says_so(rig) -> None:
    entry = light(rig)
    (first,) = entry.poll(5.0)
    assert (first.quantity, first.value, first.at) == ("colour", "off", 1000.0)
    for colour in SHOWN:
        show(entry, colour)
        assert entry.twin.colour == colour
        assert [reading.value for reading in entry.poll()] == [colour]
    assert entry.woken == 4


@pytest.mark.parametrize("active_low", [False, True])
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(colours=st.lists(st.sampled_from(SHOWN), max_size=12))
def test_never_two_at_once_not_even_in_between(rig, active_low: bool, colours: list[str]) -> None:
    entry = light(rig, active_low=active_low)
    pins = [entry.wires.pins().pin(number) for number in PINS]
    lit: list[int] = []
    for pin in pins:
        change = pin._change_state

        def seen(value, change=change):
            changed = change(value)
            lit.append(sum(bool(each.state) != active_low for each in pins))
            return changed

        pin._change_state = seen
    expected = ["off"]
    for colour in colours:
        show(entry, colour)
        assert entry.twin.colour == colour
        if colour != expected[-1]:
            expected.append(colour)
    assert all(count <= 1 for count in lit)
    assert [reading.value for reading in entry.poll()] == expected
    for pin in pins:
        del pin._change_state


@pytest.mark.parametrize("active_low", [False, True])
def test_it_is_dark_when_opened_and_when_closed(rig, active_low: bool) -> None:
    entry = light(rig, active_low=active_low)
    show(entry, "red")
    entry.driver.open()
    assert entry.twin.colours == ()
    assert [reading.value for reading in entry.poll()] == ["off"]
    show(entry, "green")
    before = len(entry.wires.pins().pin(PINS[0]).states)
    entry.driver.close()
    assert bool(entry.wires.pins().pin(PINS[0]).states[before].state) is active_low  # written, not only let go
    assert entry.twin.colours == ()
    entry.driver.close()


@pytest.mark.parametrize(
    ("verb", "args", "says"),
    [
        ("switch", {"on": True}, "cannot switch"),
        ("show", {}, "takes"),
        ("show", {"colour": "blue"}, "takes"),
        ("show", {"colour": ["red"]}, "takes"),
        ("show", {"colour": "red", "seconds": 5}, "takes"),
    ],
)
def test_what_it_cannot_do_it_refuses(rig, verb: str, args: dict, says: str) -> None:
    entry = light(rig)
    with pytest.raises(ValueError, match=says):
        entry.driver.act(verb, args)
    assert entry.twin.colours == ()


def test_whoever_watches_is_told(rig) -> None:
    entry = light(rig)
    seen: list[str] = []
    entry.twin.watch(seen.append)
    for colour in SHOWN:
        show(entry, colour)
        entry.clock.advance(2.0)
    assert seen == list(SHOWN)


def test_how_it_fails(rig) -> None:
    entry = light(rig)
    show(entry, "red")
    entry.wires.suffer("it", Trouble.UNPLUGGED)
    assert entry.twin.colour == "off"
    entry.wires.recover("it")
    entry.wires.suffer("it", Trouble.STUCK)
    show(entry, "green")
    assert entry.twin.colour == "red"
    entry.wires.recover("it")
    entry.twin.burnt.add("green")
    assert entry.twin.colour == "off"


@pytest.mark.parametrize(
    ("changed", "says"), [({"pins": [16]}, "green, amber, red"), ({"pins": [16, 16, 20]}, "different")]
)
def test_wrong_settings_are_refused(rig, changed: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        light(rig, **changed)
