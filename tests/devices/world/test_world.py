"""Days in the small world: what scenarios promise, that it all happens again, and that nobody minds the gateway."""

import time
from collections import Counter
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from devices.world.plan import PlannedEmergency, PlannedTrouble, Profile
from devices.world.recording import HalfHour, Recording
from devices.world.scenario import BUILT_IN, Scenario
from devices.world.twin import Trouble

Make = Any  # conftest's Hall, which makes one

HOUR_S = 3600.0
SEEDS = range(3)


def a_day(hall: Make, name: str, seed: int = 0) -> Any:
    made = hall(BUILT_IN[name], seed=seed)
    made.until("23:59")
    return made


def busiest_hour(made: Any) -> int:
    """The most that came in within any hour."""
    entries = [entry.at for entry in made.seen("door-main", "walk") if entry.args == (1,)]
    return max(sum(begin <= at < begin + HOUR_S for at in entries) for begin in entries)


# What the built-in scenarios promise of a medium hall.


@pytest.mark.parametrize("seed", SEEDS)
def test_rush_goes_over_capacity_and_over_sixty_an_hour(hall: Make, seed: int) -> None:
    made = a_day(hall, "rush", seed)
    assert made.world.truth.most_inside > 1.3 * made.site.capacity
    assert busiest_hour(made) > 80


@pytest.mark.parametrize("seed", SEEDS)
def test_quiet_never_does(hall: Make, seed: int) -> None:
    made = a_day(hall, "quiet", seed)
    assert made.world.truth.most_inside < 0.6 * made.site.capacity
    assert busiest_hour(made) < 40
    assert made.world.truth.flagged == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_fever_flags_several_an_hour(hall: Make, seed: int) -> None:
    made = a_day(hall, "fever", seed)
    assert made.world.truth.flagged > 2.5 * 8
    assert made.world.truth.most_inside < made.site.capacity


@pytest.mark.parametrize("seed", SEEDS)
def test_bad_air_is_over_1000_ppm_within_half_an_hour(hall: Make, seed: int) -> None:
    made = hall(BUILT_IN["bad-air"], seed=seed)
    made.until("09:00")
    assert made.world.truth.co2_ppm < 1000
    made.until("09:30")
    assert made.world.truth.co2_ppm > 1000
    made.until("17:00")
    assert made.world.truth.co2_ppm > 1000
    assert made.world.truth.most_inside < made.site.capacity


@pytest.mark.parametrize("name", ["quiet", "fever", "faults"])
def test_the_others_are_aired_well(hall: Make, name: str) -> None:
    made = hall(BUILT_IN[name])
    for hour in range(24):
        made.until(f"{hour:02}:30")
        assert 419 < made.world.truth.co2_ppm < 800


@pytest.mark.parametrize("seed", SEEDS)
def test_the_demo_has_something_of_everything(hall: Make, seed: int) -> None:
    made = hall(BUILT_IN["demo"], seed=seed)
    levels = []
    for minute in range(9 * 60, 17 * 60):
        made.until(f"{minute // 60:02}:{minute % 60:02}")
        levels.append(made.world.truth.co2_ppm)
    truth = made.world.truth
    assert truth.most_inside > 0.75 * made.site.capacity
    assert 2 <= truth.flagged <= 25
    assert truth.emergencies["PANIC"] == 3
    assert max(levels) > 950
    assert min(levels[-60:]) < 800
    assert {entry.device for entry in made.trace if entry.call == "recover"} == {
        "hygiene-badge",
        "air-waiting",
        "entrance-temp",
    }
    assert [entry.args for entry in made.seen("tickets", "load_paper")] == [(30,), (500,)]


def test_faults_befall_every_device_and_each_recovers(hall: Make) -> None:
    made = a_day(hall, "faults")
    suffered = Counter(entry.device for entry in made.trace if entry.call == "suffer")
    recovered = Counter(entry.device for entry in made.trace if entry.call == "recover")
    assert suffered == recovered
    assert {(entry.device, entry.args[0]) for entry in made.trace if entry.call == "suffer"} == {
        (settings.id, trouble) for _, settings in made.devices for trouble in Trouble
    }


# A day as it goes.


