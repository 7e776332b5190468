"""When a load may change: what is asked of it, a person who overrides that for a while, and the load's own pace."""

import attrs
from attrs import validators

from devices.part import PinSettings

_LONGEST_OVERRIDE_S = 86400.0


@attrs.frozen(kw_only=True)
class Pace(PinSettings):
    """Once on, it stays on for ``min_on_s``, and off for ``min_off_s``, whoever asks; also after the driver opens."""

    min_on_s: float = attrs.field(default=0.0, validator=[validators.ge(0.0), validators.le(3600.0)])
    min_off_s: float = attrs.field(default=0.0, validator=[validators.ge(0.0), validators.le(3600.0)])


class Restraint:
    """Begins off at ``now``. Whoever holds it asks :meth:`settle` what the load is to be."""

    def __init__(self, pace: Pace, now: float) -> None:
        self.on = False
        self._pace = pace
        self._since = now
        self._asked = False
        self._override: bool | None = None
        self._until = 0.0

    def ask(self, on: bool) -> None:
        """The hall wants it so."""
        self._asked = on

    def override(self, on: bool, seconds: float, now: float) -> None:
        """A person wants it so for that long, whatever the hall asks; 0 ends it."""
        self._override, self._until = on, now + seconds

    def settle(self, now: float) -> bool:
        """Whether it is on from now on."""
        if self._wanted(now) != self.on and not self._held(now):
            self.on, self._since = not self.on, now
        return self.on

    def unsettled(self, now: float) -> float:
        """Seconds until it may change by itself; 0 when it won't."""
        waits = [self._until - now] if self._override is not None and self._until > now else []
        if self._wanted(now) != self.on:
            waits.append(self._held(now))
        return max(0.001, min(waits)) if waits else 0.0

    def _wanted(self, now: float) -> bool:
        return self._override if self._override is not None and now < self._until else self._asked

    def _held(self, now: float) -> float:
        """Seconds for which it must stay as it is."""
        least = self._pace.min_on_s if self.on else self._pace.min_off_s
        return max(0.0, self._since + least - now)


def switch_of(args: dict[str, object]) -> bool:
    """The state that the arguments of ``switch`` ask for. Raises ValueError."""
    on = args.get("on")
    if args.keys() != {"on"} or not isinstance(on, bool):
        raise ValueError(f'"switch" takes {{"on": true}} or {{"on": false}}, not {args}')
    return on


def override_of(args: dict[str, object]) -> tuple[bool, float]:
    """The state and the seconds that the arguments of ``override`` ask for. Raises ValueError."""
    on, seconds = args.get("on"), args.get("seconds")
    if args.keys() != {"on", "seconds"} or not isinstance(on, bool) or not is_seconds(seconds, _LONGEST_OVERRIDE_S):
        raise ValueError(f'"override" takes {{"on": true, "seconds": 0 to {_LONGEST_OVERRIDE_S:.0f}}}, not {args}')
    assert isinstance(seconds, int | float)
    return on, float(seconds)


def is_seconds(value: object, longest: float) -> bool:
    """Whether that is a number of seconds from 0 to ``longest``."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= longest
