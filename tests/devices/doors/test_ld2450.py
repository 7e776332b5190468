"""LD2450: its frames, and who crosses the line however badly the radar sees them."""

from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.doors import ld2450, tracks
from devices.doors.ld2450 import Target, command, cut_frame, target_in, targets
from devices.doors.ld2450_twin import frame
from devices.doors.tracks import Point, Tracks
from devices.faults import DeviceFault
from devices.serialport import Deframer
from devices.world.twin import Trouble

BUS = "/dev/ttyUSB0"
DOOR = {"bus": BUS, "line_mm": [-600, 2000, 600, 2000], "inside_mm": [0, 500]}  # the radar is inside, and looks out
EXAMPLE = bytes.fromhex("aaff03000e03b186100040010000000000000000000000000000000055cc")
words = st.integers(-0x7FFF, 0x7FFF)


def told(readings: Iterable) -> list[tuple[str, int]]:
    return [(reading.quantity, reading.value) for reading in readings]


def radar(rig, **changed):
    made = rig("ld2450", **{**DOOR, **changed})
    made.wires.pump()
    return made


def follow(steps: Iterable[list[Point]], *, hold_s: float = 5.0, start: float = 0.0) -> list[int]:
    """What ends when these points are seen, ten times a second."""
    people = Tracks(tracks.Line([-600, 2000, 600, 2000], [0, 500]), 200.0, hold_s)
    return [ended.direction for at, points in enumerate(steps) for ended in people.see(points, start + at / 10)]


def way(begin: float, end: float, frames: int, x: float = 0.0) -> list[Point]:
    return [Point(x, begin + (end - begin) * step / (frames - 1)) for step in range(frames)]


IN = way(3500, 800, 28)


def test_worked_example() -> None:
    assert targets(EXAMPLE) == [Target(-782, 1713, -16, 320)]
    assert command(0xFF, b"\x01\x00") == bytes.fromhex("fdfcfbfa0400ff00010004030201")
    assert command(0x90) == bytes.fromhex("fdfcfbfa0200900004030201")
    assert frame([Target(-782, 1713, -16, 320)]) == EXAMPLE


@given(x=words, y=words, speed=words, resolution=st.integers(0, 0xFFFF))
def test_a_slot_goes_there_and_back(x: int, y: int, speed: int, resolution: int) -> None:
    assert target_in(frame([Target(x, y, speed, resolution)])[4:12]) == (x, y, speed, resolution)


def test_empty_and_forgotten_slots_are_nobody() -> None:
    assert targets(frame([])) == []
    assert targets(frame([Target(300, 1900, 0, 0)])) == []  # esphome/esphome#15025
    assert targets(frame([Target(300, 1900, 0, 360)])) == [Target(300, 1900, 0, 360)]
    assert targets(frame([Target(300, -1900, 5, 360), Target(9000, 100, 5, 360), Target(0, 0, 5, 360)])) == []


@given(
    garbage=st.binary(max_size=60).filter(lambda noise: b"\xaa\xff\x03\x00" not in noise),
    parts=st.lists(st.integers(1, 40), max_size=8),
    broken=st.integers(0, 29),
)
def test_a_frame_is_found_behind_any_garbage_in_any_pieces(garbage: bytes, parts: list[int], broken: int) -> None:
    """What broke off costs nothing that came whole."""
    frames = Deframer(cut_frame)
    stream, found = garbage + EXAMPLE[:broken] + EXAMPLE + EXAMPLE, []
    for size in parts:
        found += frames.feed(stream[:size])
        stream = stream[size:]
    assert found + frames.feed(stream) == [EXAMPLE, EXAMPLE]


