"""A buzzer: what one hears, for how long, and that it ends."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.outputs.buzzer import PATTERNS
from devices.world.twin import Trouble

PIN = 18


def buzzer(rig, **changed):
    return rig("buzzer", **{"pins": [PIN], **changed})


def sound(made, pattern: str, seconds: float) -> None:
    made.driver.act("sound", {"pattern": pattern, "seconds": seconds})


def heard(made, seconds: float) -> list[tuple[bool, float]]:
    """Each change one hears, polling as the driver asks."""
    begin = made.clock.monotonic()
    changes = [(made.twin.on, 0.0)]
    while made.clock.monotonic() - begin < seconds:
        made.clock.advance(made.driver.interval_s)
        made.driver.poll()
        if made.twin.on != changes[-1][0]:
            changes.append((made.twin.on, round(made.clock.monotonic() - begin, 2)))
    return changes


@pytest.mark.parametrize("active_low", [False, True])
@pytest.mark.parametrize("pattern", list(PATTERNS))
def test_a_pattern_runs_and_ends(rig, pattern: str, active_low: bool) -> None:
    horn = buzzer(rig, active_low=active_low)
    assert [(reading.quantity, reading.value) for reading in horn.poll(2.0)] == [("on", False)]
    on_s, period_s = PATTERNS[pattern]
    sound(horn, pattern, 3 * period_s)
    assert horn.twin.on
    assert [reading.value for reading in horn.driver.poll()] == [True]
    expected = [at for n in range(3) for at in (n * period_s, n * period_s + on_s)]
    changes = heard(horn, 3 * period_s + 5.0)
    assert [at for _, at in changes] == pytest.approx(expected, abs=0.02)
    assert [on for on, _ in changes] == [True, False] * 3


def test_beginning_and_end_are_told_and_no_beep_between(rig) -> None:
    horn = buzzer(rig)
    horn.poll()
    sound(horn, "alarm", 10.0)
    readings = horn.poll(30.0)
    assert [(reading.value, round(reading.at, 1)) for reading in readings] == [(True, 1000.0), (False, 1010.0)]


def test_a_pattern_is_cut_at_its_end(rig) -> None:
    horn = buzzer(rig)
    sound(horn, "long", 0.3)
    assert [at for _, at in heard(horn, 5.0)] == pytest.approx([0.0, 0.3], abs=0.01)


def test_what_is_asked_last_counts_and_nothing_silences(rig) -> None:
    horn = buzzer(rig)
    sound(horn, "alarm", 30.0)
    heard(horn, 0.3)
    sound(horn, "short", 30.0)
    assert horn.twin.on
    assert [at for _, at in heard(horn, 1.9)] == pytest.approx([0.0, 0.1, 1.0, 1.1, 2.0], abs=0.02)
    sound(horn, "short", 0)
    assert not horn.twin.on
    assert heard(horn, 5.0) == [(False, 0.0)]


def test_an_alarm_sounds_it_but_not_for_ever(rig) -> None:
    horn = buzzer(rig, on="PANIC", longest_s=20.0)
    horn.driver.act("switch", {"on": True})
    changes = heard(horn, 60.0)
    assert changes[-1] == (False, pytest.approx(19.75, abs=0.3))
    horn.driver.act("switch", {"on": True})
    horn.driver.act("switch", {"on": False})
    assert heard(horn, 5.0) == [(False, 0.0)]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    pattern=st.sampled_from(list(PATTERNS)),
    seconds=st.floats(0.0, 20.0),
    every=st.sampled_from([None, 0.01, 0.7, 3.0]),
)
def test_however_seldom_polled_it_ends(rig, pattern: str, seconds: float, every: float | None) -> None:
    horn = buzzer(rig)
    sound(horn, pattern, seconds)
    horn.poll(seconds + 3.5, every=every)
    assert not horn.twin.on


@pytest.mark.parametrize("active_low", [False, True])
def test_it_is_silent_when_opened_and_when_closed(rig, active_low: bool) -> None:
    horn = buzzer(rig, active_low=active_low)
    sound(horn, "long", 60.0)
    horn.driver.open()
    assert heard(horn, 5.0) == [(False, 0.0)]
    sound(horn, "long", 60.0)
    before = len(horn.wires.pins().pin(PIN).states)
    horn.driver.close()
    assert bool(horn.wires.pins().pin(PIN).states[before].state) is active_low
    assert not horn.twin.on
    horn.driver.close()


def test_unplugged_it_is_silent_and_stuck_it_stays(rig) -> None:
    horn = buzzer(rig)
    sound(horn, "long", 60.0)
    horn.wires.suffer("it", Trouble.UNPLUGGED)
    assert not horn.twin.on
    horn.wires.recover("it")
    horn.wires.suffer("it", Trouble.STUCK)
    sound(horn, "long", 0)
    assert horn.twin.on


@pytest.mark.parametrize(
    ("verb", "args", "says"),
    [
        ("show", {}, "cannot show"),
        ("switch", {"on": "yes"}, "takes"),
        ("sound", {}, "takes"),
        ("sound", {"pattern": "song", "seconds": 1}, "takes"),
        ("sound", {"pattern": ["long"], "seconds": 1}, "takes"),
        ("sound", {"pattern": "long"}, "takes"),
        ("sound", {"pattern": "long", "seconds": 61}, "takes"),
        ("sound", {"pattern": "long", "seconds": -1}, "takes"),
        ("sound", {"pattern": "long", "seconds": float("nan")}, "takes"),
        ("sound", {"pattern": "long", "seconds": True}, "takes"),
    ],
)
def test_what_it_cannot_do_it_refuses(rig, verb: str, args: dict, says: str) -> None:
    horn = buzzer(rig)
    with pytest.raises(ValueError, match=says):
        horn.driver.act(verb, args)
    assert not horn.twin.on


@pytest.mark.parametrize(
    ("changed", "says"),
    [({"pins": [5, 6]}, "one, \\[pin\\]"), ({"longest_s": 601}, "longest_s"), ({"on": "panic"}, "'on'")],
)
def test_wrong_settings_are_refused(rig, changed: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        buzzer(rig, **changed)
