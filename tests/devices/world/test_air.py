"""The mass balance of CO2 against its own differential equation."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.world.air import BREATH_M3_PER_H, FAN_AIR_CHANGES_PER_H, OUTDOOR_PPM, Air

VOLUME_M3 = 540.0

people = st.integers(0, 200)
air_changes = st.floats(0.0, 20.0)
spans_s = st.floats(0.0, 86400.0)


def air_with(inside: int, air_changes_per_h: float, co2_ppm: float = OUTDOOR_PPM) -> Air:
    air = Air(VOLUME_M3, 0.0, co2_ppm)
    air.people(0.0, inside)
    air.ventilate(0.0, air_changes_per_h)
    return air


def test_one_person_gives_off_what_the_standard_reckons_with() -> None:
    """7.5 L/s of outdoor air a person keep CO2 some 700 ppm above outdoors (ASHRAE 62.1)."""
    flow_m3_per_h = 7.5 * 3.6
    above_ppm = BREATH_M3_PER_H / flow_m3_per_h * 1e6
    assert above_ppm == pytest.approx(690.0, abs=10.0)
    air = air_with(10, 10 * flow_m3_per_h / VOLUME_M3)
    assert air.at(86400.0).co2_ppm == pytest.approx(OUTDOOR_PPM + above_ppm, abs=1.0)


@pytest.mark.parametrize(("inside", "air_changes_per_h"), [(30, 0.0), (30, 0.3), (30, 3.0), (0, 1.0), (0, 0.0)])
def test_the_solution_is_that_of_small_steps(inside: int, air_changes_per_h: float) -> None:
    co2_ppm, step_h = 900.0, 1e-4
    for _ in range(20_000):
        rise = inside * BREATH_M3_PER_H / VOLUME_M3 * 1e6 + air_changes_per_h * (OUTDOOR_PPM - co2_ppm)
        co2_ppm += rise * step_h
    air = air_with(inside, air_changes_per_h, 900.0)
    assert air.at(2 * 3600.0).co2_ppm == pytest.approx(co2_ppm, rel=1e-3)


@given(people, air_changes, st.floats(0.0, 10_000.0), st.lists(spans_s, min_size=2, max_size=8))
def test_it_is_never_negative_and_goes_one_way_between_two_changes(
    inside: int, air_changes_per_h: float, begin_ppm: float, instants: list[float]
) -> None:
    air = air_with(inside, air_changes_per_h, begin_ppm)
    levels = [air.at(instant).co2_ppm for instant in sorted(instants)]
    assert all(level >= 0 for level in levels)
    steps = [later - earlier for earlier, later in itertools.pairwise(levels)]
    assert all(step >= -1e-6 for step in steps) or all(step <= 1e-6 for step in steps)


@given(people, air_changes, st.lists(st.tuples(spans_s, people, air_changes, st.booleans()), max_size=10))
def test_asking_changes_nothing(
    inside: int, air_changes_per_h: float, changes: list[tuple[float, int, float, bool]]
) -> None:
    asked, left_alone = air_with(inside, air_changes_per_h), air_with(inside, air_changes_per_h)
    now = 0.0
    for span_s, others, air_changes_then, fan in changes:
        asked.at(now + span_s / 2)
        asked.people(now + span_s / 2, inside)
        now += span_s
        for air in (asked, left_alone):
            air.people(now, others)
            air.ventilate(now, air_changes_then)
            air.fan(now, fan)
        inside = others
    one, other = asked.at(now + 60.0), left_alone.at(now + 60.0)
    assert one.co2_ppm == pytest.approx(other.co2_ppm, rel=1e-6)
    assert one.celsius == pytest.approx(other.celsius)
    assert one.humidity_pct == pytest.approx(other.humidity_pct)


def test_the_fan_brings_outdoor_air_besides_what_comes_anyway() -> None:
    fanned, opened = air_with(40, 0.5), air_with(40, 0.5 + FAN_AIR_CHANGES_PER_H)
    fanned.fan(0.0, True)
    assert fanned.at(1800.0).co2_ppm == pytest.approx(opened.at(1800.0).co2_ppm)
    fanned.fan(1800.0, False)
    assert fanned.at(3600.0).co2_ppm > fanned.at(1800.0).co2_ppm


@given(people, spans_s)
def test_temperature_and_humidity_stay_plausible(inside: int, span_s: float) -> None:
    sample = air_with(inside, 1.0).at(span_s)
    assert 21.9 <= sample.celsius <= 28.1
    assert 41.9 <= sample.humidity_pct <= 80.1


def test_a_night_renews_it() -> None:
    air = air_with(50, 0.2)
    air.renew(36000.0, 800.0)
    assert air.at(36000.0).co2_ppm == 800.0
    assert air.at(39600.0).co2_ppm < 800.0
