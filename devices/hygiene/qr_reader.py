"""QR code scanner on a serial line: staff scan the code of a zone or a patrol point, with their own name in it.

Wiring: by USB as a serial port (CDC, ``/dev/ttyACM0``), or TX to RXD (BCM 15), GND and the supply it asks for, 8N1. Not
as a keyboard (HID): what a keyboard types goes wherever the board's console is. Its prefixes (AIM identifier, "]Q1")
must be switched off; its suffix may be CR, LF, both or none. It only talks::

    H G 1 : w a i t i n g : 王 芳  CR          one scan; without CR or LF it ends when the line is idle for 100 ms

hallgate's own convention for what is printed on the wall or the badge: ``HG1:<where>:<who>``

    where   a-z 0-9 and -, 1 to 32, beginning with a letter or digit: a zone or a patrol point
    who     letters and digits (ASCII), Chinese characters (U+4E00 to U+9FFF, U+3400 to U+4DBF), and · . _ - within,
            1 to 32: a name or a staff number

Anything else that visitors hold before it, web addresses and payment codes above all, is refused and counted; what
stood in it goes nowhere. No blank is allowed, because the reading has one between its two words. A scan of more than
512 bytes is refused unread.

The bytes are UTF-8 or GBK: scanners for the Chinese market re-code what they read, many to GBK as delivered. UTF-8 that
is right is UTF-8; the rest is GBK. (Both can be right only by a rare accident of three GBK characters; ``encoding``
says which where that happens.) Bytes that are neither, and control characters, are a line that does not work.

The scan grammar and these bounds are hallgate's own; they rest on no maker's document.
"""

import math
import re
from collections.abc import Iterable
from typing import Literal

import attrs
from attrs import validators

from devices.faults import DeviceFault, fault
from devices.hygiene.showing import Showing
from devices.part import Driver, Mount, Part, SerialSettings, Wire
from devices.reading import Reading
from devices.serialport import receive

_CODE = re.compile(r"HG1:([a-z0-9][a-z0-9-]{0,31}):([A-Za-z0-9㐀-䶿一-鿿][A-Za-z0-9㐀-䶿一-鿿·._-]{0,31})")
_LINE_END = re.compile(rb"[\r\n]")
_IDLE_S = 0.1
_LONGEST_BYTES = 512
_INTERVAL_S = 1.0
BAUDS = (9600, 19200, 38400, 57600, 115200)


@attrs.frozen(kw_only=True)
class Settings(SerialSettings):
    """``again_s``  the same code scanned again within this time is one scan."""

    baud: int = attrs.field(default=9600, validator=validators.in_(BAUDS))
    encoding: Literal["auto", "utf-8", "gbk"] = attrs.field(
        default="auto", validator=validators.in_(("auto", "utf-8", "gbk"))
    )
    again_s: float = attrs.field(default=3.0, validator=[validators.ge(0.5), validators.le(60.0)])


class QrReader(Driver):
    """Readings: ``code`` ("where who"), and ``refused``: how many scans were not for us since the driver began."""

    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.serial is not None
        self._device = settings.id
        self._encodings = ("utf-8", "gbk") if settings.encoding == "auto" else (settings.encoding,)
        self._port = mount.serial
        self._mount = mount
        self._scans = Scans()
        self._showing = Showing(settings.again_s)
        self._refused = 0

    def open(self) -> None:
        receive(self._port)  # what was scanned before we were here is not scanned now
        self._scans.clear()

    def poll(self) -> Iterable[Reading]:
        now = self._mount.now()
        readings: list[Reading] = []
        wrong: DeviceFault | None = None
        for scan in self._scans.feed(receive(self._port), now):
            try:
                readings += self._read(scan, now)
            except DeviceFault as bad:
                wrong = bad
        self.interval_s = _IDLE_S if self._scans.under_way else _INTERVAL_S
        if wrong and not readings:
            raise wrong
        return readings

    def _read(self, scan: bytes | None, now: float) -> list[Reading]:
        """``scan`` None: it was too long."""
        try:
            code = None if scan is None else where_and_who(scan, self._encodings)
        except DeviceFault:
            self._refused += 1
            raise
        if code is None:
            self._refused += 1
            return [Reading(self._device, "refused", self._refused, now)]
        return [Reading(self._device, "code", code, now)] if self._showing.is_new(code, now) else []


class Scans:
    """Cuts scans out of what arrives: by CR or LF, or where the line was idle. A scan that is too long is None, once."""

    def __init__(self) -> None:
        self._buffer = b""
        self._overflow = False
        self._heard_at = -math.inf

    @property
    def under_way(self) -> bool:
        return bool(self._buffer) or self._overflow

    def feed(self, data: bytes, now: float) -> list[bytes | None]:
        scans: list[bytes | None] = []
        if self.under_way and now - self._heard_at >= _IDLE_S:
            scans.append(self._cut(b""))
        if data:
            self._heard_at = now
        *whole, rest = _LINE_END.split(data)
        scans += [self._cut(line) for line in whole if line or self.under_way]
        self._keep(rest)
        return scans

    def clear(self) -> None:
        self._buffer, self._overflow = b"", False

    def _cut(self, line: bytes) -> bytes | None:
        self._keep(line)
        scan = None if self._overflow else self._buffer
        self.clear()
        return scan

    def _keep(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > _LONGEST_BYTES or self._overflow:
            self._buffer, self._overflow = b"", True


def where_and_who(scan: bytes, encodings: Iterable[str] = ("utf-8", "gbk")) -> str | None:
    """ "where who" of one scan; None if it is not for us. Raises DeviceFault if it is no text at all."""
    text = _text(scan, encodings)
    match = _CODE.fullmatch(text)
    return f"{match[1]} {match[2]}" if match else None


def _text(scan: bytes, encodings: Iterable[str]) -> str:
    for encoding in encodings:
        try:
            text = scan.decode(encoding)
        except UnicodeDecodeError:
            continue
        if any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in text):
            raise fault("garbled", detail="control character in a scan")
        return text
    raise fault("garbled", detail=f"scan of {len(scan)} bytes is no text")


PART = Part(
    name="qr-reader",
    kind="scanner",
    says={"zh": "二维码签到扫描器", "en": "QR code scanner for disinfection and patrol"},
    wires=(Wire.SERIAL,),
    settings=Settings,
    driver=QrReader,
)
