"""The other rules, each by its cases."""

import pytest

from edge.hall.rules.crowd import Settings as CrowdSettings
from edge.hall.rules.surge import Settings as SurgeSettings


def enter(hall, people: int, *, every: float = 1.0) -> None:
    for _ in range(people):
        hall.read("door", "passage", 1, after=every)


def leave(hall, people: int, *, every: float = 1.0) -> None:
    for _ in range(people):
        hall.read("door", "passage", -1, after=every)


class TestCrowd:
    def test_is_raised_with_the_last_person_that_fits_and_not_before(self, bench) -> None:
        hall = bench()
        enter(hall, 32)
        assert hall.alarms("CROWD") == []
        enter(hall, 1)
        assert hall.alarms("CROWD") == ["raised"]

    def test_does_not_flap_around_the_limit(self, bench) -> None:
        hall = bench()
        enter(hall, 33)
        for _ in range(5):
            leave(hall, 1)
            enter(hall, 1)
        assert hall.alarms("CROWD") == ["raised"]
        leave(hall, 7)  # 26 of 33 is below 0.8
        assert hall.alarms("CROWD") == ["raised", "cleared"]

    def test_follows_the_hall_file(self, bench) -> None:
        hall = bench(crowd=CrowdSettings(warn=0.3, full=0.5))
        enter(hall, 17)
        assert hall.alarms("CROWD") == ["raised"]


class TestSurge:
    def test_is_not_judged_without_a_rate(self, bench) -> None:
        hall = bench()
        enter(hall, 200, every=2)
        assert hall.alarms("SURGE") == []

    def test_rises_over_the_rate_and_ends_well_below_it(self, bench) -> None:
        hall = bench(surge=SurgeSettings(arrivals_per_h=60, over_min=15))
        enter(hall, 14, every=60)  # 56 an hour
        assert hall.alarms("SURGE") == []
        enter(hall, 5, every=10)
        assert hall.alarms("SURGE") == ["raised"]
        hall.wait(1200)
        assert hall.alarms("SURGE") == ["raised", "cleared"]

    def test_memory_is_bounded_by_minutes_not_by_people(self, bench) -> None:
        hall = bench(surge=SurgeSettings(arrivals_per_h=60, over_min=15))
        enter(hall, 3000, every=1)
        assert len(hall.hall.save()["surge"]) < 1000


class TestAir:
    def test_must_last_a_minute(self, bench) -> None:
        hall = bench()
        hall.read("air", "co2_ppm", 1200.0)
        hall.wait(30)
        hall.read("air", "co2_ppm", 800.0)
        hall.wait(300)
        assert hall.alarms("AIR") == []

    def test_raises_switches_the_fan_and_ends_below_the_deadband(self, bench) -> None:
        hall = bench()
        hall.read("air", "co2_ppm", 1200.0)
        hall.wait(61)
        assert hall.alarms("AIR") == ["raised"]
        hall.read("air", "co2_ppm", 950.0)
        assert hall.alarms("AIR") == ["raised"]
        hall.read("air", "co2_ppm", 899.0)
        assert hall.alarms("AIR") == ["raised", "cleared"]
        switched = [a.args["on"] for o in hall.outcomes for a in o.actions if a.device == "fan"]
        assert switched == [False, True, False]

    def test_a_restart_within_the_delay_does_not_forget_it(self, bench) -> None:
        hall = bench()
        hall.read("air", "co2_ppm", 1200.0)
        hall.wait(30)
        hall.restart()
        hall.read("air", "co2_ppm", 1200.0, after=5)
        hall.wait(61)
        assert hall.alarms("AIR") == ["raised"]

    def test_of_two_sensors_in_a_zone_the_higher_counts(self, bench) -> None:
        hall = bench(zones={"air": "waiting", "air-2": "waiting"})
        for _ in range(20):
            hall.read("air", "co2_ppm", 1500.0, after=3)
            hall.read("air-2", "co2_ppm", 700.0, after=3)
        assert hall.alarms("AIR") == ["raised"]
        shown = [o.now["air/waiting"].device for o in hall.outcomes if "air/waiting" in o.now]
        assert set(shown) == {"air"}

    def test_an_output_that_comes_back_is_told_again(self, bench) -> None:
        hall = bench()
        hall.read("air", "co2_ppm", 1200.0)
        hall.wait(61)
        outcome = hall.health("fan", "ok")
        assert [(a.device, a.args) for a in outcome.actions] == [("fan", {"on": True})]


