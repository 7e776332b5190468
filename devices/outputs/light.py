"""The light at the entrance on three pins: green, amber, red; one of them or none.

Wiring: each lamp through its own relay channel or transistor, never from a pin itself; ``pins`` are [green, amber, red].
What :mod:`devices.outputs.relay` says of the pins at boot holds for all three.

From one colour to another the old one goes out first: two at once would say two things. All are off from when the
driver opens until it is told, and again when it closes: a dark light says "nobody watches", not "come in".
"""

from collections.abc import Iterable
from typing import Any

import attrs
from gpiozero import OutputDevice

from devices.part import Driver, Mount, Part, PinSettings, Wire
from devices.reading import Reading

COLOURS = ("green", "amber", "red")
OFF = "off"


@attrs.frozen(kw_only=True)
class Settings(PinSettings):
    """``pins`` as [green, amber, red]; ``active_low`` boards switch on when the pin is low."""

    active_low: bool = False

    def __attrs_post_init__(self) -> None:
        if len(self.pins) != len(COLOURS):
            raise ValueError(
                {
                    "zh": f"pins 必须是三个：[绿, 黄, 红]：{self.pins}",
                    "en": f"'pins' must be three, [green, amber, red]: {self.pins}",
                }
            )


class Light(Driver):
    """Does ``show`` with ``{"colour": "green"}``, ``amber``, ``red`` or ``off``.

    Reading: ``colour``, once when opened and then at each change.
    """

    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        self._settings = settings
        self._mount = mount
        self._lamps: dict[str, OutputDevice] = {}
        self._colour = OFF
        self._untold: list[Reading] = []

    def open(self) -> None:
        self.close()
        for colour, pin in zip(COLOURS, self._settings.pins, strict=True):
            self._lamps[colour] = OutputDevice(
                pin, active_high=not self._settings.active_low, initial_value=False, pin_factory=self._mount.pins
            )
        self._untold = [self._reading()]

    def poll(self) -> Iterable[Reading]:
        readings, self._untold = self._untold, []
        return readings

    def act(self, verb: str, args: dict[str, Any]) -> None:
        if verb != "show":
            super().act(verb, args)
        colour = args.get("colour")
        if args.keys() != {"colour"} or colour not in (*COLOURS, OFF):
            raise ValueError(f'"show" takes {{"colour": "green", "amber", "red" or "off"}}, not {args}')
        if colour != self._colour:
            self._dark()
            if colour != OFF:
                self._lamps[colour].on()
            self._colour = colour
            self._untold.append(self._reading())
            self._mount.wake()

    def close(self) -> None:
        self._dark()
        for lamp in self._lamps.values():
            lamp.close()
        self._lamps = {}

    def _dark(self) -> None:
        for lamp in self._lamps.values():
            lamp.off()
        self._colour = OFF

    def _reading(self) -> Reading:
        return Reading(self._settings.id, "colour", self._colour, self._mount.now())


PART = Part(
    name="light",
    kind="signal",
    says={"zh": "入口三色灯", "en": "entry light"},
    wires=(Wire.PINS,),
    settings=Settings,
    driver=Light,
)
