"""VL53L1X: its registers, two zones in turn, and everything above a door that is not a passage."""

from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.doors import vl53l1x
from devices.doors.vl53l1x import CONFIGURATION, STATUS, Settings, Zone
from devices.faults import DeviceFault
from devices.i2c import write, write_read
from devices.world.twin import Trouble


def told(readings: Iterable) -> list[tuple[str, int]]:
    """Without the telemetry."""
    return [(reading.quantity, reading.value) for reading in readings if not reading.quantity.endswith("_mm")]


def door(rig, **changed):
    return rig("vl53l1x", **{"mount_mm": 2200.0, **changed})


def code(made, seconds: float = 1.0) -> str | None:
    """What is wrong after that long, if something still is."""
    fault = None
    end = made.clock.monotonic() + seconds
    while made.clock.monotonic() < end:
        fault = made.fault()
        made.clock.advance(made.driver.interval_s)
    return fault.code if fault else None


def zone(**changed) -> Zone:
    return Zone(Settings(**{"id": "it", "part": "vl53l1x", "mount_mm": 2200.0, **changed}))


def test_the_configuration_has_what_the_data_sheet_names() -> None:
    assert len(CONFIGURATION) == 91
    at = {number: CONFIGURATION[number - 0x2D] for number in range(0x2D, 0x88)}
    assert (at[0x30], at[0x46], at[0x80], at[0x86], at[0x87]) == (0x01, 0x20, 0xF7, 0x00, 0x00)
    assert (at[0x4B], at[0x5E], at[0x5F], at[0x61], at[0x62]) == (0x0A, 0x00, 0x60, 0x00, 0x6E)  # long, 33 ms
    assert (at[0x60], at[0x63], at[0x69]) == (0x0F, 0x0D, 0xB8)  # long


def test_the_status_table() -> None:
    assert len(STATUS) == 24
    assert [STATUS[raw] for raw in (9, 6, 4, 5, 7, 13)] == [0, 1, 2, 4, 7, 13]


def test_it_is_set_up_and_looks_through_both_zones(rig) -> None:
    made = door(rig)
    bus = made.wires.i2c("i2c-1")
    assert write_read(bus, 0x29, b"\x01\x0f", 2) == b"\xea\xcc"
    assert write_read(bus, 0x29, b"\x00\x80", 1) == b"\xf7"
    centres = set()
    for _ in range(200):
        made.poll()
        made.clock.advance(made.driver.interval_s)
        centres.add(write_read(bus, 0x29, b"\x00\x7f", 1)[0])
    assert centres == {167, 231}


@pytest.mark.parametrize("outer", [167, 231])
@pytest.mark.parametrize("direction", [1, -1])
def test_a_passage(rig, direction: int, outer: int) -> None:
    made = door(rig, outer=outer)
    made.poll(1.0)
    made.twin.walk(direction)
    readings = [reading for reading in made.poll(3.0) if reading.quantity == "passage"]
    assert [(reading.value, type(reading.value)) for reading in readings] == [(direction, int)]
    assert readings[0].at == pytest.approx(1001.8, abs=0.4)
    assert told(made.poll(5.0)) == []


@pytest.mark.parametrize("direction", [1, -1])
def test_turning_back_is_no_passage(rig, direction: int) -> None:
    made = door(rig)
    for _ in range(5):
        made.twin.turn_back(direction, duration_s=1.5)
        assert told(made.poll(4.0)) == [("aborted", 1)]


def test_a_hundred_at_a_walk(rig) -> None:
    made = door(rig)
    directions = [1, 1, -1, 1, -1] * 20
    seen: list[tuple[str, int]] = []
    for number, direction in enumerate(directions):
        made.twin.walk(direction, duration_s=0.5 + number % 7 / 10)
        seen += told(made.poll(2.5))
    assert seen == [("passage", direction) for direction in directions]


def test_what_it_sees_is_told_each_minute(rig) -> None:
    made = door(rig)
    readings = made.poll(125.0)
    assert [reading.quantity for reading in readings].count("outer_mm") in (2, 3)
    assert all(type(reading.value) is float for reading in readings)
    assert all(reading.value == pytest.approx(2200, abs=60) for reading in readings)


def test_a_door_leaf_is_nobody(rig) -> None:
    """diplix/esphome-configuration#3."""
    made = door(rig)
    for seconds in (0.1, 0.3, 0.7, 1.5):
        made.twin.leaf(seconds)
        assert told(made.poll(3.0)) == []
    made.twin.walk(1)
    made.clock.advance(0.35)
    made.twin.leaf(0.2)  # swings through while somebody is below
    assert told(made.poll(3.0)) in ([("passage", 1)], [("aborted", 1)])