class TestHygiene:
    def test_a_round_is_due_at_its_share_of_the_day(self, bench) -> None:
        hall = bench()
        hall.wait_until("2026-03-02T12:59:00")
        assert hall.alarms("HYGIENE") == []
        hall.wait_until("2026-03-02T13:02:00")
        assert hall.alarms("HYGIENE") == ["raised"]
        hall.read("badge", "badge", "Wang Fang")
        assert hall.alarms("HYGIENE") == ["raised", "cleared"]
        (entry,) = hall.bodies("disinfection")
        assert (entry.zone, entry.by, entry.how, entry.round) == ("waiting", "Wang Fang", "badge", 1)

    def test_cards_within_ten_minutes_are_one_round(self, bench) -> None:
        hall = bench()
        for _ in range(3):
            hall.read("badge", "badge", "Wang Fang", after=120)
        hall.read("badge", "badge", "Li Wei", after=3600)
        assert [entry.round for entry in hall.bodies("disinfection")] == [1, 1, 1, 2]

    def test_nothing_is_due_on_a_day_the_hall_stays_shut(self, bench) -> None:
        hall = bench(begin="2026-03-01T08:00:00")  # a Sunday
        hall.wait_until("2026-03-01T20:00:00")
        assert hall.alarms("HYGIENE") == []


class TestContacts:
    def test_a_loop_that_opens_raises_what_it_stands_for(self, bench) -> None:
        hall = bench()
        hall.read("panic", "closed", True)
        assert hall.alarms("PANIC") == []
        hall.read("panic", "closed", False)
        hall.read("panic", "closed", True, after=3)
        assert hall.alarms("PANIC") == ["raised", "returned"]
        assert [c.closed for c in hall.bodies("contact")] == [True, False, True]


class TestDevice:
    def test_failure_and_return(self, bench) -> None:
        hall = bench()
        hall.health("temp", "ok")
        outcome = hall.health("temp", "failed", "no-answer")
        assert outcome.now["device/temp"].fault["code"] == "no-answer"
        assert "broken" in hall.bodies("alarm")[0].text["en"]
        hall.health("temp", "ok")
        assert hall.alarms("DEVICE") == ["raised", "cleared"]
        assert [(d.was, d.health) for d in hall.bodies("device")] == [("ok", "failed"), ("failed", "ok")]

    def test_less_is_no_failure(self, bench) -> None:
        hall = bench()
        hall.health("column", "degraded", "paper-near-end")
        assert hall.alarms("DEVICE") == []

    def test_another_fault_of_a_failed_device_is_told_as_new(self, bench) -> None:
        hall = bench()
        hall.health("temp", "failed", "no-answer")
        hall.health("temp", "failed", "garbled")
        assert hall.alarms("DEVICE") == ["raised", "raised"]

    def test_a_device_that_the_hall_file_no_longer_has_keeps_no_alarm(self, bench) -> None:
        hall = bench()
        hall.health("temp", "failed", "no-answer")
        hall.restart(without="temp")
        hall.step()
        assert hall.alarms("DEVICE") == ["raised", "cleared"]
        assert hall.outcomes[-1].now["alarm/DEVICE/temp"] is None

    def test_paper_that_runs_out_is_told_although_its_end_was(self, bench) -> None:
        hall = bench()
        for state in ("near-end", "out", "ok"):
            hall.read("column", "paper", state)
        assert hall.alarms("PAPER") == ["raised", "raised", "cleared"]
        assert [b.value for b in hall.bodies("alarm")] == ["near-end", "out", "out"]

    @pytest.mark.parametrize(("state", "changes"), [("near-end", ["raised"]), ("ok", []), ("out", ["raised"])])
    def test_paper(self, bench, state: str, changes: list[str]) -> None:
        hall = bench()
        hall.read("column", "paper", state)
        assert hall.alarms("PAPER") == changes


class TestButtons:
    def test_an_emergency_key_stands_until_somebody_takes_notice(self, bench) -> None:
        hall = bench(buttons={"key": "ILLNESS"})
        hall.read("key", "button", True)
        assert hall.alarms("ILLNESS") == ["raised", "returned"]
        hall.command("acknowledge", code="ILLNESS", source="key")
        assert hall.alarms("ILLNESS") == ["raised", "returned", "acknowledged", "cleared"]

    def test_a_button_of_a_zone_is_a_round_and_one_of_a_point_a_patrol(self, bench) -> None:
        hall = bench(points={"guard": "back-door"})
        hall.read("badge", "button", True)
        hall.read("guard", "button", True)
        assert [(d.zone, d.by, d.how) for d in hall.bodies("disinfection")] == [("waiting", "badge", "button")]
        assert [(p.point, p.by) for p in hall.bodies("patrol")] == [("back-door", "guard")]

    def test_a_code_says_itself_where_it_is(self, bench) -> None:
        hall = bench()
        hall.read("scanner", "code", "reception 王芳")
        hall.read("scanner", "code", "back-door 李伟")
        assert [(d.zone, d.by, d.how) for d in hall.bodies("disinfection")] == [("reception", "王芳", "code")]
        assert [(p.point, p.by) for p in hall.bodies("patrol")] == [("back-door", "李伟")]


def test_mains(bench) -> None:
    hall = bench()
    for there in (True, False, True):
        hall.read("panic", "mains", there)
    assert hall.alarms("POWER") == ["raised", "cleared"]
