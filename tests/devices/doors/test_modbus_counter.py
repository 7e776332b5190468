"""Door counters on RS-485: totals that become people, and every way in which a total goes back."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.doors.modbus_counter import Impossible, Settings, people_between
from devices.part import Driver
from devices.world.twin import Trouble
from edge.hall.doorway import Doorway
from edge.hall.flow import Moment
from tests.devices.modbus_rig import LINE, Line, fault_of, values


class Doors:
    """Counters on one line; ``door`` is the first."""

    def __init__(self, *slaves: int, **settings: Any) -> None:
        self.line = Line()
        self.twins = [self.line.add(f"door-{slave}", "modbus-counter", slave, **settings) for slave in slaves]
        self.drivers: list[Driver] = [self.line.open(f"door-{slave}") for slave in slaves]

    @property
    def twin(self) -> Any:
        return self.twins[0]

    def passages(self, seconds: float = 1.0) -> list[int]:
        self.line.pause(seconds)
        return [value for name, value in values(self.drivers[0].poll()) if name == "passage"]

    def shows(self, came: int, went: int = 0) -> None:
        self.twin.totals = [came, went]


@pytest.fixture
def doors() -> Iterator[Callable[..., Doors]]:
    made: list[Doors] = []

    def make(*slaves: int, **settings: Any) -> Doors:
        made.append(Doors(*(slaves or (1,)), **settings))
        return made[-1]

    yield make
    for each in made:
        each.line.close()


def test_the_makers_own_example(doors) -> None:
    """E851-RTU, 4.3.1.1: DI1 has counted 16, DI2 3."""
    door = doors()
    door.shows(16, 3)
    assert values(door.drivers[0].poll()) == [("total_in", 16), ("total_out", 3)]
    assert door.line.written[0].hex() == "010300300002c404"
    assert door.twin.answers(door.line.written[0]) == [(0.02, bytes.fromhex("01030400100003bbf7"))]


def test_totals_become_several_people_each_way(doors) -> None:
    door = doors()
    door.shows(1000, 990)
    assert door.passages() == []  # where counting begins
    door.shows(1003, 991)
    assert door.passages() == [3, -1]
    assert door.passages() == []
    door.shows(1003, 993)
    readings = door.drivers[0].poll()
    assert [(reading.value, reading.raw) for reading in readings if reading.quantity == "passage"] == [(-2, 993)]
    assert all(type(reading.value) is int for reading in readings)


def test_it_shows_that_it_works_when_nobody_comes(doors) -> None:
    door = doors()
    for _ in range(3):
        assert values(door.drivers[0].poll()) == [("total_in", 0), ("total_out", 0)]


@pytest.mark.parametrize(
    ("before", "now", "people"),
    [(65534, 1, 3), (65535, 0, 1), (500, 0, 0), (500, 2, 2), (65000, 2, 2), (10, 13, 3), (65533, 65535, 2)],
)
def test_a_step_back_is_a_wrap_or_a_new_beginning(doors, before: int, now: int, people: int) -> None:
    door = doors()
    door.shows(before)
    door.passages()
    door.shows(now)
    assert door.passages() == ([people] if people else [])


def test_totals_that_are_kept_without_power_never_begin_anew(doors) -> None:
    door = doors(lost_without_power=False)
    door.shows(500)
    door.passages()
    door.shows(4)  # somebody has cleared it
    assert door.passages() == []
    door.shows(6)
    assert door.passages() == [2]


def test_a_top_of_its_own(doors) -> None:
    door = doors(wrap=10000)
    door.shows(9998)
    door.passages()
    door.shows(1)
    assert door.passages() == [3]
    door.shows(12000)  # which it cannot show
    door.line.pause(1.0)
    assert fault_of(door.drivers[0]).code == "out-of-range"
    door.shows(2)
    assert door.passages() == [1]


@pytest.mark.parametrize("word_order", ["high-first", "low-first"])
def test_thirty_two_bits(doors, word_order: str) -> None:
    door = doors(bits=32, word_order=word_order, enter=0x10, leave=0x12, function=4)
    door.shows(0x0001FFFF, 0xFFFFFFFF)
    assert values(door.drivers[0].poll()) == [("total_in", 0x1FFFF), ("total_out", 0xFFFFFFFF)]
    door.shows(0x00020001, 1)
    assert door.passages() == [2, -2]
    assert door.line.written[-1][:6].hex() == "010400100004"


def test_one_way_and_registers_apart(doors) -> None:
    one = doors(leave=None)
    one.shows(5, 5)
    assert values(one.drivers[0].poll()) == [("total_in", 5)]
    apart = doors(enter=0x33, leave=0x10)
    apart.shows(7, 8)
    assert values(apart.drivers[0].poll()) == [("total_in", 7), ("total_out", 8)]
    assert len(apart.line.written) == 2


def test_a_flood_is_no_people(doors) -> None:
    """A total that jumps: another counter at that address, or one set by hand."""
    door = doors(most_per_s=3.0)
    door.shows(100, 100)
    door.passages()
    door.shows(20100, 100)
    door.line.pause(1.0)
    fault = fault_of(door.drivers[0])
    assert fault.code == "out-of-range"
    assert "in 100 -> 20100" in fault.text["en"]
    door.shows(20102, 101)
    assert door.passages() == [2, -1]


def test_who_came_while_the_line_was_dead_is_told_at_once(doors) -> None:
    door = doors(lost_without_power=False)
    door.passages()
    door.line.wires.suffer("door-1", Trouble.SILENT)
    for _ in range(40):
        door.twin.count(1)
    for _ in range(20):
        door.line.pause(1.0)
        assert fault_of(door.drivers[0]).code == "no-answer"
    door.line.wires.recover("door-1")
    door.drivers[0].close()
    door.drivers[0] = door.line.open("door-1")  # as the worker does with one that has failed
    assert door.passages() == [40]


def test_after_a_power_cut_it_counts_from_nothing(doors) -> None:
    door = doors()
    door.shows(300, 200)
    door.passages()
    door.line.wires.suffer("door-1", Trouble.UNPLUGGED)
    door.twin.count(1)  # nobody sees it
    assert fault_of(door.drivers[0]).code == "no-answer"
    door.line.wires.recover("door-1")
    door.twin.count(1)
    door.twin.count(1)
    assert door.passages() == [2]


def test_after_a_restart_counting_begins_where_it_stands(doors) -> None:
    door = doors()
    door.shows(50)
    door.passages()
    door.line.hang_up()
    door.shows(60)
    door.line.pause(1.0)
    door.drivers[0] = door.line.open("door-1")
    assert door.passages() == []
    door.twin.count(1)
    assert door.passages() == [1]


def test_several_doors_are_summed_by_the_hall(doors) -> None:
    door = doors(1, 2, 3)
    hall = Doorway()
    for driver in door.drivers:
        list(driver.poll())
    for twin, (came, went) in zip(door.twins, [(3, 1), (2, 0), (4, 4)], strict=True):
        twin.totals = [came, went]
    door.line.pause(2.0)
    for driver in door.drivers:
        for reading in driver.poll():
            if reading.quantity == "passage":
                list(hall.take(reading, Moment(reading.at, reading.at)))
    assert (hall.entered_today, hall.left_today, hall.occupancy) == (9, 5, 4)


def test_walking_through_it(doors) -> None:
    door = doors()
    door.passages()
    door.twin.walk(1)
    door.twin.walk(1)
    door.twin.turn_back(1)
    door.twin.walk(-1)
    assert door.twin.busy_until > door.line.clock.monotonic()
    assert door.passages() == [2, -1]
    door.twin.block(5.0)
    door.twin.walk(1)
    assert door.passages() == []


@pytest.mark.parametrize(
    ("trouble", "code"),
    [(Trouble.UNPLUGGED, "no-answer"), (Trouble.SILENT, "no-answer"), (Trouble.GARBLED, "garbled")],
)
def test_troubles_are_named_and_end_by_themselves(doors, trouble: Trouble, code: str) -> None:
    door = doors()
    door.passages()
    door.line.wires.suffer("door-1", trouble)
    assert fault_of(door.drivers[0]).code == code
    door.line.wires.recover("door-1")
    assert fault_of(door.drivers[0]) is None
    door.twin.count(1)
    assert door.passages() == [1]


def test_stuck_and_busy(doors) -> None:
    door = doors()
    door.passages()
    door.line.wires.suffer("door-1", Trouble.STUCK)
    door.twin.count(1)
    assert door.passages() == []
    door.line.wires.recover("door-1")
    assert door.passages() == [1]
    door.line.wires.suffer("door-1", Trouble.BUSY)
    codes = [fault.code if (fault := fault_of(door.drivers[0])) else None for _ in range(4)]
    assert sorted(codes, key=str) == [None, None, "error-flag", "error-flag"]


@given(st.integers(0, 65535), st.integers(0, 65535), st.booleans(), st.floats(4.0, 500.0))
def test_flow_is_never_negative_and_never_a_flood(before: int, now: int, lost: bool, most: float) -> None:
    try:
        people = people_between(before, now, top=65536, lost_without_power=lost, most=most)
    except Impossible:
        return
    assert 0 <= people <= most


@given(st.integers(0, 65535), st.lists(st.integers(0, 5), max_size=50))
def test_what_is_counted_is_what_passed(start: int, steps: list[int]) -> None:
    total, counted = start, 0
    for step in steps:
        after = (total + step) % 65536
        counted += people_between(total, after, top=65536, lost_without_power=True, most=9.0)
        total = after
    assert counted == sum(steps)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"enter": None, "leave": None}, "enter, leave or both"),
        ({"bits": 32}, "overlap"),
        ({"enter": 5, "leave": 5}, "overlap"),
        ({"wrap": 70000}, "16 bits hold"),
        ({"wrap": 10}, "wrap"),
        ({"bits": 8}, "bits"),
        ({"enter": 70000}, "enter"),
        ({"function": 1}, "function"),
        ({"most_per_s": 0.0}, "most_per_s"),
        ({"interval_s": 0.1}, "interval_s"),
        ({"word_order": "middle"}, "word_order"),
    ],
)
def test_wrong_settings_are_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Settings(**{"id": "it", "part": "modbus-counter", "bus": LINE, "slave": 7} | changed)
