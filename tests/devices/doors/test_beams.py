"""Paired beams: who went which way, and everything that is not a passage."""

from collections.abc import Iterable

import pytest
from gpiozero.exc import GPIOPinInUse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.doors.beams import Doorway
from devices.world.twin import Trouble

OUTER, INNER = 17, 27
A, B = 0, 1
IN = [(A, True), (B, True), (A, False), (B, False)]
OUT = [(B, True), (A, True), (B, False), (A, False)]

many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def told(readings: Iterable) -> list[tuple[str, int]]:
    return [(reading.quantity, reading.value) for reading in readings]


def passages(readings: Iterable) -> list[int]:
    return [reading.value for reading in readings if reading.quantity == "passage"]


def edges_of(doorway: Doorway, edges: Iterable[tuple[int, bool]], step_s: float = 0.1) -> list[int]:
    ended = [doorway.change(beam, broken, at * step_s) for at, (beam, broken) in enumerate(edges)]
    return [direction for direction in ended if direction is not None]


def beams(rig, **changed):
    return rig("beams", pins=[OUTER, INNER], **changed)


class Quadrature:
    """The textbook decoder, by a table of steps, to measure the shorter one against."""

    CYCLE = [(False, False), (True, False), (True, True), (False, True)]

    def __init__(self) -> None:
        self.state = (False, False)
        self.position = 0

    def edge(self, beam: int, broken: bool) -> int | None:
        was, now = self.state, list(self.state)
        now[beam] = broken
        self.state = (now[0], now[1])
        if self.state == was:
            return None
        step = (self.CYCLE.index(self.state) - self.CYCLE.index(was)) % 4
        self.position += {1: 1, 3: -1}[step]
        if self.state != (False, False):
            return None
        direction, self.position = {4: 1, -4: -1, 0: 0}[self.position], 0
        return direction


@pytest.mark.parametrize(
    ("edges", "ended"),
    [
        (IN, [1]),
        (OUT, [-1]),
        (IN + IN + OUT, [1, 1, -1]),
        ([(A, True), (A, False)], [0]),
        ([(B, True), (A, True), (A, False), (B, False)], [0]),
        # Halfway through, back, and on again: one person.
        ([*IN[:3], (A, True), (A, False), (B, False)], [1]),
        # The next one breaks the outer beam before the first has left the inner one: two bodies look like that one
        # person, and are counted as one.
        ([*IN[:3], (A, True), (B, False), (B, True), (A, False), (B, False)], [1]),
        # Two meet in the doorway and both go back.
        ([(A, True), (B, True), (B, False), (A, False)], [0]),
    ],
)
def test_worked_examples(edges: list[tuple[int, bool]], ended: list[int]) -> None:
    assert edges_of(Doorway(), edges) == ended


@given(edges=st.lists(st.tuples(st.sampled_from([A, B]), st.booleans()), max_size=60))
def test_any_edges_count_as_the_textbook_says_and_never_more_than_full_crossings(edges) -> None:
    textbook = Quadrature()
    expected = [ended for beam, broken in edges if (ended := textbook.edge(beam, broken)) is not None]
    counted = edges_of(Doorway(), edges)
    assert counted == expected
    for beam in (A, B):  # a crossing breaks both beams
        assert sum(map(abs, counted)) <= edges.count((beam, True))


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("broken", ["low", "high"])
def test_a_passage_is_told_at_the_instant_it_was_over(rig, direction: int, broken: str) -> None:
    door = beams(rig, broken=broken)
    door.twin.walk(direction)
    (passage,) = door.poll(2.0)
    assert (passage.quantity, passage.value) == ("passage", direction)
    assert type(passage.value) is int
    assert passage.at == pytest.approx(1000.6)
    assert 1000.6 < door.twin.busy_until < 1000.7
    assert door.woken == 4
    assert door.poll(5.0) == []


