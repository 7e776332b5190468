"""Pulse counter: what is a pulse, what is none, and what a broken cable may not do."""

from collections.abc import Iterable
from contextlib import suppress

import pytest
from gpiozero.exc import GPIOPinInUse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.doors.pulse_counter import Pulses, Settings
from devices.faults import DeviceFault
from devices.lines import Edge
from devices.world.twin import Trouble

IN, OUT = 17, 27

many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def told(readings: Iterable) -> list[tuple[str, int]]:
    return [(reading.quantity, reading.value) for reading in readings]


def counter(rig, **changed):
    return rig("pulse-counter", **{"pins": [IN, OUT], **changed})


def code(made, seconds: float = 1.0) -> str | None:
    """What is wrong after that long."""
    made.clock.advance(seconds)
    fault = made.fault()
    return fault.code if fault else None


def calm(made) -> None:
    """Let it come to rest, whatever it complains about."""
    for _ in range(30):
        with suppress(DeviceFault):
            made.poll()
        made.clock.advance(1.0)


@pytest.mark.parametrize("pulse", ["low", "high"])
@pytest.mark.parametrize("direction", [1, -1])
def test_a_pulse_is_a_passage_told_when_it_ends(rig, direction: int, pulse: str) -> None:
    made = counter(rig, pulse=pulse)
    made.twin.walk(direction)
    (passage,) = made.poll(2.0)
    assert (passage.quantity, passage.value, type(passage.value)) == ("passage", direction, int)
    assert passage.at == pytest.approx(1000.7)
    assert made.poll(5.0) == []


def test_one_pin_counts_in_alone(rig) -> None:
    made = counter(rig, pins=[IN])
    made.twin.walk(1)
    made.twin.walk(-1)
    made.twin.turn_back(1)
    assert told(made.poll(3.0)) == [("passage", 1)]


def test_a_pulse_for_several(rig) -> None:
    made = counter(rig, people=3)
    for _ in range(7):
        made.twin.walk(1, duration_s=0.3)
        made.twin.walk(-1, duration_s=0.3)
        made.clock.advance(0.6)
    assert sorted(told(made.poll(3.0))) == [("passage", -3)] * 2 + [("passage", 3)] * 2


@many
@given(
    people=st.lists(st.tuples(st.sampled_from([1, -1]), st.floats(0.3, 3.0)), max_size=8),
    every=st.sampled_from([0.017, 0.3, 1.0, 7.0]),
    bouncing=st.booleans(),
    pulse=st.sampled_from(["low", "high"]),
)
def test_every_pulse_counts_once_however_often_polled(rig, people, every, bouncing, pulse) -> None:
    made = counter(rig, pulse=pulse)
    if bouncing:
        made.wires.suffer("it", Trouble.GARBLED)
    at = made.clock.monotonic()
    for direction, gap_s in people:
        at += gap_s
        made.clock.agenda.at(at, lambda direction=direction: made.twin.walk(direction, duration_s=0.1))
    readings = made.poll(at - made.clock.monotonic() + 2.0, every=every)
    readings += made.poll(1.0)
    assert told(readings) == [("passage", direction) for direction, _ in people]


@pytest.mark.parametrize("seconds", [0.0004, 0.004, 0.015])
def test_a_spike_is_nobody(rig, seconds: float) -> None:
    made = counter(rig)
    for _ in range(50):
        made.twin.spike(seconds)
        assert made.poll(0.5, every=0.1) == []
    assert code(made) is None


def test_the_shortest_and_the_longest_pulse(rig) -> None:
    made = counter(rig, max_pulse_s=5.0)
    for seconds, expected in [(0.019, []), (0.021, [("passage", 1)]), (4.9, [("passage", 1)])]:
        made.twin.spike(seconds)
        assert told(made.poll(6.0, every=0.01)) == expected


