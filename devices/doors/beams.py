"""Two break beams across one doorway, on two pins: the order in which they break says which way somebody went.

Wiring: each receiver's open collector (NPN) or relay between its pin and GND, the board's own pull-up (some 50 kΩ)
above it; 24 V receivers behind an optocoupler. ``pins: [outer, inner]``, outer towards the street, the two so close
together that one body breaks both. Where the receiver lets one choose, let it conduct while it sees its light
(``broken: high``): its cut cable then shows as a blocked beam, otherwise (``broken: low``) as nobody, for ever::

    outer A  ....XXXXXXXX........     A, AB, B, none: in,  +1     X = broken
    inner B  ........XXXXXXXX....     B, AB, A, none: out, -1

Beams change one at a time, so what happens between two clear moments is a walk to and fro along that line; it ends
on the other side if, and only if, the beam freed last is not the one that was broken first. A step back, an arm, a
bouncing output or a second body close behind can lengthen the walk; none of them can make it count twice.

Each line is read and debounced as a contact is (:class:`devices.contacts.contact.Line`): edges stamped where they
happen, and the pin polled, because edges get lost. A lost edge that the poll finds has its place only if the other
beam did nothing meanwhile; a passage whose order is unsure by that is "aborted", never guessed.
"""

from collections.abc import Iterable
from typing import Literal

import attrs
from attrs import validators

from devices.faults import fault
from devices.lines import Edge, Line
from devices.part import Driver, Mount, Part, PinSettings, Wire
from devices.reading import Reading

_OUTER, _INNER = 0, 1
# Longer than an output bounces, shorter than a hand takes through a beam or a beam is free between two people.
_LASTING_S = 0.01


@attrs.frozen(kw_only=True)
class Settings(PinSettings):
    """``broken`` is the line's level while something stands in the beam; ``blocked_s`` of that are a fault."""

    broken: Literal["low", "high"] = attrs.field(default="low", validator=validators.in_(("low", "high")))
    blocked_s: float = attrs.field(default=60.0, validator=[validators.ge(5.0), validators.le(3600.0)])
    interval_s: float = attrs.field(default=1.0, validator=[validators.ge(0.1), validators.le(60.0)])

    def __attrs_post_init__(self) -> None:
        if len(self.pins) != 2:
            raise ValueError(f"'pins' must be two, [outer, inner]: {self.pins}")


class Doorway:
    """What two beams have seen since the doorway was last clear."""

    def __init__(self) -> None:
        self._since: list[float | None] = [None, None]  # when each was broken
        self._first = _OUTER
        self._unsure = False

    def change(self, beam: int, broken: bool, at: float, *, sure: bool = True) -> int | None:
        """+1 in, -1 out, 0 aborted, None as long as nothing has ended; not ``sure``: perhaps it was earlier."""
        if broken == (self._since[beam] is not None):
            return None
        if self._since == [None, None]:
            self._first, self._unsure = beam, False
        self._unsure |= not sure
        self._since[beam] = at if broken else None
        if self._since != [None, None]:
            return None
        if self._unsure or beam == self._first:
            return 0
        return 1 if beam == _INNER else -1

    def blocked(self, now: float, limit_s: float) -> int | None:
        """The beam that has been broken for too long, if one has; what it then sees is no passage any more."""
        for beam, since in enumerate(self._since):
            if since is not None and now - since > limit_s:
                self._unsure = True
                return beam
        return None


class Beams(Driver):
    """Readings: ``passage`` +1 or -1, ``aborted`` 1; both at the instant the doorway was clear again."""

    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        self._settings = settings
        self._mount = mount
        self._lines: list[Line] = []
        self._doorway = Doorway()
        self._changed_at = [0.0, 0.0]
        self.interval_s = settings.interval_s

    def open(self) -> None:
        self.close()
        self._doorway = Doorway()
        for beam, pin in enumerate(self._settings.pins):
            line = Line(pin, _LASTING_S, self._mount)
            self._lines.append(line)
            # Whoever stands there already, nobody knows where they came from.
            self._doorway.change(beam, self._broken(line.high), self._mount.now(), sure=False)

    def poll(self) -> Iterable[Reading]:
        now = self._mount.now()
        changes = [(change, beam) for beam, line in enumerate(self._lines) for change in line.changes(now)]
        readings = [reading for change, beam in sorted(changes) for reading in self._told(change, beam)]
        waits_s = [wait_s for line in self._lines if (wait_s := line.unsettled(now))]
        self.interval_s = min(waits_s, default=self._settings.interval_s)
        if not readings:  # the fault can wait for the next poll, readings cannot
            blocked = self._doorway.blocked(now, self._settings.blocked_s)
            if blocked is not None:
                raise fault("blocked", detail=f"GPIO {self._settings.pins[blocked]}")
        return readings

    def close(self) -> None:
        while self._lines:
            self._lines.pop().close()

    def _broken(self, high: bool) -> bool:
        return high == (self._settings.broken == "high")

    def _told(self, change: Edge, beam: int) -> list[Reading]:
        sure = change.after == change.at or change.after >= self._changed_at[1 - beam]
        self._changed_at[beam] = change.at
        direction = self._doorway.change(beam, self._broken(change.high), change.at, sure=sure)
        if direction is None:
            return []
        quantity, value = ("passage", direction) if direction else ("aborted", 1)
        return [Reading(self._settings.id, quantity, value, change.at)]


PART = Part(
    name="beams",
    kind="door",
    says={"zh": "双光束进出计数", "en": "paired break beams, in and out"},
    wires=(Wire.PINS,),
    settings=Settings,
    driver=Beams,
)
