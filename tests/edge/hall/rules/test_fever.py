"""FEVER: one person, one screening; the limit is compared as displayed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.hall.rules.fever import displayed


@pytest.mark.parametrize(
    ("raw", "shown"),
    [(15517, 37.2), (15519, 37.2), (15520, 37.3), (15522, 37.3), (15523, 37.3), (15525, 37.4)],
)
def test_raw_words_of_the_sensor_as_displayed(raw: int, shown: float) -> None:
    assert displayed(raw * 0.02 - 273.15) == shown


@given(st.floats(30, 45))
def test_displayed_is_the_nearest_tenth(celsius: float) -> None:
    assert abs(displayed(celsius) - celsius) <= 0.0551
    assert round(displayed(celsius) * 10) == pytest.approx(displayed(celsius) * 10)


def stand(hall, celsius: float, seconds: float = 5.0, room: float = 24.0) -> None:
    """Somebody stands before the thermometer, read ten times a second, and leaves."""
    for _ in range(int(seconds * 10)):
        hall.read("temp", "object_celsius", celsius, after=0.1)
    for _ in range(10):
        hall.read("temp", "object_celsius", room, after=0.1)


def test_one_person_standing_five_seconds_is_one_screening(bench) -> None:
    hall = bench()
    stand(hall, 36.52)
    (screening,) = hall.bodies("screening")
    assert (screening.celsius, screening.flagged) == (36.5, False)
    assert hall.alarms("FEVER") == []


def test_372_is_not_flagged(bench) -> None:
    hall = bench()
    stand(hall, 15519 * 0.02 - 273.15)
    (screening,) = hall.bodies("screening")
    assert (screening.celsius, screening.flagged) == (37.2, False)
    assert hall.alarms("FEVER") == []


@pytest.mark.parametrize("raw", [15522, 15523])
def test_both_sides_of_3730_are_flagged_at_the_first_reading(bench, raw: int) -> None:
    hall = bench()
    outcome = hall.read("temp", "object_celsius", raw * 0.02 - 273.15)
    assert [r.body.kind for r in outcome.records] == ["screening", "alarm"]
    assert all(r.body.is_urgent() for r in outcome.records)
    assert all(r.body.travels_in() == "alarm" for r in outcome.records)
    stand(hall, 37.31)
    assert len(hall.bodies("screening")) == 1


def test_the_peak_of_the_stay_is_what_is_recorded(bench) -> None:
    hall = bench()
    for celsius in (34.0, 35.5, 36.8, 36.4, 35.0):
        hall.read("temp", "object_celsius", celsius, after=0.1)
    stand(hall, 35.0, seconds=0.1)
    assert [s.celsius for s in hall.bodies("screening")] == [36.8]


def test_a_short_dip_does_not_make_two_people_of_one(bench) -> None:
    hall = bench()
    for celsius in (36.5, 36.5, 24.0, 24.0, 36.4, 36.5):
        hall.read("temp", "object_celsius", celsius, after=0.1)
    stand(hall, 36.5, seconds=1)
    assert len(hall.bodies("screening")) == 1


def test_two_people_one_after_the_other_are_two_screenings(bench) -> None:
    hall = bench()
    stand(hall, 36.5)
    stand(hall, 36.6)
    assert len(hall.bodies("screening")) == 2


def test_the_next_fever_is_told_although_the_first_stands(bench) -> None:
    hall = bench()
    stand(hall, 38.0)
    stand(hall, 38.2)
    assert hall.alarms("FEVER") == ["raised", "returned", "raised", "returned"]


def test_a_sensor_that_falls_silent_does_not_keep_the_person(bench) -> None:
    hall = bench()
    hall.read("temp", "object_celsius", 36.5)
    hall.wait(4)
    assert len(hall.bodies("screening")) == 1


def test_a_crash_in_the_middle_of_a_flagged_stay_ends_its_alarm(bench) -> None:
    hall = bench()
    hall.read("temp", "object_celsius", 38.0)
    hall.restart()
    hall.wait(1)
    assert hall.alarms("FEVER") == ["raised", "returned"]
    assert hall.command("acknowledge", code="FEVER", source="temp").answers[0][1].ok


def test_a_terminal_that_screens_by_itself_tells_one_person_a_reading(bench) -> None:
    hall = bench()
    hall.read("temp", "face_celsius", 36.6)
    hall.read("temp", "face_celsius", 37.29)
    assert [(s.celsius, s.flagged) for s in hall.bodies("screening")] == [(36.6, False), (37.3, True)]
    assert hall.alarms("FEVER") == ["raised", "returned"]
