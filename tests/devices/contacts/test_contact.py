"""A dry contact: what counts as a change, and since when."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.lines import Debounce, Edge
from devices.world.twin import Trouble

PIN = 5


def contact(rig, **changed):
    return rig("contact", pins=[PIN], **changed)


def told(readings) -> list[tuple[bool, float]]:
    return [(reading.value, round(reading.at, 6)) for reading in readings]


def edge(at: float, high: bool) -> Edge:
    return Edge(at, 0, high, at)


@given(
    steps=st.lists(st.tuples(st.sampled_from([1, 20, 49, 50, 51, 400]), st.booleans()), max_size=40),
    level=st.booleans(),
)
def test_a_level_counts_if_it_lasted_and_since_it_began(steps: list[tuple[int, bool]], level: bool) -> None:
    line, now, edges = Debounce(level, 50), 0, []
    changes = []
    for after_ms, to in steps:
        now += after_ms
        edges.append((now, to))
        changes += line.edge(edge(now, to))
    changes += line.settle(now + 1000)

    # The same from the whole history: the stretches of one level, of which the long ones count.
    stretches = [(0, level)]
    for at, to in edges:
        if to != stretches[-1][1]:
            stretches.append((at, to))
    expected, counts = [], level
    for (begin, to), (end, _) in pairwise([*stretches, (now + 1000, level)]):
        if to != counts and end - begin >= 50:
            counts = to
            expected.append((to, begin))
    assert [(change.high, change.at) for change in changes] == expected


@pytest.mark.parametrize(("normally", "closed"), [("closed", True), ("open", False)])
def test_the_first_poll_says_how_it_stands(rig, normally: str, closed: bool) -> None:
    loop = contact(rig, normally=normally)
    (reading,) = loop.poll(5.0)
    assert (reading.quantity, reading.value, reading.at) == ("closed", closed, 1000.0)
    loop.driver.open()
    assert told(loop.poll(5.0)) == [(closed, 1005.0)]


@pytest.mark.parametrize(("normally", "closed"), [("closed", True), ("open", False)])
@pytest.mark.parametrize("every", [None, 0.01, 2.0])
def test_a_press_is_told_at_its_edges_however_seldom_polled(rig, normally: str, closed: bool, every: float) -> None:
    loop = contact(rig, normally=normally)
    loop.poll(0.3)
    begin = loop.clock.monotonic()
    loop.twin.press(0.2)
    assert told(loop.poll(4.0, every=every)) == [(not closed, round(begin, 6)), (closed, round(begin + 0.2, 6))]
    assert loop.woken == 2


def test_the_driver_asks_to_be_polled_again_when_the_level_will_count(rig) -> None:
    loop = contact(rig, debounce_s=0.05)
    loop.poll()
    assert loop.driver.interval_s == 1.0
    loop.twin.set(False)
    assert loop.poll() == []
    assert loop.driver.interval_s == pytest.approx(0.05)
    assert told(loop.poll(0.06)) == [(False, 1000.0)]
    assert loop.driver.interval_s == 1.0


@pytest.mark.parametrize(("seconds", "told_of"), [(0.0, 0), (0.001, 0), (0.049, 0), (0.051, 2)])
def test_a_spike_on_the_loop_calls_nobody(rig, seconds: float, told_of: int) -> None:
    loop = contact(rig, debounce_s=0.05)
    loop.poll()
    loop.twin.press(seconds)
    assert len(loop.poll(3.0)) == told_of


@pytest.mark.parametrize("every", [None, 0.003])
def test_a_bouncing_button_is_one_press(rig, every: float) -> None:
    loop = contact(rig)
    loop.poll()
    loop.wires.suffer("it", Trouble.GARBLED)
    loop.twin.press(1.0)
    pressed, released = loop.poll(4.0, every=every)
    assert (pressed.value, pressed.at) == (False, pytest.approx(1000.0, abs=0.005))
    assert (released.value, released.at) == (True, pytest.approx(1001.0, abs=0.005))


@pytest.mark.parametrize("kept", ["none", "falling", "rising"])
def test_a_lost_edge_is_found_by_polling(rig, kept: str) -> None:
    """lg#18: a button that seemed held for ever."""
    loop = contact(rig)
    loop.poll()
    loop.wires.pins().pin(PIN).edges = kept
    loop.twin.press(3.0)
    pressed, released = loop.poll(10.0)
    assert (pressed.value, released.value) == (False, True)
    assert 1000.0 <= pressed.at <= 1001.0
    assert 1003.0 <= released.at <= 1004.1