@pytest.mark.parametrize("name", list(BUILT_IN))
def test_what_the_devices_saw_is_what_was_so(hall: Make, name: str) -> None:
    made = a_day(hall, name)
    truth = made.world.truth
    walks = Counter(entry.args[0] for entry in made.seen("door-main", "walk"))
    faces = [entry.args[0] for entry in made.seen("entrance-temp", "face")]
    assert (truth.entered, truth.left) == (walks[1], walks[-1])
    assert truth.turned_back == len(made.seen("door-main", "turn_back"))
    assert truth.flagged == sum(face >= 37.3 for face in faces)
    assert len(faces) == truth.entered + truth.turned_back + truth.flagged
    assert truth.wanted == len(made.seen("tickets", "press"))
    assert truth.called == truth.served + truth.absent <= len(made.seen("tickets", "call"))
    assert truth.disinfected["waiting"] == len(made.seen("hygiene-badge", "present")) == BUILT_IN[name].rounds


@pytest.mark.parametrize("name", ["rush", "quiet"])
def test_everybody_is_out_half_an_hour_after_closing(hall: Make, name: str) -> None:
    made = hall(BUILT_IN[name])
    made.until("17:30")
    truth = attrs.evolve(made.world.truth)
    assert truth.entered == truth.left > 0
    assert (truth.inside, truth.waiting) == (0, 0)
    made.until("23:59")
    assert made.world.truth == truth


def test_people_pass_a_door_single_file(hall: Make) -> None:
    made = a_day(hall, "rush")
    passages = [entry for entry in made.trace if entry.device == "door-main" and entry.call in ("walk", "turn_back")]
    for earlier, later in pairwise(passages):
        assert later.at - earlier.at > dict(earlier.kwargs)["duration_s"] + 0.5


def test_people_stand_before_the_thermometer_one_by_one(hall: Make) -> None:
    made = a_day(hall, "rush")
    faces = made.seen("entrance-temp", "face")
    assert all(2.0 < entry.args[1] < 4.0 for entry in faces)
    for earlier, later in pairwise(faces):
        assert later.at > earlier.at + earlier.args[1]


def test_nobody_comes_before_opening_and_a_crowd_waits_for_it(hall: Make) -> None:
    made = a_day(hall, "rush")
    first = made.seen("entrance-temp", "face")[0]
    assert first.at == 9 * HOUR_S
    assert len([entry for entry in made.seen("entrance-temp", "face") if entry.at < first.at + 45]) >= 10


def test_a_hall_without_a_thermometer_turns_nobody_away(hall: Make) -> None:
    devices = [(kind, settings) for kind, settings in hall.one_of_each if kind != "thermometer"]
    made = hall(BUILT_IN["fever"], devices=devices)
    made.until("23:59")
    assert made.world.truth.flagged == 0
    assert made.world.truth.entered > 0


def test_a_hall_without_any_device_lives_all_the_same(hall: Make) -> None:
    made = hall(BUILT_IN["rush"], devices=[])
    made.until("12:00")
    assert made.world.truth.entered > 200
    assert made.trace == []


def test_several_doors_share_the_people(hall: Make) -> None:
    devices = [("door", hall.entry("main")), ("door", hall.entry("side")), ("thermometer", hall.entry("lane"))]
    made = hall(BUILT_IN["rush"], devices=devices)
    made.until("23:59")
    main, side = (len(made.seen(door, "walk")) for door in ("main", "side"))
    assert main > 1.5 * side > 100
    assert main + side == made.world.truth.entered + made.world.truth.left


def test_closed_days_are_empty(hall: Make) -> None:
    made = hall(BUILT_IN["rush"])
    made.until("23:59", days=6)
    entered = {day.weekday(): truth.entered for day, truth in made.world.days.items()}
    assert [entered[weekday] > 400 for weekday in range(7)] == [True] * 5 + [False] * 2
    assert entered[5] == entered[6] == 0
    assert len(set(entered.values())) > 3, "no day is like another"


def test_the_days_are_local_ones_when_clocks_change(hall: Make) -> None:
    """29 March 2026 has 23 hours in Berlin; on the Monday after it the doors open at nine there."""
    site = hall.medium(ZoneInfo("Europe/Berlin"))
    made = hall(BUILT_IN["quiet"], site=site, day=date(2026, 3, 28))
    made.until("08:59", days=28)
    assert made.world.truth.day == date(2026, 3, 30)
    assert made.trace[-1].at < made.clock.monotonic() - HOUR_S
    made.until("09:01", days=28)
    assert made.seen("entrance-temp", "face")[0].at == pytest.approx(made.clock.monotonic() - 60.0)


