"""Whether a measured value can be believed: a sensor that is stuck, jumps or is out of all bounds is *degraded*.

A real sensor is never quite still: a value that is the same to the last digit, reading after reading, comes from one
that has stopped measuring. A value that no room or face can have, or that moves faster than any can, comes from one that
is broken or looks at something else. Such readings stay in the telemetry, but no rule acts on them.
"""

from collections.abc import Iterable

import attrs

from devices.faults import CODES
from devices.reading import Quality, Reading
from edge.hall.devices import Devices
from edge.hall.flow import Effect, Moment
from mqtt.messages import Fault


@attrs.frozen
class Bounds:
    """What a quantity can be in a hall: ``low`` to ``high``, and no faster than ``a_second``.

    ``still_s``  how long it may read exactly the same; None: it may for ever (coarse steps, or nothing to move it).
    """

    low: float
    high: float
    a_second: float | None = None
    still_s: float | None = None


BOUNDS: dict[str, Bounds] = {
    "object_celsius": Bounds(-20.0, 80.0, still_s=600.0),
    "ambient_celsius": Bounds(-20.0, 60.0, a_second=2.0),
    "co2_ppm": Bounds(200.0, 10_000.0, a_second=300.0, still_s=6 * 3600.0),
    "celsius": Bounds(-20.0, 60.0, a_second=2.0),
    "humidity_pct": Bounds(0.0, 100.0, a_second=10.0),
}

# Stillness is judged on at least so many readings, whatever time they took.
_STILL_READINGS = 30
# After a jump or a stray value, so many good readings in a row are believed again.
_TRUSTED_AFTER = 5


@attrs.define
class _Track:
    """One quantity of one device, as it has been of late."""

    value: float
    at: float  # monotonic, of the last reading
    since: float  # monotonic, since when it is exactly this
    same: int = 1  # readings since then
    wanted: int = 0  # good readings before it is believed again
    code: str | None = None  # why it is not

    def judge(self, bounds: Bounds, value: float, at: float) -> str | None:
        """Why this reading cannot be believed; None: it can."""
        passed, moved = at - self.at, abs(value - self.value)
        self.same = self.same + 1 if not moved else 1
        self.since = self.since if not moved else at
        self.value, self.at = value, at
        if not bounds.low <= value <= bounds.high:
            self.wanted, self.code = _TRUSTED_AFTER, "out-of-range"
        elif bounds.a_second is not None and moved > bounds.a_second * max(passed, 1.0):
            self.wanted, self.code = _TRUSTED_AFTER, "jumps"
        elif bounds.still_s is not None and self.same >= _STILL_READINGS and at - self.since >= bounds.still_s:
            self.wanted, self.code = 1, "stuck"
        elif self.wanted:
            self.wanted -= 1
            self.code = self.code if self.wanted else None
        return self.code


class Believer:
    """Marks readings that cannot be believed, and says so of their device."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self._tracks: dict[tuple[str, str], _Track] = {}

    def judge(self, reading: Reading, moment: Moment) -> tuple[Reading, Iterable[Effect]]:
        """The reading as it is to be taken, and what is to be told of its device."""
        bounds = BOUNDS.get(reading.quantity)
        if bounds is None:
            return reading, ()
        key, value = (reading.device, reading.quantity), float(reading.value)
        track = self._tracks.setdefault(key, _Track(value, reading.at, reading.at, same=0))
        before, found = track.code, track.judge(bounds, value, reading.at)
        effects: Iterable[Effect] = ()
        if found != before:
            effects = self._devices.doubt(reading.device, reading.quantity, _why(found, reading.quantity), moment)
        return (reading if found is None else reading._replace(quality=Quality.SUSPECT)), effects


def _why(code: str | None, quantity: str) -> Fault | None:
    if code is None:
        return None
    words = CODES[code]
    return {"code": code, "text": {"zh": f"{words['zh']}（{quantity}）", "en": f"{words['en']} ({quantity})"}}
