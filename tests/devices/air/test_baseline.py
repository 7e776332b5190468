"""How old the fresh air of a baseline is: told hourly, and how surely it is known."""

import pytest

from devices.air.baseline import Baseline
from devices.reading import Quality

HOUR = 3600.0


def ages(baseline: Baseline, air: list[tuple[float, float]]) -> list[tuple[float, Quality]]:
    return [(reading.value, reading.quality) for ppm, at in air for reading in baseline.age(ppm, at)]


def test_it_is_told_once_an_hour_and_never_before() -> None:
    baseline = Baseline("it", True, 0.0)
    told = [at for at in range(0, 4 * 3600, 5) if baseline.age(900.0, float(at))]
    assert told == [3600, 7200, 10800]


def test_until_the_air_was_fresh_once_the_age_is_a_least() -> None:
    baseline = Baseline("it", True, 0.0)
    assert ages(baseline, [(900, HOUR), (900, 2 * HOUR)]) == [(HOUR, Quality.SUSPECT), (2 * HOUR, Quality.SUSPECT)]
    assert ages(baseline, [(420, 3 * HOUR), (900, 5 * HOUR)]) == [(0.0, Quality.GOOD), (2 * HOUR, Quality.GOOD)]


@pytest.mark.parametrize(("ppm", "fresh"), [(400.0, True), (500.0, True), (501.0, False)])
def test_what_is_fresh(ppm: float, fresh: bool) -> None:
    told = (0.0, Quality.GOOD) if fresh else (HOUR, Quality.SUSPECT)
    assert ages(Baseline("it", True, 0.0), [(ppm, HOUR)]) == [told]


def test_without_correction_there_is_no_baseline_to_age() -> None:
    assert ages(Baseline("it", False, 0.0), [(900, 10 * HOUR)]) == []
