"""A relay board's channel on one pin: fan, light, buzzer.

Wiring: the board's IN to the pin, its GND to GND, its coil supply from 5 V, never from a pin. Off is written when
the driver opens and again when it closes, whatever was asked for before.

Before that nobody drives the pin: a Raspberry Pi powers up with pull-ups on GPIO 2 to 8 and pull-downs on 9 to 27
(BCM2835 ARM Peripherals, page 102). So an ``active_low`` board belongs on 2 to 8, any other on 9 to 27, or the load
is on while the board boots. gpiozero makes a pin an output first and sets its level after, which gives an active-low
input a moment of low when the driver opens; that is far shorter than a coil takes to pull in.
"""

from collections.abc import Iterable
from typing import Any

import attrs
from attrs import validators
from gpiozero import OutputDevice

from devices.part import Driver, Mount, Part, PinSettings, Wire
from devices.reading import Reading


@attrs.frozen(kw_only=True)
class Settings(PinSettings):
    """``on`` names the alarm (``AIR``) that switches it on; ``active_low`` boards switch on when the pin is low."""

    on: str | None = attrs.field(default=None, validator=validators.optional(validators.matches_re(r"[A-Z-]+")))
    active_low: bool = False

    def __attrs_post_init__(self) -> None:
        if len(self.pins) != 1:
            raise ValueError(f"'pins' must be one, [pin]: {self.pins}")


class Relay(Driver):
    """Does ``switch`` with ``{"on": bool}``. Reading: ``on``, once when opened and then at each change."""

    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        self._settings = settings
        self._mount = mount
        self._output: OutputDevice | None = None
        self._untold: list[Reading] = []

    def open(self) -> None:
        self.close()
        self._output = OutputDevice(
            self._settings.pins[0],
            active_high=not self._settings.active_low,
            initial_value=False,
            pin_factory=self._mount.pins,
        )
        self._untold = [self._reading(False)]

    def poll(self) -> Iterable[Reading]:
        readings, self._untold = self._untold, []
        return readings

    def act(self, verb: str, args: dict[str, Any]) -> None:
        if verb != "switch":
            super().act(verb, args)
        on = args.get("on")
        if args.keys() != {"on"} or not isinstance(on, bool):
            raise ValueError(f'"switch" takes {{"on": true}} or {{"on": false}}, not {args}')
        assert self._output is not None
        if on != bool(self._output.value):
            self._output.value = on
            self._untold.append(self._reading(on))
            self._mount.wake()

    def close(self) -> None:
        if self._output is not None:
            self._output.off()
            self._output.close()
            self._output = None

    def _reading(self, on: bool) -> Reading:
        return Reading(self._settings.id, "on", on, self._mount.now())


PART = Part(
    name="relay",
    kind="output",
    says={"zh": "继电器输出", "en": "relay output"},
    wires=(Wire.PINS,),
    settings=Settings,
    driver=Relay,
)
