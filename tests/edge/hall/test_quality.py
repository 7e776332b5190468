"""A sensor that cannot be believed is degraded, and no rule acts on what it says."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.edge.hall.conftest import Bench


def healths(hall) -> list[tuple[str, str | None]]:
    return [(d.health, d.fault and d.fault["code"]) for d in hall.bodies("device")]


def test_a_thermometer_that_is_stuck_on_a_face_is_degraded_and_flags_nobody_more(bench) -> None:
    hall = bench()
    hall.health("temp", "ok")
    for _ in range(700):
        hall.read("temp", "object_celsius", 36.52, after=1)
    assert healths(hall) == [("degraded", "stuck")]
    assert hall.alarms("DEVICE") == []
    for n in range(3):
        hall.read("temp", "object_celsius", 24.0 + n / 50, after=1)
    assert healths(hall) == [("degraded", "stuck"), ("ok", None)]


def test_a_stuck_co2_sensor_keeps_no_fan_running(bench) -> None:
    hall = bench()
    for _ in range(800):
        hall.read("air", "co2_ppm", 1400.0, after=30)
    assert healths(hall) == [("degraded", "stuck")]
    assert hall.alarms("AIR") == ["raised", "cleared"]
    assert not [a for a in hall.outcomes[-1].actions if a.args.get("on")]


def test_a_value_no_hall_has_is_not_acted_on(bench) -> None:
    hall = bench()
    hall.read("air", "co2_ppm", 600.0)
    hall.read("air", "co2_ppm", 20_000.0, after=5)
    assert healths(hall) == [("degraded", "out-of-range")]
    hall.wait(120)
    assert hall.alarms("AIR") == []
    for n in range(7):
        hall.read("air", "co2_ppm", 600.0 + n, after=5)
    assert healths(hall)[-1] == ("ok", None)


def test_telemetry_keeps_what_was_measured(bench) -> None:
    hall = bench()
    hall.read("air", "co2_ppm", 20_000.0)
    hall.wait(60)
    assert hall.bodies("telemetry")[0].values["co2_ppm"]["max"] == 20_000.0


def test_a_failure_is_worse_than_a_doubt_and_both_are_told(bench) -> None:
    hall = bench()
    hall.read("air", "co2_ppm", 20_000.0)
    hall.health("air", "failed", "no-answer")
    hall.health("air", "ok")
    assert healths(hall) == [("degraded", "out-of-range"), ("failed", "no-answer"), ("degraded", "out-of-range")]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(400, 1900), min_size=20, max_size=80))
def test_a_sensor_that_moves_within_reason_is_never_doubted(values: list[float]) -> None:
    hall = Bench()
    for value in values:
        hall.read("air", "co2_ppm", value, after=10)
    assert healths(hall) == []