def test_a_contact_that_hangs_is_named_and_counts_nobody(rig) -> None:
    made = counter(rig, max_pulse_s=5.0)
    made.twin.block(30.0, 1)
    assert made.poll(5.0) == []
    found = made.fault(2.0)
    assert (found.code, f"GPIO {OUT}" in found.text["en"]) == ("blocked", True)
    made.twin.walk(1)
    made.clock.advance(1.0)
    assert told(made.poll()) == [("passage", 1)]  # the other pin goes on
    assert code(made) == "blocked"
    made.clock.advance(30.0)
    assert told(made.poll()) == [("aborted", 1)]
    assert code(made) is None


def test_a_pulse_that_was_there_before_counts_nobody(rig) -> None:
    made = rig("pulse-counter", opened=False, pins=[IN, OUT])
    made.twin.block(3.0)
    made.clock.advance(1.0)
    made.driver.open()
    assert told(made.poll(5.0)) == [("aborted", 1)]
    made.twin.walk(1)
    assert told(made.poll(2.0)) == [("passage", 1)]


def test_opened_again_while_it_hangs_it_is_named_again(rig) -> None:
    made = counter(rig, max_pulse_s=5.0)
    made.twin.block(60.0)
    assert made.fault(8.0).code == "blocked"
    made.driver.open()
    assert made.poll(4.0) == []
    assert made.fault(3.0).code == "blocked"


def test_a_storm_is_not_believed(rig) -> None:
    made = counter(rig)
    made.twin.storm(200, per_s=10.0)
    readings, codes = [], []
    for _ in range(200):
        made.clock.advance(0.1)
        try:
            readings += made.poll()
        except DeviceFault as fault:
            codes.append(fault.code)
    assert len(readings) <= 10  # two seconds of five: all that can be believed
    assert set(codes) == {"garbled"}
    assert code(made, 3.0) is None
    made.twin.walk(1)
    assert told(made.poll(2.0)) == [("passage", 1)]


def test_the_other_pin_counts_on_in_a_storm(rig) -> None:
    made = counter(rig)
    made.twin.storm(100, per_s=10.0)
    made.clock.advance(5.0)
    with suppress(DeviceFault):
        made.poll()
    made.twin.walk(-1)
    made.clock.advance(1.0)
    assert told(made.poll()) == [("passage", -1)]


def test_a_group_close_together_is_no_storm(rig) -> None:
    made = counter(rig)
    for _ in range(10):
        made.twin.walk(1)
    assert told(made.poll(6.0, every=0.1)) == [("passage", 1)] * 10  # one pulse after another, five a second


def test_edges_without_end_let_the_pins_go(rig) -> None:
    made = counter(rig)
    made.twin.storm(4000, per_s=2000.0)
    for _ in range(10):
        made.clock.advance(1.0)
        found = made.fault()
        assert found.code == "garbled"
    assert made.woken <= 501
    assert f"GPIO {IN}" in found.text["en"]
    assert code(made) is None
    made.twin.walk(1)
    assert told(made.poll(2.0)) == [("passage", 1)]


@pytest.mark.parametrize("kept", ["falling", "rising", "none"])
@pytest.mark.parametrize("every", [0.02, 0.15, 1.0])
def test_lost_edges_cost_at_most_their_own_pulse(rig, kept: str, every: float) -> None:
    """joan2937/lg#18: the kernel's interrupt came, its event did not."""
    made = counter(rig)
    made.wires.pins().pin(IN).edges = kept
    made.twin.walk(1)
    readings = made.poll(3.0, every=every)
    assert told(readings) in ([("passage", 1)], [])
    made.wires.pins().pin(IN).edges = "both"
    for _ in range(3):
        made.twin.walk(1)
        readings += made.poll(3.0, every=every)
    assert told(readings)[-3:] == [("passage", 1)] * 3
    assert len(readings) <= 4


def test_polling_alone_can_count(rig) -> None:
    made = counter(rig)
    made.wires.pins().pin(IN).edges = "none"
    made.twin.walk(1)
    assert told(made.poll(2.0, every=0.03)) == [("passage", 1)]


