"""A relay: off unless told otherwise, and what it is told it says."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.world.twin import Trouble

PIN = 6


def relay(rig, **changed):
    return rig("relay", pins=[PIN], **changed)


def switch(made, on: bool) -> None:
    made.driver.act("switch", {"on": on})


@pytest.mark.parametrize("active_low", [False, True])
def test_it_switches_and_says_so(rig, active_low: bool) -> None:
    fan = relay(rig, active_low=active_low)
    (first,) = fan.poll(5.0)
    assert (first.quantity, first.value, first.at) == ("on", False, 1000.0)
    assert not fan.twin.on
    switch(fan, True)
    assert fan.twin.on
    assert bool(fan.wires.pins().pin(PIN).state) is not active_low
    assert fan.woken == 1
    (reading,) = fan.poll(5.0)
    assert (reading.value, reading.at) == (True, 1005.0)
    switch(fan, False)
    assert not fan.twin.on
    assert [reading.value for reading in fan.poll(5.0)] == [False]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(steps=st.lists(st.tuples(st.booleans(), st.booleans()), max_size=20))
def test_every_change_is_told_once_and_nothing_else(rig, steps: list[tuple[bool, bool]]) -> None:
    fan = relay(rig)
    readings, expected = [], [False]
    for on, polled in steps:
        switch(fan, on)
        assert fan.twin.on is on
        if on != expected[-1]:
            expected.append(on)
        if polled:
            readings += fan.poll(0.5)
    readings += fan.poll()
    assert [reading.value for reading in readings] == expected


@pytest.mark.parametrize("active_low", [False, True])
def test_it_is_off_when_opened_and_when_closed(rig, active_low: bool) -> None:
    fan = relay(rig, active_low=active_low)
    switch(fan, True)
    fan.driver.open()
    assert not fan.twin.on
    assert [reading.value for reading in fan.poll()] == [False]

    switch(fan, True)
    before = len(fan.wires.pins().pin(PIN).states)
    fan.driver.close()
    off = fan.wires.pins().pin(PIN).states[before]
    assert bool(off.state) is active_low  # written, not only let go
    assert not fan.twin.on
    fan.driver.close()


@pytest.mark.parametrize("active_low", [False, True])
def test_a_board_nobody_drives_is_off(rig, active_low: bool) -> None:
    fan = rig("relay", opened=False, pins=[PIN], active_low=active_low)
    assert not fan.twin.on


@pytest.mark.parametrize(
    ("verb", "args", "says"),
    [
        ("print", {}, "cannot print"),
        ("switch", {}, "takes"),
        ("switch", {"on": 1}, "takes"),
        ("switch", {"on": "yes"}, "takes"),
        ("switch", {"on": True, "for_s": 5}, "takes"),
    ],
)
def test_what_it_cannot_do_it_refuses(rig, verb: str, args: dict, says: str) -> None:
    fan = relay(rig)
    with pytest.raises(ValueError, match=says):
        fan.driver.act(verb, args)
    assert not fan.twin.on


def test_whoever_watches_is_told_of_each_change(rig) -> None:
    fan = relay(rig)
    seen: list[tuple[bool, float]] = []
    also: list[bool] = []
    fan.twin.watch(lambda on: seen.append((on, fan.clock.monotonic())))
    fan.twin.watch(also.append)
    fan.clock.advance(10.5)
    assert seen == []
    switch(fan, True)
    fan.clock.advance(10.0)
    switch(fan, False)
    fan.clock.advance(10.0)
    assert seen == [(True, 1011.0), (False, 1021.0)]
    assert also == [True, False]


def test_unplugged_the_load_is_off_and_stuck_it_is_welded(rig) -> None:
    fan = relay(rig)
    switch(fan, True)
    fan.wires.suffer("it", Trouble.UNPLUGGED)
    assert not fan.twin.on
    fan.wires.recover("it")
    assert fan.twin.on
    fan.wires.suffer("it", Trouble.STUCK)
    switch(fan, False)
    assert fan.twin.on
    fan.wires.recover("it")
    assert not fan.twin.on


@pytest.mark.parametrize(
    ("changed", "says"),
    [({"pins": [5, 6]}, "one, \\[pin\\]"), ({"pins": [1]}, "BCM"), ({"on": "air"}, "'on'")],
)
def test_wrong_settings_are_refused(rig, changed: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rig("relay", **{"pins": [PIN], **changed})
