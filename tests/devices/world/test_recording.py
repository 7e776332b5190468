"""Counts of real doors, played again: the sums come out exactly, and nobody walks through anybody."""

import itertools
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.world.recording import (
    HALF_HOUR_S,
    MARGIN_S,
    MOST_PER_HALF_HOUR,
    HalfHour,
    RecordingError,
    passages,
    read_recording,
)

counts = st.integers(0, 300) | st.integers(0, MOST_PER_HALF_HOUR // 2)
NOON = datetime(2005, 7, 25, 12)  # noqa: DTZ001  recordings are in the hall's own time


def written(folder: Path, *lines: str) -> Path:
    file = folder / "counts.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def problems_of(file: Path) -> list[str]:
    with pytest.raises(RecordingError) as caught:
        read_recording(file)
    return caught.value.problems


@given(counts, counts, st.integers(0, 5))
def test_sums_are_exact_and_single_file(going_out: int, coming_in: int, seed: int) -> None:
    played = passages(HalfHour(NOON, going_out, coming_in), seed)
    assert sum(passage.direction == 1 for passage in played) == coming_in
    assert sum(passage.direction == -1 for passage in played) == going_out
    assert all(passage.at_s >= MARGIN_S for passage in played)
    assert all(passage.at_s + passage.walk_s < HALF_HOUR_S - MARGIN_S for passage in played)
    between = [later.at_s - earlier.at_s - earlier.walk_s for earlier, later in itertools.pairwise(played)]
    assert all(gap_s > 0.15 for gap_s in between)
    assert all(0.25 < passage.walk_s <= 0.6 for passage in played)


def test_a_common_half_hour_is_walked_at_a_common_pace() -> None:
    assert {passage.walk_s for passage in passages(HalfHour(NOON, 40, 60), 1)} == {0.6}


def test_as_many_as_one_door_can_pass() -> None:
    assert len(passages(HalfHour(NOON, 0, MOST_PER_HALF_HOUR), 1)) == MOST_PER_HALF_HOUR


def test_the_same_seed_plays_the_same_and_mixes_in_with_out() -> None:
    half_hour = HalfHour(NOON, 30, 30)
    assert passages(half_hour, 1) == passages(half_hour, 1) != passages(half_hour, 2)
    first = [passage.direction for passage in passages(half_hour, 1)][:30]
    assert 5 < first.count(1) < 25


def test_reading_goes_by_the_names_of_the_columns(tmp_path: Path) -> None:
    file = written(tmp_path, "in,weather,start,out", "3,rain,2005-07-24T23:30,1", "0,sun,2005-07-25T00:30,2")
    recording = read_recording(file)
    assert recording.half_hours == [
        HalfHour(datetime(2005, 7, 24, 23, 30), 1, 3),  # noqa: DTZ001
        HalfHour(datetime(2005, 7, 25, 0, 30), 2, 0),  # noqa: DTZ001
    ]
    assert recording.first == datetime(2005, 7, 24, 23, 30)  # noqa: DTZ001
    assert recording.end == datetime(2005, 7, 25, 1)  # noqa: DTZ001
    assert recording.day(date(2005, 7, 25)) == recording.half_hours[1:]
    assert recording.day(date(2005, 7, 26)) == []


def test_every_fault_is_named_with_its_line(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "start,out,in",
        "2005-07-24T00:00,0,0",
        "yesterday,0,0",
        "2005-07-24T00:30,-1,0",
        "2005-07-24T01:00,0,two",
        "2005-07-24T01:30,0",
        "2005-07-24T02:10,0,0",
        "2005-07-24T02:30+08:00,0,0",
        "2005-07-24T00:00,0,0",
        "2005-07-24T03:00,3000,3000",
        "2005-07-24T03:30,1,1",
    )
    assert problems_of(file) == [
        "line 3: start must be a time like 2005-07-24T09:30, not 'yesterday'",
        "line 4: out must be a number of people, not '-1'",
        "line 5: in must be a number of people, not 'two'",
        "line 6: in must be a number of people, not ''",
        "line 7: start must be a whole or a half hour, not 2005-07-24T02:10",
        "line 8: start must be the hall's local time without an offset, not 2005-07-24T02:30+08:00",
        "line 9: 2005-07-24T00:00:00 does not follow 2005-07-24T00:00:00",
        "line 10: 6000 people in half an hour; one door passes at most 3977",
    ]
    with pytest.raises(RecordingError, match=r"counts\.csv: line 3: .*; and 3 more$"):
        read_recording(file)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["start,out"], "line 1: no column in"),
        ([""], "line 1: no column start, out, in"),
        (["start,out,in"], "line 2: no half hours"),
    ],
)
def test_a_file_without_what_is_needed(tmp_path: Path, lines: list[str], problem: str) -> None:
    assert problems_of(written(tmp_path, *lines)) == [problem]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert "No such file" in problems_of(tmp_path / "nowhere.csv")[0]
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")
    assert "utf-8" in problems_of(tmp_path / "binary.csv")[0]