# Tickets and counters.


def test_tickets_reach_those_who_asked_and_calls_go_round_the_open_counters(hall: Make) -> None:
    made = hall(BUILT_IN["rush"])
    made.until("11:00")
    calls = Counter(entry.args[0] for entry in made.seen("tickets", "call"))
    assert sorted(calls) == list(range(1, 9))
    presses = Counter(entry.args[0] for entry in made.seen("tickets", "press"))
    assert presses["A"] > presses["B"] > 0


def test_a_clerk_also_calls_when_nobody_waits_so_that_the_service_ends(hall: Make) -> None:
    made = a_day(hall, "quiet")
    assert len(made.seen("tickets", "call")) > 1.8 * made.world.truth.called


def test_people_wait_their_turn_without_a_printer(hall: Make) -> None:
    """The same people are called at the same instants, whether or not a ticket comes out."""
    printing, jammed = hall(BUILT_IN["rush"]), hall(BUILT_IN["rush"])
    jammed.twins["tickets"].prints = False
    for made in (printing, jammed):
        made.until("20:00")
    assert printing.trace == jammed.trace
    assert printing.world.truth == jammed.world.truth


def test_a_short_roll_is_changed_when_it_is_out(hall: Make) -> None:
    made = hall(attrs.evolve(BUILT_IN["fever"], tickets_left=20, new_roll_after_s=120.0))
    column = made.twins["tickets"]
    made.until("09:01")
    while made.world.truth.wanted < 20:
        made.clock.advance(1.0)
    assert made.seen("tickets", "load_paper")[-1].args == (20,)
    made.clock.advance(125.0)
    assert column.cover_open is True
    made.clock.advance(60.0)
    assert column.cover_open is False
    assert made.seen("tickets", "load_paper")[-1].args == (500,)


def test_a_printer_met_later_has_what_the_morning_left_on_its_roll(hall: Make) -> None:
    scenario = attrs.evolve(BUILT_IN["fever"], tickets_left=1000)
    made = hall(scenario, at="12:00")
    assert made.seen("tickets", "load_paper")[0].args == (1000 - made.world.truth.wanted,)


# Staff, troubles, emergencies.


@pytest.mark.parametrize(("late_min", "expected"), [(0.0, [11, 15]), (90.0, [12.5, 16.5])])
def test_rounds_are_in_the_middle_of_their_part_of_the_day_unless_late(
    hall: Make, late_min: float, expected: list[float]
) -> None:
    made = hall(attrs.evolve(BUILT_IN["quiet"], rounds_late_min=late_min))
    made.until("23:59")
    shown = made.seen("hygiene-badge", "present")
    assert [entry.at / HOUR_S for entry in shown] == pytest.approx(expected, abs=0.3)
    assert {entry.args[0] for entry in shown} == {"1F00644BB6"}


def test_a_reader_that_believes_every_card_is_shown_one(hall: Make) -> None:
    made = hall(BUILT_IN["quiet"], devices=[("disinfection", hall.entry("reader", zone="vip"))])
    made.until("23:59")
    cards = {happening.args[0] for happening in made.seen("reader", "present")}
    assert len(cards) == 1
    assert len(bytes.fromhex(cards.pop())) == 5
    assert made.world.truth.disinfected == {"vip": 2}


TROUBLED = attrs.evolve(
    BUILT_IN["quiet"],
    troubles=(
        PlannedTrouble(kind="air", trouble="unplugged", after_s=3600.0, lasting_s=600.0, repeating_s=7200.0),
        PlannedTrouble(kind="air", trouble="stuck", after_s=3900.0, lasting_s=600.0),
        PlannedTrouble(kind="output", trouble="busy", after_s=0.0, lasting_s=10.0),
    ),
    emergencies=(
        PlannedEmergency(raises="PANIC", after_s=1800.0, repeating_s=10_000.0),
        PlannedEmergency(raises="FIRE", after_s=1800.0),
    ),
)