@pytest.mark.parametrize("direction", [1, -1])
def test_turning_back_is_no_passage(rig, direction: int) -> None:
    door = beams(rig)
    door.twin.turn_back(direction)
    assert told(door.poll(2.0)) == [("aborted", 1)]


@many
@given(
    people=st.lists(
        st.tuples(
            st.sampled_from([1, -1]),
            st.booleans(),  # goes through, or turns back
            st.floats(0.2, 2.0),
            st.just(0.0) | st.floats(0.0, 3.0),  # right behind the one before, or later
        ),
        max_size=6,
    ),
    every=st.sampled_from([0.017, 0.11, 1.0, 7.0]),
    bouncing=st.booleans(),
    broken=st.sampled_from(["low", "high"]),
)
def test_single_file_is_counted_exactly_however_often_polled(rig, people, every, bouncing, broken) -> None:
    door = beams(rig, broken=broken)
    if bouncing:
        door.wires.suffer("it", Trouble.GARBLED)
    readings = []
    next_at = door.clock.monotonic()
    for direction, through, duration_s, gap_s in people:
        next_at = max(next_at, door.twin.busy_until) + gap_s
        walk = door.twin.walk if through else door.twin.turn_back
        door.clock.agenda.at(next_at, lambda walk=walk, args=(direction, duration_s): walk(args[0], duration_s=args[1]))
        next_at += duration_s + 0.05
    readings += door.poll(next_at - door.clock.monotonic() + 1.0, every=every)
    readings += door.poll(1.0)
    assert passages(readings) == [direction for direction, through, *_ in people if through]
    assert told(readings).count(("aborted", 1)) == sum(not through for _, through, *_ in people)


@pytest.mark.parametrize("beam", [A, B])
def test_a_bouncing_output_with_nobody_there_says_nothing(rig, beam: int) -> None:
    door = beams(rig)
    door.twin.chatter(beam)
    assert door.poll(2.0, every=0.0005) == []
    assert door.woken == 4


@pytest.mark.parametrize("beam", [A, B])
def test_a_bounce_while_the_other_beam_is_steadily_broken_does_not_count(rig, beam: int) -> None:
    door = beams(rig)
    door.twin.block(2.0, beam=1 - beam)
    door.poll(0.5)
    door.twin.chatter(beam)
    assert told(door.poll(4.0)) == [("aborted", 1)]


def test_edges_are_ordered_by_their_stamps_not_by_their_arrival(rig) -> None:
    door = beams(rig)
    factory = door.wires.pins()
    now = factory.ticks()
    stamped = [(OUTER, 0, 0.4), (INNER, 0, 0.3), (OUTER, 1, 0.2), (INNER, 1, 0.1)]
    for pin, level, ago in reversed(stamped):
        factory.pin(pin).when_changed(now - ago, level)
    (passage,) = door.poll()
    assert passage.value == 1
    assert passage.at == pytest.approx(1000.0 - 0.1)


@pytest.mark.parametrize("ticks", [-1e6, 1.7e9])
def test_a_stamp_of_another_clock_is_not_believed(rig, ticks: float) -> None:
    door = beams(rig)
    for pin, level in [(OUTER, 0), (INNER, 0), (OUTER, 1), (INNER, 1)]:
        door.clock.advance(0.1)
        door.wires.pins().pin(pin).when_changed(ticks, level)
    (passage,) = door.poll(0.5)
    assert (passage.value, passage.at) == (1, pytest.approx(1000.4))


LOST = [(pin, kind) for pin in (OUTER, INNER) for kind in ("falling", "rising")]


