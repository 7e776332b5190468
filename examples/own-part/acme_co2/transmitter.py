"""Acme CO2 transmitter: 9600 8N1, a line a second, ``CO2=0612*5D`` CR.

What stands behind the star is the sum of the bytes before it, two hex digits. (Acme does not exist; its protocol is
made up for this example.)
"""

from collections.abc import Iterable

import attrs

from devices.faults import fault
from devices.part import Driver, Mount, Part, SerialSettings, Wire
from devices.reading import Reading
from devices.serialport import Deframer, receive

_LENGTH = 12
_SILENT_S = 5.0


@attrs.frozen(kw_only=True)
class Settings(SerialSettings):
    """Nothing beside the line it is on."""


class Transmitter(Driver):
    """Reading: ``co2_ppm``."""

    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.serial is not None
        self._device = settings.id
        self._port = mount.serial
        self._mount = mount
        self._lines = Deframer(cut)
        self._heard = mount.now()

    def poll(self) -> Iterable[Reading]:
        now = self._mount.now()
        values = self._lines.feed(receive(self._port))
        if values:
            self._heard = now
        elif now - self._heard > _SILENT_S:
            raise fault("silent")
        return [Reading(self._device, "co2_ppm", float(ppm), now, raw=ppm) for ppm in values]


def cut(buffer: bytes) -> tuple[int, int | None]:
    """Parts per million of a line at the front of the buffer."""
    start = buffer.find(b"CO2=")
    if start < 0:
        return (len(buffer) - 3, None) if len(buffer) > 3 else (0, None)
    if start > 0:
        return start, None
    if len(buffer) < _LENGTH:
        return 0, None
    line = buffer[:_LENGTH]
    if line[:4] + line[8:9] + line[11:] == b"CO2=*\r" and line[4:8].isdigit() and line[9:11] == checksum(line[:8]):
        return _LENGTH, int(line[4:8])
    return 1, None


def checksum(head: bytes) -> bytes:
    """Two hex digits of the sum of ``CO2=0612``."""
    return f"{sum(head) & 0xFF:02X}".encode()


PART = Part(
    name="acme-co2",
    kind="air",
    says={"zh": "Acme 二氧化碳变送器", "en": "Acme CO2 transmitter"},
    wires=(Wire.SERIAL,),
    settings=Settings,
    driver=Transmitter,
)