def test_one_trouble_takes_the_place_of_another(hall: Make) -> None:
    made = hall(TROUBLED)
    made.until("12:30")
    told = [(entry.at / 60 - 540, entry.call, *entry.args) for entry in made.trace if entry.device == "air-waiting"]
    assert told == [
        (60.0, "suffer", Trouble.UNPLUGGED),
        (65.0, "recover"),
        (65.0, "suffer", Trouble.STUCK),
        (75.0, "recover"),
        (180.0, "suffer", Trouble.UNPLUGGED),
        (190.0, "recover"),
    ]


def test_who_comes_in_the_middle_of_a_trouble_finds_it(hall: Make) -> None:
    made = hall(TROUBLED, at="10:02")
    assert [(entry.call, *entry.args) for entry in made.trace if entry.device == "air-waiting"] == [
        ("suffer", Trouble.UNPLUGGED)
    ]
    made.until("10:06")
    assert [entry.args for entry in made.seen("air-waiting", "suffer")] == [(Trouble.UNPLUGGED,), (Trouble.STUCK,)]


def test_emergencies_press_the_contact_that_raises_them(hall: Make) -> None:
    made = hall(TROUBLED)
    made.until("23:59")
    assert [(entry.at - 9 * HOUR_S, entry.args) for entry in made.seen("panic", "press")] == [
        (1800.0, (2.0,)),
        (11_800.0, (2.0,)),
        (21_800.0, (2.0,)),
    ]
    assert made.world.truth.emergencies == {"PANIC": 3}


# Again, and without the gateway.


@pytest.mark.parametrize("name", list(BUILT_IN))
def test_the_same_seed_gives_the_same_day(hall: Make, name: str) -> None:
    one, other, different = a_day(hall, name, 7), a_day(hall, name, 7), a_day(hall, name, 8)
    assert one.trace == other.trace
    assert one.world.truth == other.world.truth
    assert one.world.truth.co2_ppm == other.world.truth.co2_ppm
    assert one.trace != different.trace


@pytest.mark.parametrize("name", list(BUILT_IN))
def test_met_at_eleven_it_is_as_if_one_had_been_there_all_morning(hall: Make, name: str) -> None:
    there, late = hall(BUILT_IN[name]), hall(BUILT_IN[name], at="11:00")
    there.until("11:00")
    seen = len(there.trace)
    assert late.world.truth == there.world.truth
    assert late.world.truth.co2_ppm == there.world.truth.co2_ppm
    met = len(late.trace)  # what its twins were told when they came
    for made in (there, late):
        made.until("12:00", days=1)
    assert late.trace[met:] == there.trace[seen:]
    assert late.world.days == there.world.days


def test_met_on_the_third_day_as_well(hall: Make) -> None:
    there, late = hall(BUILT_IN["demo"]), hall(BUILT_IN["demo"], at="10:17", day=date(2026, 3, 4))
    there.until("10:17", days=2)
    assert late.world.truth == there.world.truth
    assert late.world.truth.co2_ppm == pytest.approx(there.world.truth.co2_ppm, abs=1e-6)


def test_what_twins_decide_moves_nobody(hall: Make) -> None:
    left_alone, meddled = hall(BUILT_IN["demo"]), hall(BUILT_IN["demo"])
    meddled.twins["tickets"].prints = False
    meddled.until("09:30")
    for tell in meddled.twins["fan"].watchers:
        tell(True)
    meddled.until("10:15")
    left_alone.until("10:15")
    assert meddled.world.truth == left_alone.world.truth
    assert meddled.world.truth.co2_ppm < left_alone.world.truth.co2_ppm - 100
    assert meddled.trace == left_alone.trace


def test_air_sensors_are_shown_the_hall_s_air(hall: Make) -> None:
    made = hall(BUILT_IN["rush"])
    made.until("10:30")
    co2_ppm, celsius, humidity_pct = made.twins["air-waiting"].source()
    assert co2_ppm == pytest.approx(made.world.truth.co2_ppm, abs=10)
    assert 22 < celsius < 28
    assert 42 < humidity_pct < 80
    assert made.twins["entrance-temp"].ambient_c == pytest.approx(celsius, abs=0.2)


def test_a_whole_rush_day_is_caught_up_with_at_once(hall: Make) -> None:
    begin = time.process_time()
    made = hall(BUILT_IN["rush"], at="23:00")
    assert time.process_time() - begin < 0.3
    assert made.world.truth.entered > 400


