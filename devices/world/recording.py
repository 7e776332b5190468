"""Counts that were recorded at a real door, played again.

A recording is a CSV with the columns ``start,out,in``, one line for each half hour: its beginning in the local time
of the hall (``2005-07-24T09:30``), and how many went out and in. Lines may be missing; none may be out of order.

When within the half hour each of them went is not recorded. It is drawn by chance, single file, and so that the
half hour's own sums come out again exactly.
"""

import csv
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import IO

import attrs

HALF_HOUR_S = 1800.0
# Nobody is in the doorway this long around the turn of the half hour, so that no clock puts them into another one.
MARGIN_S = 5.0
# One person's turn: in the doorway, and until the next may follow. Single file can be quicker, but not at will.
_WALK_S, _TURN_S, _QUICKEST_TURN_S = 0.6, 1.0, 0.45
MOST_PER_HALF_HOUR = int((HALF_HOUR_S - 2 * MARGIN_S) / _QUICKEST_TURN_S)

_COLUMNS = ("start", "out", "in")


class RecordingError(ValueError):
    """A recording that cannot be played; ``problems`` names each fault with its line."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        shown = list(problems[:5]) + [f"and {len(problems) - 5} more"] * (len(problems) > 5)
        super().__init__(f"recording {name}: " + "; ".join(shown))
        self.problems = list(problems)


@attrs.frozen
class HalfHour:
    """``start`` is naive local time."""

    start: datetime
    going_out: int
    coming_in: int


@attrs.frozen
class Passage:
    """Somebody in the doorway: from when (seconds after the half hour began), how long, +1 in or -1 out."""

    at_s: float
    walk_s: float
    direction: int


class Recording:
    """The half hours of one recording, in order."""

    def __init__(self, half_hours: Sequence[HalfHour]) -> None:
        self.half_hours = list(half_hours)
        self._by_day: dict[date, list[HalfHour]] = {}
        for half_hour in self.half_hours:
            self._by_day.setdefault(half_hour.start.date(), []).append(half_hour)

    @property
    def first(self) -> datetime:
        return self.half_hours[0].start

    @property
    def end(self) -> datetime:
        return self.half_hours[-1].start + timedelta(seconds=HALF_HOUR_S)

    def day(self, day: date) -> list[HalfHour]:
        return self._by_day.get(day, [])


def read_recording(path: Path) -> Recording:
    """The whole recording in that file. Raises RecordingError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(file, path.name)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RecordingError(path.name, [str(error)]) from error


def passages(half_hour: HalfHour, seed: object) -> list[Passage]:
    """Everybody who went through in that half hour, in order; always the same for one seed."""
    random = Random(f"{seed}:{half_hour.start.isoformat()}")
    directions = [1] * half_hour.coming_in + [-1] * half_hour.going_out
    if not directions:
        return []
    random.shuffle(directions)
    room_s = HALF_HOUR_S - 2 * MARGIN_S
    turn_s = min(_TURN_S, room_s / len(directions))
    # What is left of the half hour when all have had their turn is spread at random between them.
    slack_s = max(0.0, room_s - turn_s * len(directions))
    waits_s = sorted(random.uniform(0.0, slack_s) for _ in directions)
    walk_s = _WALK_S * turn_s / _TURN_S
    return [
        Passage(MARGIN_S + wait_s + place * turn_s, walk_s, direction)
        for place, (wait_s, direction) in enumerate(zip(waits_s, directions, strict=True))
    ]


def _read(file: IO[str], name: str) -> Recording:
    rows = csv.DictReader(file, skipinitialspace=True)
    missing = [column for column in _COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise RecordingError(name, [f"line 1: no column {', '.join(missing)}"])
    problems: list[str] = []
    half_hours = list(_half_hours(rows, problems))
    if not half_hours and not problems:
        problems.append("line 2: no half hours")
    if problems:
        raise RecordingError(name, problems)
    return Recording(half_hours)


def _half_hours(rows: "csv.DictReader[str]", problems: list[str]) -> Iterator[HalfHour]:
    before: datetime | None = None
    for row in rows:
        try:
            half_hour = _half_hour(row)
            if before is not None and half_hour.start <= before:
                raise ValueError(f"{half_hour.start.isoformat()} does not follow {before.isoformat()}")
        except ValueError as error:
            problems.append(f"line {rows.line_num}: {error}")
            continue
        before = half_hour.start
        yield half_hour


def _half_hour(row: dict[str, str | None]) -> HalfHour:
    text = row["start"] or ""
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"start must be a time like 2005-07-24T09:30, not {text!r}") from None
    if start.tzinfo is not None:
        raise ValueError(f"start must be the hall's local time without an offset, not {text}")
    if start.minute % 30 or start.second or start.microsecond:
        raise ValueError(f"start must be a whole or a half hour, not {text}")
    going_out, coming_in = _count(row, "out"), _count(row, "in")
    if going_out + coming_in > MOST_PER_HALF_HOUR:
        raise ValueError(
            f"{going_out + coming_in} people in half an hour; one door passes at most {MOST_PER_HALF_HOUR}"
        )
    return HalfHour(start, going_out, coming_in)


def _count(row: dict[str, str | None], column: str) -> int:
    text = (row[column] or "").strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise ValueError(f"{column} must be a number of people, not {text!r}")
    return int(text)