def test_a_leaf_that_stays_is_named(rig) -> None:
    made = door(rig, blocked_s=10.0)
    made.twin.leaf(30.0)
    assert told(made.poll(9.0)) == []
    found = made.fault(5.0)
    assert (found.code, "door leaf" in found.text["en"]) == ("blocked", True)
    made.clock.advance(30.0)
    assert code(made) is None


@pytest.mark.parametrize("where", [0, 1])
def test_something_left_in_a_zone_is_named_and_counts_nobody(rig, where: int) -> None:
    made = door(rig, blocked_s=10.0)
    made.twin.block(30.0, where)
    assert told(made.poll(9.0)) == []
    found = made.fault(5.0)
    assert (found.code, ("outer", "inner")[where] in found.text["en"]) == ("blocked", True)
    made.clock.advance(30.0)
    assert told(made.poll(1.0)) == [("aborted", 1)]
    assert code(made) is None


def test_the_floor_is_learnt_where_nobody_passes() -> None:
    calm = zone()
    for second in range(700):
        calm.sample(2130.0 + second % 3, float(second))
    assert calm.floor_mm == pytest.approx(2131, abs=1)
    busy = zone()
    for second in range(3000):
        busy.sample(600.0 if second % 300 == 0 else 2130.0, float(second))
    assert busy.floor_mm == 2200.0


@pytest.mark.parametrize("distance", [1600.0, 2700.0, None])
def test_what_is_no_floor_is_not_learnt(distance: float | None) -> None:
    """A box below the threshold, a reflection from elsewhere, nothing at all."""
    still = zone()
    for second in range(2000):
        still.sample(distance, float(second))
    assert still.floor_mm == 2200.0


def test_who_went_behind_a_leaf_is_not_sure() -> None:
    one = zone()
    assert one.sample(600.0, 0.0) == (True, True)
    assert one.sample(90.0, 0.1) is None
    assert one.sample(2200.0, 0.2) == (False, False)
    assert one.sample(90.0, 0.3) is None  # nobody was there
    assert one.sample(600.0, 0.4) == (True, True)
    assert one.sample(2200.0, 0.5) == (False, True)


@given(distances=st.lists(st.none() | st.floats(0, 4000), max_size=200))
def test_a_zone_tells_only_changes(distances: list[float | None]) -> None:
    one = zone()
    changes = [one.sample(distance, float(at)) for at, distance in enumerate(distances)]
    states = [change[0] for change in changes if change is not None]
    assert states == [number % 2 == 0 for number in range(len(states))]


def test_a_floor_out_of_sight_is_free(rig) -> None:
    made = door(rig, mount_mm=3500.0)
    made.twin.floor_mm = 3700.0
    made.poll(1.0)
    made.twin.walk(1)
    assert told(made.poll(3.0)) == [("passage", 1)]


def test_the_first_sample_after_a_change_is_the_other_zones(rig) -> None:
    """So is the twin; a driver that took it would see everybody in both zones at once."""
    made = door(rig)
    bus = made.wires.i2c("i2c-1")
    made.twin.block(100.0, 0)

    def sample(centre: int) -> list[int]:
        write(bus, 0x29, b"\x00\x87\x00")
        write(bus, 0x29, b"\x00\x7f" + bytes([centre]))
        write(bus, 0x29, b"\x00\x87\x40")
        found = []
        for _ in range(2):
            made.clock.advance(0.036)
            found.append(int.from_bytes(write_read(bus, 0x29, b"\x00\x96", 2)))
            write(bus, 0x29, b"\x00\x86\x01")
        return found

    sample(167)
    first, second = sample(231)
    assert first < 1000 < 2000 < second


def test_a_zone_changed_while_it_ranges_is_status_13(rig) -> None:
    """adafruit/Adafruit_VL53L1X#11."""
    made = door(rig)
    bus = made.wires.i2c("i2c-1")
    write(bus, 0x29, b"\x00\x7f\x10")
    made.clock.advance(0.1)
    write_read(bus, 0x29, b"\x00\x31", 1)
    assert STATUS[write_read(bus, 0x29, b"\x00\x89", 1)[0] & 0x1F] == 13
    assert made.fault().code == "garbled"  # the driver sees that its zone is not its own, and begins anew
    assert code(made, 5.0) is None


