"""Eight weeks of a real door, replayed through beams, drivers, hall, journal and broker: not one person is lost."""

import csv
import os
from collections import Counter
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.e2e.conftest import check_conservation, entries
from tests.waiting import eventually

SHANGHAI = ZoneInfo("Asia/Shanghai")

HALL = """
hall:
  branch: recorded-0001
  name: {zh: 录制的门, en: a recorded door}
  type: medium
  floor_area_m2: 1000
  timezone: Asia/Shanghai
  hours: {mon-sun: "00:00-24:00"}
  counters: 1
devices:
  - {id: door-main, part: beams, pins: [17, 27]}
"""


def sums_by_day(path: Path) -> dict[str, tuple[int, int]]:
    """What the recording counted, by local date: in and out."""
    people_in: Counter[str] = Counter()
    people_out: Counter[str] = Counter()
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            people_in[row["start"][:10]] += int(row["in"])
            people_out[row["start"][:10]] += int(row["out"])
    return {day: (people_in[day], people_out[day]) for day in people_in if people_in[day] or people_out[day]}


def replay(counts: Path, mosquitto, reader, gateway, tmp_path: Path, within: float) -> None:
    broker = mosquitto("max_queued_messages 0")
    centre = reader(broker.port)
    hall = tmp_path / "hall.yaml"
    hall.write_text(HALL, "utf-8")
    told = sums_by_day(counts)
    one = gateway(broker.url, "--fake", f"recording:{counts}", "--speed", "1000000", hall=hall)
    one.start()
    wanted = sum(people_in + people_out for people_in, people_out in told.values())

    def passages() -> int:
        return sum(1 for topic, _, _ in centre.messages if topic.endswith("/log/passage"))

    assert eventually(lambda: passages() >= wanted or not one.is_running(), within), one.log()
    assert one.stop() == 0, one.log()
    arrived: dict[str, list[int]] = {}
    for entry in entries(centre.messages):
        if entry["schema"] == "hall.log.passage/1":
            day = datetime.fromisoformat(entry["at"]).astimezone(SHANGHAI).date().isoformat()
            sums = arrived.setdefault(day, [0, 0])
            sums[0] += entry["in"]
            sums[1] += entry["out"]
    assert {day: tuple(sums) for day, sums in arrived.items()} == told
    check_conservation(centre.messages, one.state / "journal.db")


def test_two_days_of_a_made_up_door(mosquitto, reader, gateway, tmp_path: Path) -> None:
    counts = tmp_path / "counts.csv"
    lines = ["start,out,in"]
    for day in (24, 25):
        for half in range(48):
            people = (half * 7 + day) % 23 if half % 5 else 0
            lines.append(f"2005-07-{day}T{half // 2:02}:{half % 2 * 30:02},{people},{people + half % 3}")
    counts.write_text("\n".join(lines) + "\n")
    replay(counts, mosquitto, reader, gateway, tmp_path, within=120)


@pytest.mark.skipif("HALLGATE_RECORDINGS" not in os.environ, reason="needs the recordings (HALLGATE_RECORDINGS)")
def test_eight_recorded_weeks(mosquitto, reader, gateway, tmp_path: Path) -> None:
    counts = Path(os.environ["HALLGATE_RECORDINGS"]) / "door-counts" / "counts.csv"
    replay(counts, mosquitto, reader, gateway, tmp_path, within=280)