def test_a_late_edge_keeps_its_stamp(rig) -> None:
    loop = contact(rig)
    loop.poll()
    factory = loop.wires.pins()
    for level, ago in [(0, 0.1), (1, 0.4)]:  # delivered late, together, and the wrong way round
        factory.pin(PIN).when_changed(factory.ticks() - ago, level)
    assert told(loop.poll(1.0)) == [(False, 999.6), (True, 999.9)]


def test_an_edge_that_comes_after_the_poll_that_saw_it_dates_the_change(rig) -> None:
    loop = contact(rig)
    loop.poll(0.5, every=0.5)
    factory = loop.wires.pins()
    factory.pin(PIN).edges = "none"
    loop.twin.set(False)
    loop.clock.advance(0.02)
    assert loop.poll() == []
    factory.pin(PIN).when_changed(factory.ticks() - 0.02, 1)
    assert told(loop.poll(1.0)) == [(False, 1000.5)]


def test_without_debounce_a_change_is_told_at_once(rig) -> None:
    loop = contact(rig, debounce_s=0.0)
    loop.poll()
    loop.twin.set(False)
    assert told(loop.poll()) == [(False, 1000.0)]
    loop.wires.pins().pin(PIN).edges = "none"
    loop.twin.set(True)
    assert told(loop.poll()) == [(True, 1000.0)]


def test_a_stamp_of_another_clock_is_not_believed(rig) -> None:
    loop = contact(rig)
    loop.poll()
    factory = loop.wires.pins()
    factory.pin(PIN).edges = "none"
    loop.twin.set(False)
    factory.pin(PIN).when_changed(1.7e9, 1)
    assert told(loop.poll(1.0)) == [(False, 1000.0)]


def test_a_cut_loop_is_a_pressed_panic_button(rig) -> None:
    loop = contact(rig, raises="PANIC")
    loop.poll()
    loop.wires.suffer("it", Trouble.UNPLUGGED)
    assert told(loop.poll(5.0)) == [(False, 1000.0)]
    now = loop.clock.monotonic()
    loop.wires.recover("it")
    assert told(loop.poll(5.0)) == [(True, round(now, 6))]


def test_a_cut_loop_that_is_normally_open_cannot_be_told(rig) -> None:
    loop = contact(rig, normally="open")
    loop.poll()
    loop.wires.suffer("it", Trouble.UNPLUGGED)
    loop.twin.press(1.0)
    assert loop.poll(5.0) == []


@pytest.mark.parametrize("trouble", [Trouble.STUCK, Trouble.SILENT])
def test_a_stuck_contact_stays_until_it_recovers(rig, trouble: Trouble) -> None:
    loop = contact(rig)
    loop.poll()
    loop.wires.suffer("it", trouble)
    loop.twin.set(False)
    assert loop.poll(5.0) == []
    loop.wires.recover("it")
    assert told(loop.poll(5.0)) == [(False, 1005.0)]


def test_the_last_hand_on_the_button_wins(rig) -> None:
    loop = contact(rig)
    loop.poll()
    loop.twin.press(1.0)
    loop.clock.advance(0.5)
    loop.twin.press(2.0)
    assert told(loop.poll(5.0)) == [(False, 1000.0), (True, 1002.5)]


def test_closing_gives_the_pin_back(rig) -> None:
    loop = contact(rig)
    loop.driver.close()
    loop.driver.close()
    loop.twin.press(1.0)
    loop.clock.advance(2.0)
    assert loop.woken == 0
    again = loop.build()
    again.open()
    again.close()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"pins": [5, 6]}, "one, \\[pin\\]"),
        ({"pins": []}, "one, \\[pin\\]"),
        ({"pins": [28]}, "BCM"),
        ({"normally": "ajar"}, "normally"),
        ({"raises": "panic"}, "raises"),
        ({"debounce_s": -1}, "debounce_s"),
    ],
)
def test_wrong_settings_are_refused(rig, changed: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rig("contact", **{"pins": [PIN], **changed})