@pytest.mark.parametrize("every", [0.02, 0.15, 1.0])
@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize(("pin", "kept"), LOST)
def test_lost_edges_cost_at_most_their_own_passage(rig, pin: int, kept: str, direction: int, every: float) -> None:
    """lg#18: the kernel's interrupt came, its event did not."""
    door = beams(rig)
    door.wires.pins().pin(pin).edges = kept
    door.twin.walk(direction)
    readings = door.poll(3.0, every=every)
    assert told(readings) in ([("passage", direction)], [("aborted", 1)], [])
    door.wires.pins().pin(pin).edges = "both"
    for _ in range(3):
        door.twin.walk(direction)
        readings += door.poll(3.0, every=every)
    assert passages(readings)[-3:] == [direction] * 3
    assert len(passages(readings)) <= 4


@many
@given(deaf=st.sampled_from([OUTER, INNER]), every=st.floats(0.005, 2.0), directions=st.lists(st.sampled_from([1, -1])))
def test_a_beam_whose_edges_never_come_counts_nobody_the_wrong_way(rig, deaf, every, directions) -> None:
    door = beams(rig)
    door.wires.pins().pin(deaf).edges = "none"
    for direction in directions:
        door.twin.walk(direction)
        assert passages(door.poll(3.0, every=every)) in ([], [direction])


def test_polling_alone_can_count_where_edges_of_one_beam_are_lost(rig) -> None:
    door = beams(rig)
    door.wires.pins().pin(OUTER).edges = "none"
    door.twin.walk(1, duration_s=0.9)
    assert told(door.poll(2.0, every=0.05)) == [("passage", 1)]


@pytest.mark.parametrize("late_s", [0.001, 0.015, 0.05])
def test_a_polled_pin_that_is_ahead_of_its_edge_changes_nothing(rig, late_s: float) -> None:
    """The edge is on its way through the library while the pin is read."""
    door = beams(rig)
    factory = door.wires.pins()
    readings = []
    for pin, level in [(OUTER, 0), (INNER, 0), (OUTER, 1), (INNER, 1)]:
        line = factory.pin(pin)
        line.edges = "none"
        (line.drive_high if level else line.drive_low)()
        readings += door.poll(late_s, every=0.001)
        line.when_changed(factory.ticks() - late_s, level)
        readings += door.poll(0.2)
    assert told(readings) == [("passage", 1)]


@pytest.mark.parametrize("direction", [1, -1])
def test_late_edges_put_right_what_a_poll_could_not_order(rig, direction: int) -> None:
    door = beams(rig)
    factory = door.wires.pins()
    first, last = (OUTER, INNER)[::direction]
    door.poll()
    door.clock.advance(0.5)
    for pin in (first, last):
        factory.pin(pin).edges = "none"
        factory.pin(pin).drive_low()
    assert door.poll() == []  # both at once, as far as the pins tell
    door.clock.advance(0.005)
    factory.pin(last).when_changed(factory.ticks() - 0.006, 0)
    factory.pin(first).when_changed(factory.ticks() - 0.1, 0)
    assert door.poll(0.2) == []
    for pin in (first, last):
        factory.pin(pin).edges = "both"
        factory.pin(pin).drive_high()
        door.clock.advance(0.2)
    assert told(door.poll()) == [("passage", direction)]


def test_the_driver_asks_to_be_polled_again_when_an_edge_will_count(rig) -> None:
    door = beams(rig, interval_s=30.0)
    door.poll()
    assert door.driver.interval_s == 30.0
    door.twin.walk(1)
    door.clock.advance(0.0)
    door.poll()
    assert door.driver.interval_s == pytest.approx(0.01)
    door.clock.advance(0.011)
    door.poll()
    assert door.driver.interval_s == 30.0


@pytest.mark.parametrize("pin", [OUTER, INNER])
def test_an_edge_that_never_was_counts_nobody(rig, pin: int) -> None:
    """gpiozero#1090: phantom events."""
    door = beams(rig)
    door.wires.pins().pin(pin).when_changed(door.wires.pins().ticks(), 0)
    assert door.woken == 1
    assert door.poll(3.0) == []  # at once, as the wake asks
    door.twin.walk(-1)
    assert told(door.poll(3.0)) == [("passage", -1)]


