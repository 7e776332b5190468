"""A lamp: steady, blinking, and dark when nobody drives it."""

import pytest

from devices.world.twin import Trouble

PIN = 12


def lit(made, seconds: float, every_s: float = 0.05) -> list[tuple[bool, float]]:
    """The changes one sees."""
    seen: list[tuple[bool, float]] = []
    begin = made.clock.monotonic()
    due = begin
    while made.clock.monotonic() < begin + seconds:
        if made.clock.monotonic() >= due - 1e-9:
            made.driver.poll()
            due = made.clock.monotonic() + made.driver.interval_s
        if not seen or made.twin.on != seen[-1][0]:
            seen.append((made.twin.on, round(made.clock.monotonic() - begin, 2)))
        made.clock.advance(min(every_s, max(0.001, due - made.clock.monotonic())))
    return seen


@pytest.mark.parametrize("active_low", [False, True])
def test_steady(rig, active_low: bool) -> None:
    lamp = rig("lamp", pins=[PIN], active_low=active_low)
    assert [reading.value for reading in lamp.poll(2.0)] == [False]
    lamp.driver.act("switch", {"on": True})
    assert lit(lamp, 10.0) == [(True, 0.0)]
    lamp.driver.act("switch", {"on": False})
    assert lit(lamp, 10.0) == [(False, 0.0)]


@pytest.mark.parametrize("blink_s", [0.5, 2.0])
def test_it_blinks_while_it_is_on_and_says_on_once(rig, blink_s: float) -> None:
    lamp = rig("lamp", pins=[PIN], blink_s=blink_s)
    lamp.poll()
    lamp.driver.act("switch", {"on": True})
    assert [reading.value for reading in lamp.driver.poll()] == [True]
    changes = lit(lamp, 8 * blink_s - 0.01)
    assert [on for on, _ in changes] == [True, False] * 4
    assert [at for _, at in changes] == pytest.approx([blink_s * n for n in range(8)], abs=0.02)
    assert list(lamp.driver.poll()) == []
    lamp.driver.act("switch", {"on": False})
    assert lit(lamp, 10.0) == [(False, 0.0)]


def test_switched_off_in_its_dark_half_it_stays_dark_and_says_off(rig) -> None:
    lamp = rig("lamp", pins=[PIN], blink_s=1.0)
    lamp.driver.act("switch", {"on": True})
    assert lit(lamp, 1.5)[-1][0] is False
    lamp.driver.act("switch", {"on": False})
    assert [reading.value for reading in lamp.driver.poll()] == [False]
    assert lit(lamp, 5.0) == [(False, 0.0)]


@pytest.mark.parametrize("active_low", [False, True])
def test_it_is_dark_when_opened_and_when_closed(rig, active_low: bool) -> None:
    lamp = rig("lamp", pins=[PIN], active_low=active_low, blink_s=1.0)
    lamp.driver.act("switch", {"on": True})
    lamp.driver.open()
    assert lit(lamp, 3.0) == [(False, 0.0)]
    lamp.driver.act("switch", {"on": True})
    lamp.driver.close()
    assert not lamp.twin.on
    lamp.driver.close()


def test_unplugged_it_is_dark_and_stuck_it_stays(rig) -> None:
    lamp = rig("lamp", pins=[PIN])
    lamp.driver.act("switch", {"on": True})
    lamp.wires.suffer("it", Trouble.UNPLUGGED)
    assert not lamp.twin.on
    lamp.wires.recover("it")
    lamp.wires.suffer("it", Trouble.STUCK)
    lamp.driver.act("switch", {"on": False})
    assert lamp.twin.on


@pytest.mark.parametrize(
    ("changed", "says"),
    [({"pins": [5, 6]}, "one, \\[pin\\]"), ({"blink_s": 0.01}, "blink_s"), ({"on": "air"}, "'on'")],
)
def test_wrong_settings_are_refused(rig, changed: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rig("lamp", **{"pins": [PIN], **changed})
