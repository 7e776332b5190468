"""The bench says sane things about both programs, and leaves nothing behind. How fast they are is no test's business."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from bench import replay, steady
from bench.wire import Line, frame_of
from devices.temperature.gy_mcu90614 import GyMcu90614
from edge import hallfile
from edge.agent import plan_of
from tests.brokers import mosquitto_binary


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not pytest's own: a socket's name must be short."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def result(folder: Path) -> steady.Result:
    mosquitto_binary()  # or skip
    return steady.measure(devices=3, seconds=2.0, fevers=3, cold_starts=1, warm_up=1.0, folder=folder)


@pytest.mark.parametrize("name", ["hallgate", "plain"])
def test_each_program_is_seen_at_work(result: steady.Result, name: str) -> None:
    figures = result.programs[name]
    assert 5 < figures.memory.pss <= figures.memory.rss < 500
    assert 0 <= figures.cpu_pct < 200
    assert figures.wake_ups_s > 0
    assert 0 < figures.cold_start_s < 30
    assert figures.written_mb_h >= 0
    assert (figures.alarms, figures.alarms_missing) == (3, 0)
    assert figures.alarm_p50_ms is not None
    assert figures.alarm_p99_ms is not None
    assert 0 < figures.alarm_p50_ms <= figures.alarm_p99_ms < 10_000


def test_what_went_by_on_the_wire_and_the_line(result: steady.Result) -> None:
    assert 3 <= result.frames <= 9
    assert result.sync_ms > 0
    assert result.programs["plain"].line_bytes_reading > 10  # it sends each reading


def test_nothing_is_left_behind(result: steady.Result, folder: Path) -> None:
    assert not list(folder.iterdir())


def test_the_table_has_both_and_the_aims(result: steady.Result) -> None:
    table = steady.table(result)
    for word in ("hallgate", "plain", "ratio", "aim", "cold start", "12  ms"):
        assert word in table


def test_nothing_measured_is_a_dash(result: steady.Result) -> None:
    figures = attrs.evolve(result.programs["plain"], alarm_p50_ms=None, alarm_p99_ms=None)
    assert "–" in steady.table(attrs.evolve(result, programs={**result.programs, "plain": figures}))


def test_its_frame_is_one_that_the_driver_reads() -> None:
    frame = frame_of(38.0)
    assert GyMcu90614.cut(frame) == (9, frame)
    assert GyMcu90614.words(frame) == (3800, 2350)


def test_a_line_that_nobody_reads_holds_up_nobody() -> None:
    line = Line()
    try:
        for _ in range(10_000):
            line.send(bytes(9))
        assert os.path.exists(line.name)
    finally:
        line.close()


def test_the_same_readings_come_to_the_same_entries() -> None:
    again = replay.measure(hours=0.05)
    assert again.readings > 1000
    assert again.entries > 0
    assert again.readings_s > 0
    assert "the same each time" in replay.table(again)


def test_a_difference_would_be_seen() -> None:
    hall_file = hallfile.load(replay.HALL)
    tape = replay.record(hall_file, 0.02)
    plan = plan_of(hall_file)
    told = list(replay.lines(*replay.judge(plan, tape)))
    del tape.batches[len(tape.batches) // 2]
    assert list(replay.lines(*replay.judge(plan, tape))) != told
