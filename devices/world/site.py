"""What the world must know of the hall it plays in, and where its events go."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import attrs

from devices.world.lockstep import Agenda, SimClock

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


class Course:
    """The order in which things happen to the hall: first what has been, as quickly as it can be reckoned, then what
    comes, on a clock's agenda. Whoever plans an event need not know which of the two it is.
    """

    def __init__(self, begin: float) -> None:
        self._past_now = begin
        self._past: Agenda | None = Agenda()
        self._clock: SimClock | None = None

    def now(self) -> float:
        """Monotonic seconds."""
        return self._clock.monotonic() if self._clock is not None else self._past_now

    def at(self, instant: float, call: Callable[[], None]) -> None:
        agenda = self._clock.agenda if self._clock is not None else self._past
        assert agenda is not None
        agenda.at(instant, call)

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        self.at(self.now() + seconds, call)

    def catch_up(self, clock: SimClock) -> None:
        """Let all happen that has happened by that clock; what comes is the clock's from then on."""
        past = self._past
        assert past is not None
        while (due := past.next_due()) is not None and due <= clock.monotonic():
            self._past_now = max(self._past_now, due)
            call = past.pop(due)
            assert call is not None
            call()
        self._clock, self._past = clock, None
        while (due := past.next_due()) is not None:
            call = past.pop(due)
            assert call is not None
            clock.agenda.at(due, call)
