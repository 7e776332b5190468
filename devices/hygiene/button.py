"""A push button on one pin: "this zone is disinfected", "the guard was here", or an emergency key; with a lamp, if any.

Wiring: a momentary contact between its pin and GND, the board's pull-up (some 50 kΩ) above it; the lamp (through its
resistor, or a transistor for more than some mA) between its own pin and GND::

    3V3 --[pull-up]--+-- pin       pressed = low          lamp pin --[330 Ω]--|>|-- GND
                     |
                  [button] -- GND

A press counts once it has lasted 50 ms (:mod:`devices.lines`), so neither bouncing nor a spike does. The button of a
zone or a patrol point counts when it is let go, and not at all if it was held for more than 10 s: that was a bucket
leant against it. An emergency button (``raises``) counts while it is still held, because nobody waits for its end.
Each is dated to the instant at which it went down. Held for more than 10 s it is a fault until it is let go.

A button that is down already when the driver opens was pressed for somebody else, and is no press.

A cut cable cannot be told from a button that nobody presses: an emergency button that must be supervised is a
``contact`` with ``normally: closed``.

Lost and invented edges: gpiozero#550, #1039, #1090 and joan2937/lg#18, all met in :mod:`devices.lines`.
"""

import math
from collections.abc import Iterable
from typing import Any

import attrs
from attrs import validators
from gpiozero import OutputDevice

from devices.faults import DeviceFault
from devices.lines import Line
from devices.part import PINS, Driver, Mount, Part, PinSettings, Wire
from devices.reading import Reading

_PRESS_S = 0.05
_STUCK_S = 10.0
_INTERVAL_S = 1.0


def _is_lamp_pin(instance: object, attribute: object, pin: int | None) -> None:
    if pin is not None and pin not in PINS:
        raise ValueError(f"must be a BCM pin from {PINS[0]} to {PINS[-1]}: {pin}")


@attrs.frozen(kw_only=True)
class Settings(PinSettings):
    """One of three uses: ``zone`` is disinfected, the patrol ``point`` has been visited, or the alarm ``raises`` is
    called. The ``lamp`` (its pin) lights for ``lamp_s`` after each press that counts."""

    point: str | None = attrs.field(
        default=None, validator=validators.optional(validators.matches_re(r"[a-z0-9][a-z0-9-]{0,31}"))
    )
    raises: str | None = attrs.field(default=None, validator=validators.optional(validators.matches_re(r"[A-Z-]+")))
    lamp: int | None = attrs.field(default=None, validator=_is_lamp_pin)
    lamp_s: float = attrs.field(default=5.0, validator=[validators.ge(0.5), validators.le(60.0)])

    def __attrs_post_init__(self) -> None:
        if len(self.pins) != 1:
            raise ValueError(f"'pins' must be one, [pin]: {self.pins}")
        if self.lamp in self.pins:
            raise ValueError(f"'lamp' must be another pin than the button's: {self.lamp}")
        if sum(use is not None for use in (self.zone, self.point, self.raises)) != 1:
            raise ValueError(
                {
                    "zh": "按钮只能有一种用途：zone（消毒区域）、point（巡视点）、raises（报警代码）三者写一个",
                    "en": "a button has one use: write one of zone (disinfected), point (patrol) and raises (alarm code)",
                }
            )

    def claims(self) -> list[str]:
        return [f"pin {pin}" for pin in (*self.pins, self.lamp) if pin is not None]


class Button(Driver):
    """Reading: ``button``, True for each press that counts. Does ``lamp`` with ``{"on": bool}``."""

    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        self._settings = settings
        self._mount = mount
        self._line: Line | None = None
        self._lamp: OutputDevice | None = None
        self._lamp_asked = False
        self._lit_until = -math.inf
        self._down_at: float | None = None
        self._is_ours = False  # whether it went down while we were here

    def open(self) -> None:
        self.close()
        self._line = Line(self._settings.pins[0], _PRESS_S, self._mount)
        self._down_at, self._is_ours = None if self._line.high else self._mount.now(), False
        if self._settings.lamp is not None:
            self._lamp = OutputDevice(self._settings.lamp, pin_factory=self._mount.pins)
        self._lamp_asked, self._lit_until = False, -math.inf

    def poll(self) -> Iterable[Reading]:
        assert self._line is not None
        now = self._mount.now()
        presses = [
            at for change in self._line.changes(now) if (at := self._pressed(change.high, change.at)) is not None
        ]
        if presses:
            self._lit_until = now + self._settings.lamp_s
        self._show(now)
        self.interval_s = self._next_look(self._line, now)
        if presses:
            return [Reading(self._settings.id, "button", True, at) for at in presses]
        if self._down_at is not None and now - self._down_at > _STUCK_S:
            raise self._stuck()
        return ()

    def act(self, verb: str, args: dict[str, Any]) -> None:
        """Off ends the light of a press as well."""
        if verb != "lamp" or self._lamp is None:
            super().act(verb, args)
        on = args.get("on")
        if args.keys() != {"on"} or not isinstance(on, bool):
            raise ValueError(f'"lamp" takes {{"on": true}} or {{"on": false}}, not {args}')
        self._lamp_asked = on
        if not on:
            self._lit_until = -math.inf
        self._show(self._mount.now())

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
        if self._lamp is not None:
            self._lamp.off()
            self._lamp.close()
            self._lamp = None

    def _pressed(self, high: bool, at: float) -> float | None:
        """When the press began that this change of the line makes count, if it does."""
        emergency = self._settings.raises is not None
        if not high:
            self._down_at, self._is_ours = at, True
            return at if emergency else None
        down_at, self._down_at = self._down_at, None
        if emergency or down_at is None or not self._is_ours or at - down_at > _STUCK_S:
            return None
        return down_at

    def _show(self, now: float) -> None:
        if self._lamp is not None:
            self._lamp.value = self._lamp_asked or now < self._lit_until

    def _next_look(self, line: Line, now: float) -> float:
        waits = [_INTERVAL_S, line.unsettled(now) or _INTERVAL_S]
        if now < self._lit_until:
            waits.append(max(0.001, self._lit_until - now))
        return min(waits)

    def _stuck(self) -> DeviceFault:
        pin = self._settings.pins[0]
        return DeviceFault(
            "blocked",
            {
                "zh": f"按钮被长时间按住：请检查是否卡住、被压住或线路接地（引脚 {pin}）",
                "en": f"the button is held for long: see whether it sticks, is leant on or its cable is grounded (pin {pin})",
            },
        )


PART = Part(
    name="button",
    kind="button",
    says={"zh": "按钮（消毒签到、巡视点、紧急）", "en": "push button (disinfection, patrol point, emergency)"},
    wires=(Wire.PINS,),
    settings=Settings,
    driver=Button,
)
