"""A yes or no on one pin that counts once it has lasted: mains, a lamp's current, a screen."""

from collections.abc import Iterable
from typing import Literal, Protocol

import attrs
from attrs import validators

from devices.lines import Line
from devices.part import Driver, Mount, PinSettings
from devices.reading import Reading

_INTERVAL_S = 1.0

Level = Literal["low", "high"]


@attrs.frozen(kw_only=True)
class HeldSettings(PinSettings):
    """``hold_s``: a state counts once it has lasted so long."""

    hold_s: float = attrs.field(default=3.0, validator=[validators.ge(0.0), validators.le(60.0)])

    @property
    def yes(self) -> Level:
        """The level that means yes."""
        raise NotImplementedError

    def __attrs_post_init__(self) -> None:
        if len(self.pins) != 1:
            raise ValueError(f"'pins' must be one, [pin]: {self.pins}")


class YesOrNo(Protocol):
    """The settings of such a pin."""

    @property
    def id(self) -> str: ...

    @property
    def hold_s(self) -> float: ...

    @property
    def yes(self) -> Level: ...


class Held:
    """The pin itself; ``quantity`` is told when asked first and then at each change, dated to when it began."""

    def __init__(self, settings: YesOrNo, pin: int, quantity: str, mount: Mount) -> None:
        self._settings = settings
        self._quantity = quantity
        self._line = Line(pin, settings.hold_s, mount)
        self._untold = [self._reading(self._line.high, mount.now())]

    def changes(self, now: float) -> list[Reading]:
        readings = self._untold + [self._reading(change.high, change.at) for change in self._line.changes(now)]
        self._untold = []
        return readings

    def unsettled(self, now: float) -> float:
        """Seconds until there may be a change to tell; 0 when it is quiet."""
        return self._line.unsettled(now)

    def close(self) -> None:
        self._line.close()

    def _reading(self, high: bool, at: float) -> Reading:
        return Reading(self._settings.id, self._quantity, high == (self._settings.yes == "high"), at)


class HeldDriver(Driver):
    """A part that is nothing but such a pin; ``quantity`` is its one reading."""

    talks = True
    quantity: str

    def __init__(self, settings: HeldSettings, mount: Mount) -> None:
        self._settings = settings
        self._mount = mount
        self._held: Held | None = None

    def open(self) -> None:
        self.close()
        self._held = Held(self._settings, self._settings.pins[0], self.quantity, self._mount)

    def poll(self) -> Iterable[Reading]:
        assert self._held is not None
        now = self._mount.now()
        readings = self._held.changes(now)
        self.interval_s = self._held.unsettled(now) or _INTERVAL_S
        return readings

    def close(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None