def test_the_truth_of_one_day_stays_when_the_next_begins(hall: Make) -> None:
    made = hall(BUILT_IN["quiet"])
    made.until("20:00")
    monday = attrs.evolve(made.world.truth)
    made.until("00:01", days=1)
    assert made.world.days[monday.day] == monday
    assert made.world.truth.entered == 0
    assert made.world.truth.day == monday.day + timedelta(days=1)


# Recordings.


def recording(*counts: tuple[str, int, int]) -> Recording:
    return Recording(
        [
            HalfHour(datetime.fromisoformat(f"2026-03-02T{at}"), going_out, coming_in)
            for at, going_out, coming_in in counts
        ]
    )


def test_a_recording_s_sums_pass_the_first_door_in_their_half_hours(hall: Make) -> None:
    counts = [("08:30", 0, 4), ("09:00", 12, 30), ("09:30", 3, 300), ("11:00", 290, 1), ("23:30", 2, 2)]
    played = recording(*counts)
    made = hall(None, recording=played, at="08:30")
    made.until("00:00", days=1)
    seen = Counter((int(entry.at // 1800), entry.args[0]) for entry in made.seen("door-main", "walk"))
    for at, going_out, coming_in in counts:
        half_hour = int(at[:2]) * 2 + (at[3:] == "30")
        assert (seen[half_hour, -1], seen[half_hour, 1]) == (going_out, coming_in)
    assert seen.total() == sum(going_out + coming_in for _, going_out, coming_in in counts)
    yesterday = made.world.days[date(2026, 3, 2)]
    assert (yesterday.entered, yesterday.left) == (337, 307)
    assert {entry.device for entry in made.trace} == {"door-main", "tickets"}, "its people do nothing else"


def test_the_air_follows_a_recording_s_head_count_and_it_stays_when_it_ends(hall: Make) -> None:
    made = hall(None, recording=recording(("09:00", 5, 120)), at="09:00")
    made.until("10:00")
    truth = attrs.evolve(made.world.truth)
    assert 110 < truth.inside <= 120, "who goes out of an empty hall leaves nobody behind"
    assert made.world.truth.co2_ppm > 600
    made.until("13:00")
    assert made.world.truth == truth


def test_a_recording_met_in_the_middle_is_the_same(hall: Make) -> None:
    counts = [("09:00", 5, 60), ("09:30", 20, 30), ("10:00", 40, 10)]
    there, late = (hall(None, recording=recording(*counts), at=at) for at in ("09:00", "09:40"))
    there.until("09:40")
    assert late.world.truth == there.world.truth
    assert late.world.truth.co2_ppm == there.world.truth.co2_ppm
    seen, met = len(there.trace), len(late.trace)
    for made in (there, late):
        made.until("12:00")
    assert late.trace[met:] == there.trace[seen:]


def test_a_scenario_beside_a_recording_gives_all_but_people(hall: Make) -> None:
    made = hall(BUILT_IN["rush"], recording=recording(("09:00", 5, 60)), at="08:00")
    made.until("23:00")
    assert made.world.truth.entered == 60
    assert made.world.truth.disinfected == {"waiting": 2}
    assert made.seen("entrance-temp", "face") == []


def test_nobody_at_all(hall: Make) -> None:
    made = hall(Scenario(arrivals_per_hour=Profile.of(0), rounds=0))
    made.until("23:00")
    assert made.world.truth.entered == 0
    assert [entry.call for entry in made.trace] == ["load_paper"]


@pytest.mark.parametrize(("opens", "closes", "lives"), [(6, 24, True), (23, 24, False)])
def test_a_hall_that_is_open_late_is_empty_at_midnight_all_the_same(
    hall: Make, opens: int, closes: int, lives: bool
) -> None:
    plain = hall.medium()
    midnight = datetime(2026, 3, 2, tzinfo=plain.timezone)
    hours = (midnight + timedelta(hours=opens), midnight + timedelta(hours=closes))
    made = hall(BUILT_IN["rush"], site=attrs.evolve(plain, opening=lambda day: hours))
    made.until("23:59")
    assert (made.world.truth.entered > 0) == lives
    assert made.world.truth.inside == 0
