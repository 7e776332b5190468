"""The load's own pace, and a person's word for a while."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.outputs.restraint import Pace, Restraint

PIN = 6


def pace(min_on_s: float = 0.0, min_off_s: float = 0.0) -> Pace:
    return Pace(id="it", part="relay", pins=[PIN], min_on_s=min_on_s, min_off_s=min_off_s)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["on", "off", "force on", "force off", "end", "look"]), st.sampled_from([0.0, 1.0, 3.0, 20.0])
    ),
    max_size=30,
)


@given(steps=STEPS, min_on_s=st.sampled_from([0.0, 5.0, 10.0]), min_off_s=st.sampled_from([0.0, 5.0, 10.0]))
def test_it_never_changes_too_soon_and_ends_as_asked(steps: list, min_on_s: float, min_off_s: float) -> None:
    load, now, asked = Restraint(pace(min_on_s, min_off_s), 0.0), 0.0, False
    changes = [(0.0, False)]
    for what, seconds in steps:
        match what:
            case "on" | "off":
                asked = what == "on"
                load.ask(asked)
            case "force on" | "force off":
                load.override(what == "force on", 15.0, now)
            case "end":
                load.override(True, 0.0, now)
        end = now + seconds
        while True:
            if load.settle(now) != changes[-1][1]:
                changes.append((now, load.on))
            wait = load.unsettled(now)
            if not wait or now + wait > end:
                break
            now += wait
        now = end
    assert load.settle(now) == load.on
    for (begin, on), (over, _) in pairwise(changes):
        assert over - begin >= (min_on_s if on else min_off_s)
    load.settle(now + 100.0)
    assert load.settle(now + 200.0) is asked
    assert load.unsettled(now + 200.0) == 0.0


def states(made, seconds: float) -> list[tuple[bool, float]]:
    return [(reading.value, round(reading.at, 2)) for reading in made.poll(seconds)]


def test_a_compressor_rests_and_runs_its_time(rig) -> None:
    cooler = rig("relay", pins=[PIN], min_on_s=60.0, min_off_s=120.0)
    assert states(cooler, 5.0) == [(False, 1000.0)]
    cooler.driver.act("switch", {"on": True})
    assert states(cooler, 100.0) == []  # who opened it may have just come back from a crash: it rests first
    assert states(cooler, 20.0) == [(True, 1120.0)]
    cooler.driver.act("switch", {"on": False})
    assert cooler.twin.on
    assert states(cooler, 70.0) == [(False, 1180.0)]
    cooler.driver.act("switch", {"on": True})
    cooler.driver.act("switch", {"on": False})
    assert states(cooler, 200.0) == []


def test_closing_does_not_wait(rig) -> None:
    cooler = rig("relay", pins=[PIN], min_on_s=600.0)
    cooler.driver.act("switch", {"on": True})
    cooler.driver.close()
    assert not cooler.twin.on


@pytest.mark.parametrize("part", ["relay", "lamp"])
def test_an_override_holds_until_it_expires(rig, part: str) -> None:
    fan = rig(part, pins=[PIN])
    fan.poll(1.0)
    fan.driver.act("switch", {"on": True})
    fan.driver.act("override", {"on": False, "seconds": 30})
    assert not fan.twin.on
    fan.driver.act("switch", {"on": False})
    fan.driver.act("switch", {"on": True})
    assert [on for on, _ in states(fan, 20.0)] == [True, False]
    assert states(fan, 20.0) == [(True, 1031.0)]
    fan.driver.act("override", {"on": False, "seconds": 3600.0})
    assert not fan.twin.on
    fan.driver.act("override", {"on": False, "seconds": 0})
    assert fan.twin.on


def test_an_override_is_forgotten_when_opened_anew(rig) -> None:
    fan = rig("relay", pins=[PIN])
    fan.driver.act("override", {"on": True, "seconds": 3600})
    fan.driver.open()
    fan.poll(5.0)
    assert not fan.twin.on


@pytest.mark.parametrize(
    "args",
    [{}, {"on": True}, {"on": 1, "seconds": 5}, {"on": True, "seconds": "5"}, {"on": True, "seconds": True}]
    + [{"on": True, "seconds": seconds} for seconds in (-1, 86401, float("nan"), float("inf"))],
)
@pytest.mark.parametrize("part", ["relay", "lamp"])
def test_a_wrong_override_is_refused(rig, part: str, args: dict) -> None:
    fan = rig(part, pins=[PIN])
    with pytest.raises(ValueError, match="takes"):
        fan.driver.act("override", args)
    assert not fan.twin.on


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(changed=st.sampled_from([{"min_on_s": -1.0}, {"min_off_s": 3601.0}]))
def test_wrong_settings_are_refused(rig, changed: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(changed))):
        rig("relay", pins=[PIN], **changed)
