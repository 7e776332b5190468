"""Stand-ins for the twins that write down what the world does to them, and a hall full of them."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from devices.world.lockstep import SimClock
from devices.world.recording import Recording
from devices.world.scenario import Scenario
from devices.world.site import Site
from devices.world.twin import Trouble
from devices.world.world import World

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 3, 2)


@attrs.frozen
class Entry:
    """What the hall file would say of a device, as far as the world looks at it."""

    id: str
    zone: str | None = None
    cards: dict[str, str] = attrs.field(factory=dict)
    services: dict[str, str] = attrs.field(factory=lambda: {"A": "policy service", "B": "claims"})
    raises: str | None = None
    on: str | None = None


# One of each, as in the medium hall of the contract.
DEVICES = (
    ("door", Entry("door-main")),
    ("thermometer", Entry("entrance-temp")),
    ("air", Entry("air-waiting", zone="waiting")),
    ("disinfection", Entry("hygiene-badge", zone="waiting", cards={"1F00644BB6": "Wang"})),
    ("tickets", Entry("tickets")),
    ("contact", Entry("panic", raises="PANIC")),
    ("output", Entry("fan", on="AIR")),
)


class StandIn:
    """Every call goes into ``trace`` with its instant. A ticket comes out two seconds after its key."""

    def __init__(self, settings: Entry, hall: "Hall") -> None:
        self.settings = settings
        self.watchers: list[Callable[[bool], None]] = []
        self.on_ticket: Callable[[str], None] | None = None
        self.prints = True
        self._hall = hall
        self._tickets = 0

    def __getattr__(self, call: str) -> Callable[..., None]:
        if call.startswith("_"):
            raise AttributeError(call)
        return partial(self._hall.note, self.settings.id, call)

    def watch(self, callback: Callable[[bool], None]) -> None:
        self.watchers.append(callback)

    def press(self, what: Any) -> None:
        self._hall.note(self.settings.id, "press", what)
        if self.on_ticket is not None and self.prints:
            self._tickets += 1
            agenda = self._hall.clock.agenda
            agenda.at(self._hall.clock.monotonic() + 2.0, partial(self.on_ticket, f"{what}{self._tickets:03d}"))


@attrs.frozen
class Happening:
    at: float
    device: str
    call: str
    args: tuple[Any, ...]
    kwargs: tuple[tuple[str, Any], ...]


class Hall:
    """A world at a time of Monday, with a stand-in for each device."""

    entry = Entry
    one_of_each = DEVICES

    def __init__(
        self,
        scenario: Scenario | None,
        *,
        at: str = "00:00",
        day: date = MONDAY,
        seed: int = 0,
        site: Site | None = None,
        devices: Any = DEVICES,
        recording: Recording | None = None,
        attached: bool = True,
    ) -> None:
        self.site = site or self.medium()
        self.devices = devices
        self.epoch = datetime.combine(MONDAY, time(), self.site.timezone).timestamp()
        begin = datetime.combine(day, time.fromisoformat(at), self.site.timezone).timestamp()
        self.clock = SimClock(start=begin - self.epoch, epoch=self.epoch)
        self.world = World(self.site, scenario, self.clock, seed=seed, devices=devices, recording=recording)
        self.trace: list[Happening] = []
        self.twins: dict[str, StandIn] = {}
        self.world.wire(self)
        if attached:
            self.attach()

    @staticmethod
    def medium(timezone: ZoneInfo = SHANGHAI) -> Site:
        return Site(
            floor_area_m2=180.0,
            capacity=33,
            counters=8,
            timezone=timezone,
            opening=partial(nine_to_five, timezone),
        )

    def attach(self) -> None:
        for kind, entry in self.devices:
            self.twins[entry.id] = StandIn(entry, self)
            self.world.attach(kind, self.twins[entry.id])

    def note(self, device: str, call: str, *args: Any, **kwargs: Any) -> None:
        self.trace.append(Happening(self.clock.monotonic(), device, call, args, tuple(kwargs.items())))

    def suffer(self, device: str, trouble: Trouble) -> None:
        self.note(device, "suffer", trouble)

    def recover(self, device: str) -> None:
        self.note(device, "recover")

    def until(self, at: str, *, days: int = 0) -> None:
        when = datetime.combine(MONDAY + timedelta(days=days), time.fromisoformat(at), self.site.timezone)
        self.clock.advance(when.timestamp() - self.clock.wall())

    def seen(self, device: str, call: str) -> list[Happening]:
        return [entry for entry in self.trace if entry.device == device and entry.call == call]


def nine_to_five(timezone: ZoneInfo, day: date) -> tuple[datetime, datetime] | None:
    """Open on weekdays."""
    if day.weekday() >= 5:
        return None
    return datetime.combine(day, time(9), timezone), datetime.combine(day, time(17), timezone)


@pytest.fixture
def hall() -> type[Hall]:
    """``hall(scenario, at="11:00")`` gives one with everything in it."""
    return Hall
