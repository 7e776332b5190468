"""A dry contact on one pin: panic button, fire panel relay, door leaf.

Wiring: the loop between its pin and GND, the board's pull-up (some 50 kΩ) above it, an optocoupler between for any
loop that leaves the room::

    3V3 --[pull-up]--+-- pin        closed = low        open, or cut anywhere = high
                     |
                   [loop] -- GND

A panic button is ``normally: closed``: pressing it opens the loop, and so does cutting its cable. A short across
the loop cannot be told from a closed contact (that takes an end-of-line resistor and an ADC); nor, with
``normally: open``, a cut cable from a contact at rest. A fire contact is for information only, it replaces no panel.

A level counts once it has lasted ``debounce_s`` (:mod:`devices.lines`), so a spike on a long loop calls nobody, and
a press between two polls is not missed.
"""

from collections.abc import Iterable
from typing import Literal

import attrs
from attrs import validators

from devices.lines import Line
from devices.part import Driver, Mount, Part, PinSettings, Wire
from devices.reading import Reading

_INTERVAL_S = 1.0


@attrs.frozen(kw_only=True)
class Settings(PinSettings):
    """``raises`` names the alarm (``PANIC``) that stands while the contact is not in its ``normally`` state."""

    normally: Literal["closed", "open"] = attrs.field(default="closed", validator=validators.in_(("closed", "open")))
    raises: str | None = attrs.field(default=None, validator=validators.optional(validators.matches_re(r"[A-Z-]+")))
    debounce_s: float = attrs.field(default=0.05, validator=[validators.ge(0.0), validators.le(5.0)])

    def __attrs_post_init__(self) -> None:
        if len(self.pins) != 1:
            raise ValueError(f"'pins' must be one, [pin]: {self.pins}")


class Contact(Driver):
    """Reading: ``closed``, once when opened and then at each change."""

    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        self._settings = settings
        self._mount = mount
        self._line: Line | None = None
        self._untold: list[Reading] = []

    def open(self) -> None:
        self.close()
        self._line = Line(self._settings.pins[0], self._settings.debounce_s, self._mount)
        self._untold = [self._reading(self._line.high, self._mount.now())]

    def poll(self) -> Iterable[Reading]:
        assert self._line is not None
        now = self._mount.now()
        readings = self._untold + [self._reading(change.high, change.at) for change in self._line.changes(now)]
        self._untold = []
        self.interval_s = self._line.unsettled(now) or _INTERVAL_S
        return readings

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _reading(self, high: bool, at: float) -> Reading:
        return Reading(self._settings.id, "closed", not high, at)


PART = Part(
    name="contact",
    kind="contact",
    says={"zh": "干接点（紧急按钮、消防、门磁）", "en": "dry contact (panic button, fire panel, door)"},
    wires=(Wire.PINS,),
    settings=Settings,
    driver=Contact,
)
