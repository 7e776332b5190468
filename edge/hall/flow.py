"""What goes into the hall and what comes out of it: small values, and the shape of a rule."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, ClassVar, Protocol
from zoneinfo import ZoneInfo

import attrs

from devices.faults import Words
from devices.reading import Reading
from mqtt.messages import Body, Command, Done

# --- time --------------------------------------------------------------------------------------------------------


@attrs.frozen
class Moment:
    """One instant: monotonic seconds to measure with, wall seconds (epoch, UTC) to tell and to plan by."""

    mono: float
    wall: float
    synced: bool = True

    def at(self, mono: float) -> "Moment":
        """The moment of another monotonic instant of the same boot."""
        return Moment(mono, self.wall + (mono - self.mono), self.synced)


@attrs.frozen
class Day:
    """One local day of the hall, in wall seconds. ``opens`` and ``closes`` are None on a day it stays shut."""

    date: date
    begins: float
    ends: float
    opens: float | None
    closes: float | None

    def is_open(self, wall: float) -> bool:
        return self.opens is not None and self.closes is not None and self.opens <= wall < self.closes


class Hours(Protocol):
    """When a hall is open (``edge.hall.site.Hours``)."""

    def opening(self, day: date, tz: ZoneInfo) -> tuple[datetime, datetime] | None: ...


def day_of(wall: float, tz: ZoneInfo, hours: Hours) -> Day:
    """The local day of an instant; 23 or 25 hours long where the clocks change."""
    today = datetime.fromtimestamp(wall, tz).date()
    begins = datetime(today.year, today.month, today.day, tzinfo=tz)
    tomorrow = date.fromordinal(today.toordinal() + 1)
    ends = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=tz)
    opening = hours.opening(today, tz)
    return Day(
        date=today,
        begins=begins.timestamp(),
        ends=ends.timestamp(),
        opens=opening[0].timestamp() if opening else None,
        closes=opening[1].timestamp() if opening else None,
    )


# --- in ----------------------------------------------------------------------------------------------------------


@attrs.frozen
class Health:
    """The sampler's word on a device. ``fault`` says why it is not ``ok``."""

    device: str
    health: str  # ok | degraded | failed
    at: float
    code: str | None = None
    text: Words | None = None


@attrs.frozen
class Link:
    """The uplink's word on the line: connected or not, and how many rows the broker has refused so far."""

    connected: bool
    at: float
    refused: int = 0
    reason: str = ""


@attrs.frozen
class Request:
    """A command that has arrived, from the broker or from somebody in the hall."""

    command: Command
    at: float


Input = Reading | Health | Link | Request

# --- out ---------------------------------------------------------------------------------------------------------


@attrs.frozen
class Record:
    """An entry for the journal, at a wall time."""

    body: Body
    wall: float
    synced: bool


@attrs.frozen
class Condition:
    """What a rule says: true or false, with a value and the reason in words. The alarms do the rest.

    ``again``  an event of its own even if the condition is true already (the next person with a fever).
    ``latch``  it is over as soon as it is told, but stands until somebody acknowledges it, whatever its level.
    ``level``  1 to 4 where it differs from the code's own.
    """

    code: str
    source: str
    active: bool
    text: Words
    value: float | str | None = None
    limit: float | None = None
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0
    again: bool = False
    latch: bool = False
    level: int | None = None


@attrs.frozen
class Action:
    """Something for a device to do, after the commit."""

    device: str
    verb: str
    args: Mapping[str, Any]


Effect = Body | Condition | Action


@attrs.define
class Outcome:
    """What one step of the hall came to. Everything in ``records`` goes to the disk as one."""

    records: list[Record] = attrs.field(factory=list)
    now: dict[str, Any] = attrs.field(factory=dict)  # topic below now/ -> message, None: cleared
    actions: list[Action] = attrs.field(factory=list)
    answers: list[tuple[Command, Done]] = attrs.field(factory=list)


# --- a rule ------------------------------------------------------------------------------------------------------


class Rule:
    """One thing the hall keeps account of or judges. A rule has no clock: each call says what time it is.

    ``quantities``  the readings that :meth:`take` is given.
    ``every_s``     how often :meth:`tick` is due at least; None: only when :meth:`due` says so.
    """

    name: ClassVar[str]
    quantities: ClassVar[tuple[str, ...]] = ()

    def take(self, reading: Reading, moment: Moment) -> Iterable[Effect]:
        """A reading of one of its quantities."""
        return ()

    def tick(self, moment: Moment) -> Iterable[Effect]:
        """Time has passed."""
        return ()

    def due(self) -> float | None:
        """The monotonic instant by which the next :meth:`tick` is wanted."""
        return None

    def end_day(self, moment: Moment) -> Iterable[Effect]:
        """The last millisecond of the local day: what is gathered belongs to it."""
        return ()

    def begin_day(self, day: Day) -> None:
        """A new local day: what is counted by the day begins anew."""

    def resume_day(self, day: Day) -> None:
        """After a restart: the day that the restored state belongs to."""

    def save(self) -> Any:
        """Its state as plain JSON values; None: it has none worth keeping."""
        return None

    def restore(self, state: Any) -> None:
        """What :meth:`save` gave."""
