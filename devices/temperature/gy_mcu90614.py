"""GY-MCU90614: infrared thermometer module with a microcontroller of its own, on a serial line.

Wiring: VCC 3 to 5 V, GND, TX to RXD (BCM 15) and RX to TXD (BCM 14), or a USB serial adapter. 9600 8N1 as delivered;
a module that was set to 115200 must be set back (A5 AE 53). Told to stream, it sends some 10 frames a second::

    A5 45 EA                              to it: command 45, stream; EA is the low byte of A5 + 45

    5A 5A  45  04  ToH ToL  TaH TaL  sum  from it: type 45, four bytes of data, object and ambient temperature,
                                          each signed, big-endian, 0.01 degC; sum: low byte of the eight before

Source: the makers' description as the vendors of GY-MCU90614-BAA/-BCC print it, and public drivers that check the sum
over the header as well (one names 5A5A45040C780D19A7 = 31.92/33.53) and read the words as signed. Some modules send
an identity byte after the frame: noise, and no fault. Ranges are those of the same pages: -70 to 380 degC object, of
which a signed word reaches 327.67, and -40 to 125 degC ambient. Not this part, and refused: the GY-614V (12 bytes)
and the CJMCU-90614 clone (66 66, 115200 baud, and no page says what its sum covers).

A module that lost its power may have been set not to stream by itself (A5 52 F7): when no good frame has come for
``silent_s`` it is told again, and again each ``silent_s``.
"""

import math
from collections.abc import Iterable

import attrs
from attrs import validators

from devices.faults import DeviceFault, fault
from devices.part import Driver, Mount, Part, SerialSettings, Wire
from devices.reading import Reading
from devices.serialport import Deframer, receive, send
from devices.temperature.lane import Lane

_STREAM = bytes.fromhex("a545ea")
_HEADER = bytes.fromhex("5a5a4504")
_FRAME_BYTES = 9
_OBJECT_RANGE_C = (-70.0, 380.0)
_AMBIENT_RANGE_C = (-40.0, 125.0)
# So much without one good frame is a wrong baud rate or a bad line, and more than identity bytes between frames.
_NOISE_BYTES = 5 * _FRAME_BYTES


@attrs.frozen(kw_only=True)
class Settings(Lane, SerialSettings):
    """``silent_s`` without a good frame is a fault; the offset is the lane's (:class:`Lane`)."""

    silent_s: float = attrs.field(default=3.0, validator=[validators.ge(1.0), validators.le(60.0)])


class GyMcu90614(Driver):
    """Readings: ``object_celsius`` (corrected, with the raw word) and ``ambient_celsius``, per frame."""

    interval_s = 1.0  # in between it is polled as frames arrive
    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.serial is not None
        self._device = settings.id
        self._offset_c = settings.offset_c
        self._silent_s = settings.silent_s
        self._port = mount.serial
        self._mount = mount
        self._frames = Deframer(cut_frame)
        self._heard_at = self._told_at = mount.now()
        self._noise = 0
        self._noise_at = -math.inf
        self._fault: DeviceFault | None = None

    def open(self) -> None:
        receive(self._port)
        self._frames.clear()
        send(self._port, _STREAM)
        self._heard_at = self._told_at = self._mount.now()

    def poll(self) -> Iterable[Reading]:
        now = self._mount.now()
        readings: list[Reading] = []
        for frame in self._frames.feed(receive(self._port)):
            try:
                readings += self._read(frame, now)
                self._fault = None  # the newest frame says how the part is
            except DeviceFault as bad:
                self._fault = bad
        if self._frames.noise:
            self._noise += self._frames.noise
            self._noise_at = now
        self._tell_again(now)
        if readings:
            return readings
        if bad_line := self._fault or self._line_fault(now):
            self._fault = None
            raise bad_line
        return ()

    def _read(self, frame: bytes, now: float) -> Iterable[Reading]:
        raw, raw_ambient = words(frame)
        self._heard_at, self._noise = now, 0
        # The ranges are the second check: 5A5A45040E|5A5A4504 (a frame that broke off, and the next) has a right sum.
        surface = celsius(raw, _OBJECT_RANGE_C)
        ambient = celsius(raw_ambient, _AMBIENT_RANGE_C)
        return (
            Reading(self._device, "object_celsius", surface + self._offset_c, now, raw=raw),
            Reading(self._device, "ambient_celsius", ambient, now),
        )

    def _tell_again(self, now: float) -> None:
        if now - max(self._heard_at, self._told_at) >= self._silent_s:
            send(self._port, _STREAM)
            self._told_at = now

    def _line_fault(self, now: float) -> DeviceFault | None:
        if self._noise >= _NOISE_BYTES and now - self._noise_at < self._silent_s:
            return fault("garbled", detail=f"{self._noise} bytes without a frame")
        if now - self._heard_at >= self._silent_s:
            return fault("silent")
        return None


def cut_frame(buffer: bytes) -> tuple[int, bytes | None]:
    """The next frame, whatever its sum (for a :class:`Deframer`). Of one with a wrong sum only the first byte is
    used up: it may be the beginning of a frame that broke off, with a whole one inside."""
    if not _HEADER.startswith(buffer[:4]):
        return 1, None
    if len(buffer) < _FRAME_BYTES:
        return 0, None
    frame = buffer[:_FRAME_BYTES]
    return (_FRAME_BYTES if _is_right(frame) else 1), frame


def words(frame: bytes) -> tuple[int, int]:
    """Object and ambient temperature of a frame, in 0.01 degC. Raises DeviceFault."""
    if not _is_right(frame):
        raise fault("garbled", detail=f"sum of {frame.hex()}")
    return int.from_bytes(frame[4:6], signed=True), int.from_bytes(frame[6:8], signed=True)


def _is_right(frame: bytes) -> bool:
    return sum(frame[:-1]) & 0xFF == frame[-1]


def celsius(raw: int, limits: tuple[float, float]) -> float:
    """Degrees of a raw word. Raises DeviceFault outside what the part can measure."""
    value = raw / 100
    if not limits[0] <= value <= limits[1]:
        raise fault("out-of-range", detail=f"{value:.2f} ℃")
    return value


PART = Part(
    name="gy-mcu90614",
    kind="thermometer",
    says={"zh": "串口红外测温模块", "en": "infrared thermometer, serial"},
    wires=(Wire.SERIAL,),
    settings=Settings,
    driver=GyMcu90614,
)
