"""BH1750: brightness on I2C, address 0x23 (ADDR to GND or open) or 0x5C (ADDR to 3V3).

Wiring: VCC 3V3, GND, SDA (BCM 2), SCL (BCM 3), ADDR. A command is one byte, a result two, each a transfer of its own
(ROHM, BH1750FVI technical note, "Instruction Set" and "Measurement sequence example")::

    S  23+W  01  P      power on                         S  23+R  MSB LSB  P      lux = word / 1.2
    S  23+W  20  P      measure once, to 1 lux,          83 90 is 28067 lux (their example)
                        120 ms, at most 180, then power down

So long a time nobody waits on a bus that is shared: each poll fetches what the one before it began. After a loss of
power the register holds 0, which is also darkness: a 0 counts when the next is 0 as well. FFFF is a sensor that looks
into the sun, or a line that nobody pulls down (Genotronex/BH1750FVI_Master#3: 54612 lux without a part): no reading.
There is no checksum, and a bit that flips on the way is brightness like any other; a rule must want more than one.
"""

from collections.abc import Iterable

import attrs
from attrs import validators

from devices.faults import fault
from devices.i2c import read, write
from devices.part import Driver, I2CSettings, Mount, Part, Wire
from devices.reading import Reading

_POWER_ON, _ONCE = b"\x01", b"\x20"
_MEASURES_S = 0.18
_OVERFLOW = 0xFFFF
_COUNTS_PER_LUX = 1.2


@attrs.frozen(kw_only=True)
class Settings(I2CSettings):
    """Every ``interval_s`` it measures, and what it then found is told at the next."""

    address: int = attrs.field(default=0x23, validator=validators.in_((0x23, 0x5C)))
    interval_s: float = attrs.field(default=5.0, validator=[validators.ge(0.5), validators.le(60.0)])


class Bh1750(Driver):
    """Reading: ``lux``, with its raw word, of the instant it was begun."""

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.i2c is not None
        self._settings = settings
        self._bus = mount.i2c
        self._mount = mount
        self._began_at: float | None = None
        self._was_dark = False  # the last word was 0
        self.interval_s = settings.interval_s

    def open(self) -> None:
        self._began_at, self._was_dark = None, False
        self._begin()

    def poll(self) -> Iterable[Reading]:
        began, now = self._began_at, self._mount.now()
        if began is not None and now - began < _MEASURES_S:
            return ()
        self._began_at = None
        raw = None if began is None else int.from_bytes(read(self._bus, self._settings.address, 2))
        self._begin()
        if raw is None or began is None:
            return ()
        if raw == _OVERFLOW:
            raise fault("out-of-range", detail="FFFF")
        dark, self._was_dark = raw == 0 and self._was_dark, raw == 0
        if raw == 0 and not dark:
            return ()
        return (Reading(self._settings.id, "lux", raw / _COUNTS_PER_LUX, began, raw=raw),)

    def _begin(self) -> None:
        write(self._bus, self._settings.address, _POWER_ON)
        write(self._bus, self._settings.address, _ONCE)
        self._began_at = self._mount.now()


PART = Part(
    name="bh1750",
    kind="light",
    says={"zh": "光照度传感器", "en": "brightness sensor"},
    wires=(Wire.I2C,),
    settings=Settings,
    driver=Bh1750,
)
