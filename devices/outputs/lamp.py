"""A signal lamp on one pin, steady or blinking.

Wiring: through a relay or a transistor as a ``relay`` (:mod:`devices.outputs.relay`), never from the pin itself: a pin gives
a few milliamperes. What is said there about the pins at boot holds here.

It blinks in the driver's polls, so a half period is as long as it is asked, or the worker's turn later.
"""

from collections.abc import Iterable

import attrs
from attrs import validators

from devices.outputs import relay
from devices.part import Mount, Part, Wire
from devices.reading import Reading


@attrs.frozen(kw_only=True)
class Settings(relay.Settings):
    """``blink_s``: while it is on, so long lit and so long dark; None is steady."""

    blink_s: float | None = attrs.field(
        default=None, validator=validators.optional([validators.ge(0.1), validators.le(10.0)])
    )


class Lamp(relay.Relay):
    """Does ``switch`` and ``override`` as a relay does. Reading: ``on``, whether it is switched on, lit or not."""

    def __init__(self, settings: Settings, mount: Mount) -> None:
        super().__init__(settings, mount)
        self._blink_s = settings.blink_s
        self._since = 0.0

    def poll(self) -> Iterable[Reading]:
        readings = super().poll()
        if self._blink_s is not None and self.on:
            halves, into = divmod(self._mount.now() - self._since, self._blink_s)
            self._drive(int(halves) % 2 == 0)
            self.interval_s = min(self.interval_s, max(0.001, self._blink_s - into))
        return readings

    def _switch(self, on: bool) -> None:
        self._since = self._mount.now()
        super()._switch(on)


PART = Part(
    name="lamp",
    kind="output",
    says={"zh": "信号灯", "en": "signal lamp"},
    wires=(Wire.PINS,),
    settings=Settings,
    driver=Lamp,
)