def test_an_edge_that_never_was_counts_nobody(rig) -> None:
    """gpiozero#1090: phantom events."""
    made = counter(rig)
    made.wires.pins().pin(IN).when_changed(made.wires.pins().ticks(), 0)
    assert made.poll(3.0) == []


def pulses_of(*edges: tuple[float, float, bool], **changed) -> tuple[Pulses, list[bool]]:
    """The pulses that end with these (at, after, high), each good or not."""
    pulses = Pulses(Settings(id="it", part="pulse-counter", pins=[IN], **changed), active=False)
    ended = [pulses.change(Edge(at, number, high, after)) for number, (at, after, high) in enumerate(edges)]
    return pulses, [pulse.good for pulse in ended if pulse is not None]


def test_a_pulse_whose_beginning_was_polled_may_have_been_long_enough() -> None:
    assert pulses_of((1.0, 1.0, False), (1.01, 1.01, True))[1] == []
    assert pulses_of((1.0, 0.5, False), (1.01, 1.01, True))[1] == [True]


def test_a_storm_is_over_when_it_is_half() -> None:
    every = [(at / 10, at / 10, bool(at % 2)) for at in range(40)]  # five pulses a second for four seconds
    pulses, good = pulses_of(*every, most_per_s=4.0)
    assert len(good) == 8
    assert pulses.storm(3.9)
    assert pulses.storm(4.9)  # five left of the last two seconds, and four are believed
    assert not pulses.storm(5.2)


@given(
    times=st.lists(st.floats(0.001, 0.5), max_size=60),
    lost=st.lists(st.booleans(), min_size=60, max_size=60),
)
def test_never_more_pulses_than_the_line_had(times: list[float], lost: list[bool]) -> None:
    pulses = Pulses(Settings(id="it", part="pulse-counter", pins=[IN], most_per_s=50.0), active=False)
    at, ended, began = 0.0, 0, 0
    for number, gap in enumerate(times):
        before, at = at, at + gap
        edge = Edge(at, number, high=bool(number % 2), after=before if lost[number] else at)
        began += not edge.high
        ended += pulses.change(edge) is not None
    assert ended <= began


@pytest.mark.parametrize("trouble", [Trouble.UNPLUGGED, Trouble.SILENT])
def test_a_cut_cable_shows_only_where_a_pulse_is_high(rig, trouble: Trouble) -> None:
    blind = counter(rig)
    blind.wires.suffer("it", trouble)
    blind.twin.walk(1)
    assert blind.poll(300.0) == []
    made = counter(rig, pulse="high")
    made.wires.suffer("it", trouble)
    assert made.fault(20.0).code == "blocked"
    made.wires.recover("it")
    calm(made)
    made.twin.walk(1)
    assert told(made.poll(2.0)) == [("passage", 1)]


def test_stuck_lines_count_nobody(rig) -> None:
    made = counter(rig)
    made.wires.suffer("it", Trouble.STUCK)
    made.twin.walk(1)
    assert made.poll(3.0) == []
    made.wires.recover("it")
    made.twin.walk(1)
    assert told(made.poll(3.0)) == [("passage", 1)]


def test_closing_gives_the_pins_back(rig) -> None:
    made = counter(rig)
    with pytest.raises(GPIOPinInUse):
        made.build().open()
    made.driver.close()
    made.twin.walk(1)
    made.clock.advance(2.0)
    assert made.woken == 0
    again = made.build()
    again.open()
    again.close()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"pins": []}, "\\[in\\] or \\[in, out\\]"),
        ({"pins": [17, 27, 22]}, "\\[in\\] or \\[in, out\\]"),
        ({"pins": [17, 17]}, "different"),
        ({"pulse": "yes"}, "pulse"),
        ({"min_pulse_s": 0.5, "max_pulse_s": 0.4}, "less than 'max_pulse_s'"),
        ({"debounce_s": 0.05}, "not be more than 'min_pulse_s'"),
        ({"people": 0}, "people"),
        ({"most_per_s": 0.5}, "most_per_s"),
    ],
)
def test_wrong_settings_are_refused(rig, changed: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        counter(rig, **changed)
