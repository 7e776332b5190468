"""A relay board's channel on one pin: fan, light, buzzer.

Wiring: the board's IN to the pin, its GND to GND, its coil supply from 5 V, never from a pin. Off is written when
the driver opens and again when it closes, whatever was asked for before.

Before that nobody drives the pin: a Raspberry Pi powers up with pull-ups on GPIO 2 to 8 and pull-downs on 9 to 27
(BCM2835 ARM Peripherals, page 102). So an ``active_low`` board belongs on 2 to 8, any other on 9 to 27, or the load
is on while the board boots. gpiozero makes a pin an output first and sets its level after, which gives an active-low
input a moment of low when the driver opens; that is far shorter than a coil takes to pull in.

``min_on_s`` and ``min_off_s`` are for loads that do not like to be switched often (a compressor); ``override`` is a person's
word for a while (:mod:`devices.outputs.restraint`). Closing switches off at once, whatever those say.
"""

from collections.abc import Iterable
from typing import Any

import attrs
from attrs import validators
from gpiozero import OutputDevice

from devices.outputs.restraint import Pace, Restraint, override_of, switch_of
from devices.part import Driver, Mount, Part, Wire
from devices.reading import Reading

_INTERVAL_S = 1.0


@attrs.frozen(kw_only=True)
class Settings(Pace):
    """``on`` names the alarm (``AIR``) that switches it on; ``active_low`` boards switch on when the pin is low."""

    on: str | None = attrs.field(default=None, validator=validators.optional(validators.matches_re(r"[A-Z-]+")))
    active_low: bool = False

    def __attrs_post_init__(self) -> None:
        if len(self.pins) != 1:
            raise ValueError(f"'pins' must be one, [pin]: {self.pins}")


class Relay(Driver):
    """Does ``switch`` with ``{"on": bool}`` and ``override`` with ``{"on": bool, "seconds": n}``.

    Reading: ``on``, once when opened and then at each change.
    """

    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        self._settings = settings
        self._mount = mount
        self.on = False
        self._output: OutputDevice | None = None
        self._restraint = Restraint(settings, mount.now())
        self._untold: list[Reading] = []

    def open(self) -> None:
        self.close()
        self._output = OutputDevice(
            self._settings.pins[0],
            active_high=not self._settings.active_low,
            initial_value=False,
            pin_factory=self._mount.pins,
        )
        self.on = False
        self._restraint = Restraint(self._settings, self._mount.now())
        self._untold = [self._reading(False)]

    def poll(self) -> Iterable[Reading]:
        self._settle()
        self.interval_s = min(_INTERVAL_S, self._restraint.unsettled(self._mount.now()) or _INTERVAL_S)
        readings, self._untold = self._untold, []
        return readings

    def act(self, verb: str, args: dict[str, Any]) -> None:
        match verb:
            case "switch":
                self._restraint.ask(switch_of(args))
            case "override":
                self._restraint.override(*override_of(args), self._mount.now())
            case _:
                super().act(verb, args)
        self._settle()

    def close(self) -> None:
        if self._output is not None:
            self._output.off()
            self._output.close()
            self._output = None

    def _settle(self) -> None:
        """Have the load as it is to be by now."""
        on = self._restraint.settle(self._mount.now())
        if on != self.on:
            self._switch(on)
            self._untold.append(self._reading(on))
            self._mount.wake()

    def _switch(self, on: bool) -> None:
        self.on = on
        self._drive(on)

    def _drive(self, on: bool) -> None:
        assert self._output is not None
        self._output.value = on

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
