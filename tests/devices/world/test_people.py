"""A day's people: how many, when, and what they are like."""

from functools import cache
from random import Random
from statistics import fmean, stdev
from zoneinfo import ZoneInfo

import attrs
import pytest

from devices.world.people import FLAGGED_C, Visitor, plan_day
from devices.world.plan import Profile
from devices.world.scenario import BUILT_IN, Scenario
from devices.world.site import Site

HALL = Site(floor_area_m2=180.0, capacity=33, counters=8, timezone=ZoneInfo("UTC"), opening=lambda day: None)
OPEN_S = 8 * 3600.0
RISING = Scenario(arrivals_per_hour=Profile.of([[0.0, 0], [1.0, 200]]), fever_share=0.1, turn_back_share=0.05)


def day(scenario: Scenario, seed: object = 1, services: str = "ABC", doors: int = 2) -> list[Visitor]:
    return plan_day(scenario, HALL, OPEN_S, list(services), doors, Random(f"{seed}"))


@cache
def many(scenario: Scenario) -> list[Visitor]:
    return [visitor for seed in range(20) for visitor in day(scenario, seed)]


def test_they_come_in_order_within_the_open_day() -> None:
    instants = [visitor.arrives_s for visitor in day(RISING)]
    assert instants == sorted(instants)
    assert 0 <= instants[0] <= instants[-1] < OPEN_S


def test_arrivals_follow_the_profile() -> None:
    """A rate that rises from 0 to 200 an hour over 8 hours: 800 a day, of them a quarter in the first half."""
    visitors = many(RISING)
    assert len(visitors) / 20 == pytest.approx(800, rel=0.03)
    early = sum(visitor.arrives_s < OPEN_S / 2 for visitor in visitors)
    assert early / len(visitors) == pytest.approx(0.25, abs=0.02)


def test_arrivals_are_meant_for_a_hall_of_so_many_counters() -> None:
    flat = Scenario(arrivals_per_hour=Profile.of(60), for_counters=16, waiting_at_opening=20)
    visitors = day(flat)
    assert len(visitors) == pytest.approx(8 * 30 + 10, abs=60)
    assert [visitor.arrives_s for visitor in visitors[:11]].count(0.0) == 10


def test_temperatures_leave_no_doubt_about_who_is_flagged() -> None:
    visitors = many(RISING)
    healthy = [visitor.displayed_c for visitor in visitors if not visitor.flagged]
    fevers = [visitor.displayed_c for visitor in visitors if visitor.flagged]
    assert fmean(healthy) == pytest.approx(36.5, abs=0.03)
    assert stdev(healthy) == pytest.approx(0.25, abs=0.03)
    assert max(healthy) <= FLAGGED_C - 0.3
    assert FLAGGED_C + 0.2 <= min(fevers) <= max(fevers) <= 39.0
    assert len(fevers) / len(visitors) == pytest.approx(0.1, abs=0.01)


def test_shares_and_favourites() -> None:
    visitors = many(RISING)
    share = 1 / len(visitors)
    assert share * sum(visitor.turns_back for visitor in visitors) == pytest.approx(0.05, abs=0.01)
    assert share * sum(visitor.service is None for visitor in visitors) == pytest.approx(0.15, abs=0.01)
    assert share * sum(visitor.door_in == 0 for visitor in visitors) == pytest.approx(2 / 3, abs=0.02)
    asked = [visitor.service for visitor in visitors if visitor.service]
    assert asked.count("A") > asked.count("B") > asked.count("C") > 0


def test_the_first_service_is_the_quickest() -> None:
    visitors = many(RISING)
    mean_s = {
        service: fmean(visitor.served_s for visitor in visitors if visitor.service == service) for service in "ABC"
    }
    assert 300 < mean_s["A"] < mean_s["B"] < mean_s["C"] < 1000


def test_the_same_seed_draws_the_same_people() -> None:
    one, same, other = (list(map(attrs.astuple, day(BUILT_IN["demo"], seed))) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_a_hall_to_which_nobody_comes() -> None:
    assert day(Scenario(arrivals_per_hour=Profile.of(0))) == []


def test_a_hall_without_a_counted_door() -> None:
    assert {visitor.door_in for visitor in day(RISING, doors=0)} == {0}