@pytest.mark.parametrize("beam", [A, B])
def test_a_blocked_beam_is_a_fault_that_ends_by_itself(rig, beam: int) -> None:
    door = beams(rig, blocked_s=60.0)
    door.twin.block(100.0, beam=beam)
    assert door.poll(60.0) == []
    fault = door.fault(2.0)
    assert fault is not None
    assert fault.code == "blocked"
    assert f"GPIO {(OUTER, INNER)[beam]}" in fault.text["en"]
    door.clock.advance(99.0 + 1000.0 - door.clock.monotonic())
    door.twin.walk(1, duration_s=3.0)  # while it is still there; it is gone before they are through
    assert door.fault() is not None
    door.clock.advance(3.5)
    assert told(door.poll(5.0)) == [("aborted", 1)]
    door.twin.walk(1)
    assert told(door.poll(2.0)) == [("passage", 1)]


def test_readings_come_before_the_fault(rig) -> None:
    door = beams(rig)
    door.twin.walk(1)
    door.clock.advance(1.0)
    door.twin.block(200.0)
    door.clock.advance(100.0)  # nobody polled all that time
    assert told(door.poll()) == [("passage", 1)]
    fault = door.fault()
    assert fault is not None
    assert fault.code == "blocked"


def test_opened_again_while_blocked_it_stays_blocked(rig) -> None:
    door = beams(rig, blocked_s=10.0)
    door.twin.block(60.0)
    assert door.fault(15.0) is not None
    door.driver.open()
    assert door.poll(10.0) == []
    assert door.fault(2.0) is not None


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("after_s", [0.1, 0.3, 0.5])
def test_who_stands_there_when_it_opens_is_not_counted(rig, direction: int, after_s: float) -> None:
    door = rig("beams", opened=False, pins=[OUTER, INNER])
    door.twin.walk(direction)
    door.clock.advance(after_s)
    door.driver.open()
    assert told(door.poll(3.0)) == [("aborted", 1)]


@pytest.mark.parametrize("trouble", [Trouble.UNPLUGGED, Trouble.SILENT])
def test_a_cut_cable_shows_only_where_a_broken_beam_is_high(rig, trouble: Trouble) -> None:
    blind = beams(rig)
    blind.wires.suffer("it", trouble)
    blind.twin.walk(1)
    assert blind.poll(300.0) == []

    door = beams(rig, broken="high")
    door.wires.suffer("it", trouble)
    fault = door.fault(90.0)
    assert fault is not None
    assert fault.code == "blocked"
    door.wires.recover("it")
    assert door.fault() is not None  # free, but not for long enough
    door.clock.advance(door.driver.interval_s)
    assert told(door.poll(2.0)) == [("aborted", 1)]


def test_stuck_lines_count_nobody(rig) -> None:
    door = beams(rig)
    door.wires.suffer("it", Trouble.STUCK)
    door.twin.walk(1)
    assert door.poll(3.0) == []
    door.wires.recover("it")
    door.twin.walk(1)
    assert told(door.poll(3.0)) == [("passage", 1)]


def test_closing_gives_the_pins_back(rig) -> None:
    door = beams(rig)
    with pytest.raises(GPIOPinInUse):
        door.build().open()
    door.driver.close()
    door.twin.walk(1)
    door.clock.advance(1.0)
    assert door.woken == 0
    again = door.build()
    again.open()
    again.close()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"pins": [17]}, "two, \\[outer, inner\\]"),
        ({"pins": [17, 27, 22]}, "two, \\[outer, inner\\]"),
        ({"pins": [17, 17]}, "different"),
        ({"pins": [0, 17]}, "BCM"),
        ({"broken": "yes"}, "broken"),
        ({"blocked_s": 1}, "blocked_s"),
    ],
)
def test_wrong_settings_are_refused(rig, changed: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rig("beams", **{"pins": [OUTER, INNER], **changed})
