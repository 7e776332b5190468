"""MLX90614: infrared thermometer on SMBus, address 0x5A as delivered.

Wiring: 3V3, GND, SDA (BCM 2), SCL (BCM 3). A read-word transfer, as the Melexis application note
"SMBus communication with MLX90614" draws it::

    S  SA+W  command  Sr  SA+R  LSB  MSB  PEC  P        PEC over all six bytes before it

    command 06  ambient Ta      07  object 1 Tobj1      T = raw * 0.02 - 273.15 degC
    MSB bit 7   the part's own error flag

The part cannot say 37.30: raw 15522 is 37.29 and 15523 is 37.31. So nothing is rounded here, and the raw word
stays with the reading. A face's surface is some 3 degC below the body; ``offset_c`` closes that gap for this one
device, and ``offset_from`` says who measured it, how and when.
"""

from collections.abc import Iterable

import attrs
from attrs import validators

from devices.checks import smbus_pec
from devices.faults import fault
from devices.i2c import write_read
from devices.part import Driver, I2CSettings, Mount, Part, Wire
from devices.reading import Reading
from devices.temperature.lane import Lane

_AMBIENT = 0x06
_OBJECT = 0x07
_FIRST_DATA_S = 0.25  # from power-up, data sheet table 6
# What the part can measure at all (data sheet, xAA version); 0xFFFF would be 1037.55 degC with a good PEC.
_OBJECT_RANGE_C = (-70.0, 382.2)
_AMBIENT_RANGE_C = (-40.0, 125.0)


@attrs.frozen(kw_only=True)
class Settings(Lane, I2CSettings):
    """Every ``interval_s`` a reading; the offset is the lane's (:class:`Lane`)."""

    address: int = attrs.field(default=0x5A, validator=[validators.ge(0x08), validators.le(0x77)])
    interval_s: float = attrs.field(default=0.1, validator=[validators.ge(0.05), validators.le(60.0)])


class Mlx90614(Driver):
    """Readings: ``object_celsius`` (corrected, with raw) and ``ambient_celsius``."""

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.i2c is not None
        self._device = settings.id
        self._address = settings.address
        self._offset_c = settings.offset_c
        self._bus = mount.i2c
        self._mount = mount
        self.interval_s = settings.interval_s

    def open(self) -> None:
        self._mount.pause(_FIRST_DATA_S)
        self._read_word(_AMBIENT)

    def poll(self) -> Iterable[Reading]:
        raw = self._read_word(_OBJECT)
        surface = celsius(raw, _OBJECT_RANGE_C)
        ambient = celsius(self._read_word(_AMBIENT), _AMBIENT_RANGE_C)
        at = self._mount.now()
        return (
            Reading(self._device, "object_celsius", surface + self._offset_c, at, raw=raw),
            Reading(self._device, "ambient_celsius", ambient, at),
        )

    def _read_word(self, command: int) -> int:
        reply = write_read(self._bus, self._address, bytes([command]), 3)
        return word(self._address, command, reply)


def word(address: int, command: int, reply: bytes) -> int:
    """The word in a reply of LSB, MSB, PEC. Raises DeviceFault."""
    sent = bytes([address << 1, command, address << 1 | 1])
    if smbus_pec(sent + reply[:2]) != reply[2]:
        raise fault("garbled", detail="PEC")
    if reply[1] & 0x80:
        raise fault("error-flag", detail=f"{reply[1]:02X}{reply[0]:02X}")
    return reply[0] | reply[1] << 8


def celsius(raw: int, limits: tuple[float, float]) -> float:
    """Degrees of a raw word of 0.02 K each. Raises DeviceFault outside what the part can measure."""
    value = raw * 0.02 - 273.15
    if not limits[0] <= value <= limits[1]:
        raise fault("out-of-range", detail=f"{value:.2f} ℃")
    return value


PART = Part(
    name="mlx90614",
    kind="thermometer",
    says={"zh": "红外测温探头", "en": "infrared thermometer"},
    wires=(Wire.I2C,),
    settings=Settings,
    driver=Mlx90614,
)
