"""What the world must know of the hall it plays in, and when its days begin."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import attrs

Opening = Callable[[date], tuple[datetime, datetime] | None]


@attrs.frozen(kw_only=True)
class Site:
    """A hall, as people come to know it.

    ``capacity``  people at once; ``opening`` tells a date's business hours (aware times), None: closed that day.
    """

    floor_area_m2: float
    capacity: int
    counters: int
    timezone: ZoneInfo
    opening: Opening


def midnight(day: date, timezone: ZoneInfo) -> float:
    """Wall time (epoch seconds) at which that day begins."""
    return datetime.combine(day, time(), timezone).timestamp()


def day_of(wall: float, timezone: ZoneInfo) -> date:
    return datetime.fromtimestamp(wall, timezone).date()


def day_after(day: date) -> date:
    return day + timedelta(days=1)