@pytest.mark.parametrize("raw", [3, 13, 31, 0])
def test_a_bad_status_that_lasts_is_named(rig, raw: int) -> None:
    made = door(rig)
    made.twin.status = raw
    assert made.fault(5.0).code == "error-flag"
    made.twin.status = None
    assert code(made, 5.0) is None
    made.twin.walk(-1)
    assert told(made.poll(3.0)) == [("passage", -1)]


def test_noise_is_no_fault(rig) -> None:
    made = door(rig)
    made.twin.status = 6
    assert told(made.poll(10.0)) == []


@pytest.mark.parametrize("open_at_crash", [True, False])
def test_after_a_crash_it_begins_anew(rig, open_at_crash: bool) -> None:
    made = rig("vl53l1x", opened=False, mount_mm=2200.0)
    if open_at_crash:
        made.twin.crashed()
    made.clock.advance(1.0)
    made.driver.open()
    made.twin.walk(1)
    assert told(made.poll(3.0)) == [("passage", 1)]


def test_a_power_cut_is_survived(rig) -> None:
    made = door(rig)
    made.poll(1.0)
    made.twin.power_cycle()
    assert made.fault(3.0).code in ("silent", "garbled")
    assert code(made, 5.0) is None
    made.twin.walk(1)
    assert told(made.poll(3.0)) == [("passage", 1)]


def test_unplugged_and_plugged_in_again(rig) -> None:
    made = door(rig)
    made.poll(1.0)
    made.wires.suffer("it", Trouble.UNPLUGGED)
    assert code(made, 5.0) == "no-answer"
    made.wires.recover("it")
    assert code(made, 5.0) is None
    made.twin.walk(1)
    assert told(made.poll(3.0)) == [("passage", 1)]


def test_it_is_proven_well_by_what_it_sees(rig) -> None:
    made = door(rig)
    made.wires.suffer("it", Trouble.UNPLUGGED)
    assert code(made, 5.0) == "no-answer"
    made.wires.recover("it")
    assert {reading.quantity for reading in made.poll(2.0)} >= {"outer_mm"}


def test_silent(rig) -> None:
    made = door(rig)
    made.poll(1.0)
    made.wires.suffer("it", Trouble.SILENT)
    assert made.fault(3.0).code == "silent"
    assert code(made, 5.0) == "silent"
    made.wires.recover("it")
    assert code(made, 5.0) is None


def test_busy_is_named(rig) -> None:
    made = door(rig)
    made.wires.suffer("it", Trouble.BUSY)
    assert made.fault(3.0).code == "no-answer"
    made.wires.recover("it")
    assert code(made, 5.0) is None


def test_garbled_counts_nobody_and_ends_by_itself(rig) -> None:
    made = door(rig)
    made.wires.suffer("it", Trouble.GARBLED)
    codes = set()
    for _ in range(20):
        with suppress(DeviceFault):
            assert ("passage", 1) not in told(made.poll(0.5))
        fault = made.fault(1.0)
        codes.add(fault.code if fault else None)
    assert "garbled" in codes
    made.wires.recover("it")
    assert code(made, 5.0) is None


def test_stuck_counts_nobody(rig) -> None:
    made = door(rig)
    made.wires.suffer("it", Trouble.STUCK)
    made.poll(1.0)
    made.twin.walk(1)
    assert told(made.poll(3.0)) == []
    made.wires.recover("it")
    made.twin.walk(1)
    assert told(made.poll(3.0)) == [("passage", 1)]


def test_another_part_at_that_address(rig) -> None:
    made = rig("vl53l1x", opened=False, mount_mm=2200.0)
    made.twin._registers[0x0110] = 0xCB
    with pytest.raises(DeviceFault) as found:
        made.driver.open()
    assert "EACB" in found.value.text["en"]


def test_closing_stops_it_and_never_raises(rig) -> None:
    made = door(rig)
    made.driver.close()
    assert made.twin._started is None
    made.wires.suffer("it", Trouble.UNPLUGGED)
    made.driver.close()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"mount_mm": 900.0}, "mount_mm"),
        ({"outer": 199}, "outer"),
        ({"height_mm": 100.0}, "height_mm"),
        ({"nearest_mm": 2000.0}, "nearest_mm"),
        ({"mount_mm": 1500.0, "height_mm": 1000.0}, "leave nothing"),
        ({"blocked_s": 1.0}, "blocked_s"),
    ],
)
def test_wrong_settings_are_refused(changed: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        vl53l1x.Settings(**{"id": "it", "part": "vl53l1x", "mount_mm": 2200.0, **changed})
