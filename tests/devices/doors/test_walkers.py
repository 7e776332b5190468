"""How far the door parts count right, held where it must not become worse."""

import pytest

from tests.devices.doors.walkers import MANNERS, PARTS, Row, measure, table


@pytest.mark.parametrize("seed", [1, 2])
def test_single_file_through_beams_is_counted_right(seed: int) -> None:
    row = measure("beams", "single file", 120, seed)  # of five people each
    assert row.truth_in + row.truth_out == 600
    assert min(row.truth_in, row.truth_out) > 200
    assert row.right_pct >= 99.5
    assert abs(row.counted_in - row.truth_in) <= 0.005 * row.truth_in
    assert abs(row.counted_out - row.truth_out) <= 0.005 * row.truth_out


@pytest.mark.parametrize("part", ["vl53l1x", "ld2450"])
def test_single_file_elsewhere(part: str) -> None:
    row = measure(part, "single file", 30)
    assert row.error_pct <= 1.0


@pytest.mark.parametrize("part", PARTS)
def test_who_turns_back_is_counted_by_none(part: str) -> None:
    row = measure(part, "turn-back", 30)
    assert (row.counted_in, row.counted_out) == (0, 0)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("manner", ["one alone", "slow", "running"])
def test_slow_and_fast(part: str, manner: str) -> None:
    assert measure(part, manner, 20).right_pct >= 90.0


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("manner", MANNERS)
def test_never_more_than_there_were_nor_the_wrong_way(part: str, manner: str) -> None:
    row = measure(part, manner, 10, seed=3)
    assert row.counted_in <= row.truth_in
    assert row.counted_out <= row.truth_out


def test_two_who_are_one_to_beams() -> None:
    """What the table is for: nobody should take beams for a wide doorway."""
    for manner in ("two abreast", "tailgating"):
        row = measure("beams", manner, 20)
        assert row.counted_in + row.counted_out == 20
        assert row.error_pct == 50.0


def test_the_table_is_whole_and_the_same_each_time() -> None:
    rows = table(episodes=4)
    assert [(row.part, row.manner) for row in rows] == [(part, manner) for part in PARTS for manner in MANNERS]
    assert all(row.episodes == 4 for row in rows)
    assert rows[0] == measure("beams", "one alone", 4)


def test_percentages() -> None:
    assert Row("p", "m", 8, 6, 4, 3, 4, 4).right_pct == 75.0
    assert Row("p", "m", 8, 6, 4, 3, 4, 4).error_pct == 12.5
    assert Row("p", "m", 4, 3, 0, 1, 0, 0).error_pct == 25.0