@given(bit=st.integers(0, 239))
def test_a_flipped_bit_of_the_frame_around_the_words_is_refused(bit: int) -> None:
    flipped = bytearray(EXAMPLE)
    flipped[bit // 8] ^= 1 << bit % 8
    outside = bit // 8 < 4 or bit // 8 >= 28
    assert bool(Deframer(cut_frame).feed(bytes(flipped))) is not outside


@given(bit=st.integers(0, 239), hit=st.integers(0, 27), direction=st.sampled_from([1, -1]))
@settings(max_examples=300)
def test_no_single_flipped_bit_changes_a_count(bit: int, hit: int, direction: int) -> None:
    """There is no checksum: what one bit can do must not matter."""
    frames = [bytearray(frame([Target(round(x), round(y), 16, 360)])) for x, y in IN[::direction]]
    frames[hit][bit // 8] ^= 1 << bit % 8
    seen = [[Point(t.x, t.y) for one in Deframer(cut_frame).feed(bytes(each)) for t in targets(one)] for each in frames]
    assert [ended for ended in follow(seen) if ended] == [direction]


def test_in_and_out_and_neither() -> None:
    assert follow([point] for point in IN) == [1]
    assert follow([point] for point in reversed(IN)) == [-1]
    assert follow([point] for point in IN + IN[::-1]) == [1, -1]
    back = way(3500, 1850, 18) + way(1850, 3500, 18)
    assert follow([point] for point in back) == [0]
    assert follow([point] for point in way(3500, 2100, 15) + way(2100, 3500, 15)) == []  # not past the line at all


def test_past_the_ends_of_the_line_is_no_passage() -> None:
    assert follow([point] for point in way(3500, 800, 28, x=1500)) == []
    assert follow([point] for point in way(3500, 800, 28, x=850)) == [1]  # a shoulder's breadth


def test_any_line_anywhere() -> None:
    line = tracks.Line([1000, 1000, 2000, 2000], [0, 4000])
    assert line.depth(Point(0, 4000)) > 0 > line.depth(Point(4000, 0))
    for along, depth in [(0.0, 300.0), (700.0, -1200.0)]:
        point = line.point(along, depth)
        assert (line.along(point), line.depth(point)) == (pytest.approx(along), pytest.approx(depth))


@given(lost=st.integers(1, 40), last=st.integers(8, 18))
def test_somebody_lost_near_the_line_is_the_same_when_found_again(lost: int, last: int) -> None:
    """TillFleisch/ESPHome-HLK-LD2450#14: who stands still vanishes."""
    steps = [[point] for point in IN[:last]] + [[]] * lost + [[point] for point in IN[last:]]
    assert follow(steps) == [1]


def test_after_a_silence_nobody_is_taken_for_somebody_else() -> None:
    people = Tracks(tracks.Line([-600, 2000, 600, 2000], [0, 500]), 200.0, 5.0)
    for at, point in enumerate(IN[:14]):  # in front of the line, and then no frame for a minute
        assert people.see([point], at / 10) == []
    for at, point in enumerate(IN[18:]):
        assert people.see([point], 60 + at / 10) == []


def test_who_is_lost_over_the_line_for_good_is_counted_nowhere() -> None:
    assert follow([[point] for point in IN[:18]] + [[]] * 80) == [0]
    assert follow([[point] for point in IN[:12]] + [[]] * 80) == []


def test_slots_that_change_hands_change_no_count() -> None:
    """csRon/HLK-LD2450#5: the second becomes the first."""
    first, second = way(3500, 800, 28, x=-300), way(3500, 800, 28, x=300)
    steps = [
        [point for point in pair if point is not None] for pair in zip([*first[:20], *[None] * 8], second, strict=True)
    ]
    steps = [points[::-1] if at % 3 else points for at, points in enumerate(steps)]
    assert follow(steps) == [1, 1]


def test_one_who_comes_into_sight_beside_another_is_a_second_one() -> None:
    first, second = way(3500, 800, 28, x=-200), way(3500, 800, 28, x=200)
    assert follow([[a, b] if at >= 8 else [a] for at, (a, b) in enumerate(zip(first, second, strict=True))]) == [1, 1]


def test_two_close_behind_each_other_and_both_lost_for_a_moment() -> None:
    """When they are seen again, the second is where the first was: each is looked for where they must be by now."""
    first, second = ([Point(0, begin - 200 * step) for step in range(20)] for begin in (3500, 4100))
    steps = [[] if at in (4, 5) else [a, b] for at, (a, b) in enumerate(zip(first, second, strict=True))]
    assert follow(steps) == [1, 1]


def test_two_who_pass_each_other() -> None:
    steps = [list(pair) for pair in zip(way(3500, 800, 28, x=-350), way(800, 3500, 28, x=350), strict=True)]
    assert sorted(follow(steps)) == [-1, 1]


@given(x=st.integers(-1500, 1500), y=st.integers(100, 4000), jitter=st.randoms(use_true_random=False))
def test_a_ghost_counts_nobody(x: int, y: int, jitter) -> None:
    """EverythingSmartHome/everything-presence-lite#456: a target that stays, and shakes a little."""
    steps = [[Point(x + jitter.gauss(0, 40), y + jitter.gauss(0, 40))] for _ in range(200)]
    assert [ended for ended in follow(steps) if ended] == []


@pytest.mark.parametrize("direction", [1, -1])
def test_a_passage_over_the_wire(rig, direction: int) -> None:
    door = radar(rig)
    door.twin.walk(direction)
    (passage,) = door.poll(4.0, every=0.05)
    assert (passage.quantity, passage.value, type(passage.value)) == ("passage", direction, int)
    assert passage.at == pytest.approx(1000.15 + 1700 / 1250, abs=0.3)
    assert door.poll(5.0, every=0.1) == []


@pytest.mark.parametrize("direction", [1, -1])
def test_turning_back_is_no_passage(rig, direction: int) -> None:
    door = radar(rig)
    door.twin.turn_back(direction)
    assert told(door.poll(5.0, every=0.05)) in ([("aborted", 1)], [])


def test_a_late_poll_loses_nobody(rig) -> None:
    door = radar(rig)
    for _ in range(3):
        door.twin.walk(1)
        assert told(door.poll(6.0, every=1.0)) == [("passage", 1)]


def test_a_halt_before_the_line(rig) -> None:
    door = radar(rig, hold_s=10.0)
    door.twin.walk(1, halt_s=8.0)
    assert told(door.poll(14.0, every=0.1)) == [("passage", 1)]


def test_every_third_sighting_lost(rig) -> None:
    door = radar(rig)
    door.twin.misses = 0.3
    for direction in (1, -1) * 5:
        door.twin.walk(direction)
        assert told(door.poll(5.0, every=0.1)) == [("passage", direction)]


def test_ghosts_in_the_other_slots(rig) -> None:
    door = radar(rig)
    door.twin.ghost(200, 2100)
    door.twin.ghost(-1500, 900, speed=0, resolution=360)
    door.twin.walk(-1)
    assert told(door.poll(5.0, every=0.1)) == [("passage", -1)]


def test_it_is_told_to_follow_several(rig) -> None:
    door = radar(rig)
    door.poll(0.5, every=0.1)
    assert door.twin.several
    door.twin.walk(1, aside_mm=-350)
    door.twin.walk(1, aside_mm=350)
    assert told(door.poll(5.0, every=0.1)) == [("passage", 1)] * 2


def test_a_crash_in_the_middle_of_configuring_is_mended_by_opening(rig) -> None:
    door = rig("ld2450", opened=False, **DOOR)
    door.twin.received(command(0xFF, b"\x01\x00"))
    door.clock.advance(1.0)
    door.driver.open()
    door.wires.pump()
    door.twin.walk(1)
    assert told(door.poll(5.0, every=0.1)) == [("passage", 1)]


def test_frames_that_stop_are_named_and_brought_back(rig) -> None:
    """esphome/esphome#13956."""
    door = radar(rig)
    door.poll(2.0, every=0.1)
    door.twin.hang()
    assert door.fault(seconds=10).code == "silent"
    assert code(door) is None
    door.twin.walk(1)
    assert told(door.poll(5.0, every=0.1)) == [("passage", 1)]


def test_one_that_hears_no_commands_still_counts(rig) -> None:
    """TillFleisch/ESPHome-HLK-LD2450#5."""
    door = rig("ld2450", opened=False, **DOOR)
    door.twin.deaf = True
    door.driver.open()
    door.twin.walk(1)
    assert told(door.poll(5.0, every=0.1)) == [("passage", 1)]
    door.twin.hang()
    codes = [code(door) for _ in range(20)]
    assert codes[4:] == ["silent"] * 16
    door.twin.power_cycle()
    assert [code(door) for _ in range(3)][-1] is None


def code(door) -> str | None:
    """What is wrong a second later."""
    door.wires.pump()
    door.clock.advance(1.0)
    fault = door.fault()
    return fault.code if fault else None


def test_a_frozen_frame_is_named_if_somebody_moves_in_it(rig) -> None:
    door = radar(rig)
    door.twin.walk(1)
    door.poll(1.0, every=0.1)
    door.wires.suffer("it", Trouble.STUCK)
    found = door.fault(seconds=15)
    assert (found.code, "one frame" in found.text["en"]) == ("silent", True)
    door.wires.recover("it")
    assert [code(door) for _ in range(3)][-1] is None


def test_an_empty_floor_may_look_the_same_for_hours(rig) -> None:
    door = radar(rig)
    door.wires.suffer("it", Trouble.STUCK)
    assert door.poll(120.0, every=0.5) == []


def test_silence_is_named_as_long_as_it_lasts(rig) -> None:
    door = radar(rig)
    door.poll(1.0, every=0.1)
    door.wires.suffer("it", Trouble.SILENT)
    assert [code(door) for _ in range(10)][3:] == ["silent"] * 7
    door.wires.recover("it")
    assert [code(door) for _ in range(4)][-1] is None


def test_a_wrong_baud_rate_is_garbled(rig) -> None:
    door = radar(rig)
    door.twin.baud = 115200
    assert "garbled" in [code(door) for _ in range(10)]
    door.twin.baud = 256000
    assert [code(door) for _ in range(4)][-1] is None


def test_flipped_bits_count_nobody(rig) -> None:
    door = radar(rig)
    door.wires.suffer("it", Trouble.GARBLED)
    with suppress(DeviceFault):
        assert door.poll(20.0, every=0.1) == []
    door.wires.recover("it")
    door.poll(6.0, every=0.1)
    door.twin.walk(1)
    assert told(door.poll(5.0, every=0.1)) == [("passage", 1)]


def test_unplugged_and_plugged_in_again(rig) -> None:
    door = radar(rig)
    door.wires.suffer("it", Trouble.UNPLUGGED)
    gone = door.fault()
    assert (gone.code, gone.lost) == ("unplugged", True)
    door.driver.close()
    door.wires.recover("it")
    door.driver = door.build()
    door.driver.open()
    door.twin.walk(-1)
    assert told(door.poll(5.0, every=0.1)) == [("passage", -1)]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"line_mm": [0, 0, 600]}, "two different points"),
        ({"line_mm": [5, 5, 5, 5]}, "two different points"),
        ({"line_mm": [0, 0, 60000, 0]}, "within"),
        ({"inside_mm": [0, 1, 2]}, "a point"),
        ({"inside_mm": [0, 1950]}, "further from the line"),
        ({"hysteresis_mm": 10}, "hysteresis_mm"),
        ({"hold_s": 0}, "hold_s"),
        ({"silent_s": 0.1}, "silent_s"),
    ],
)
def test_wrong_settings_are_refused(changed: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ld2450.Settings(**{"id": "it", "part": "ld2450", **DOOR, **changed})
