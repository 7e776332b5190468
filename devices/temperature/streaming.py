"""What infrared modules with a microcontroller of their own have in common: frames that come by themselves.

Such a module is told once to stream, and then sends frames of a fixed length: a header, words of 0.01 degC, and the low
byte of the sum of all that. What differs from make to make is a subclass of :class:`StreamingThermometer`.
"""

import math
from collections.abc import Iterable
from typing import ClassVar

import attrs
from attrs import validators

from devices.faults import DeviceFault, fault
from devices.part import Driver, Mount, SerialSettings
from devices.reading import Reading
from devices.serialport import Deframer, receive, send
from devices.temperature.lane import Lane

_OBJECT_RANGE_C = (-70.0, 380.0)
_AMBIENT_RANGE_C = (-40.0, 125.0)
# So many frames' worth of bytes without one good frame is a wrong baud rate or a bad line, and no stray answer.
_NOISE_FRAMES = 5


@attrs.frozen(kw_only=True)
class StreamingSettings(Lane, SerialSettings):
    """``silent_s`` without a good frame is a fault; the offset is the lane's (:class:`Lane`)."""

    silent_s: float = attrs.field(default=3.0, validator=[validators.ge(1.0), validators.le(60.0)])


class StreamingThermometer(Driver):
    """Readings: ``object_celsius`` (corrected, with the raw word) and ``ambient_celsius``, per frame.

    ``header``, ``length``  of a frame. ``tell``  what makes the module stream. ``words``  finds the two words.
    """

    header: ClassVar[bytes]
    length: ClassVar[int]
    tell: ClassVar[bytes]

    interval_s = 1.0  # in between it is polled as frames arrive
    talks = True

    def __init__(self, settings: StreamingSettings, mount: Mount) -> None:
        assert mount.serial is not None
        self._device = settings.id
        self._offset_c = settings.offset_c
        self._silent_s = settings.silent_s
        self._port = mount.serial
        self._mount = mount
        self._frames = Deframer(self.cut)
        self._heard_at = self._told_at = mount.now()
        self._noise = 0
        self._noise_at = -math.inf
        self._fault: DeviceFault | None = None

    @classmethod
    def words(cls, frame: bytes) -> tuple[int, int]:
        """Object and ambient temperature of a frame with a right sum, in 0.01 degC. Raises DeviceFault."""
        raise NotImplementedError

    @classmethod
    def cut(cls, buffer: bytes) -> tuple[int, bytes | None]:
        """The next frame, whatever its sum (for a :class:`Deframer`). Of one with a wrong sum only the first byte
        is used up. A header inside a frame is the beginning of the next: the first broke off, and however well its
        sum fits with what follows, it is no frame."""
        if not cls.header.startswith(buffer[: len(cls.header)]):
            return 1, None
        again = buffer.find(cls.header, 1, cls.length)
        if again > 0:
            return again, None
        if len(buffer) < cls.length:
            return 0, None
        frame = buffer[: cls.length]
        return (cls.length if is_right(frame) else 1), frame

    def open(self) -> None:
        receive(self._port)
        self._frames.clear()
        send(self._port, self.tell)
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
        if not is_right(frame):
            raise fault("garbled", detail=f"sum of {frame.hex()}")
        raw, raw_ambient = self.words(frame)
        self._heard_at, self._noise = now, 0
        surface = celsius(raw, _OBJECT_RANGE_C)
        ambient = celsius(raw_ambient, _AMBIENT_RANGE_C)
        return (
            Reading(self._device, "object_celsius", surface + self._offset_c, now, raw=raw),
            Reading(self._device, "ambient_celsius", ambient, now),
        )

    def _tell_again(self, now: float) -> None:
        """A module that lost its power may have forgotten that it is to stream."""
        if now - max(self._heard_at, self._told_at) >= self._silent_s:
            send(self._port, self.tell)
            self._told_at = now

    def _line_fault(self, now: float) -> DeviceFault | None:
        if self._noise >= _NOISE_FRAMES * self.length and now - self._noise_at < self._silent_s:
            return fault("garbled", detail=f"{self._noise} bytes without a frame")
        if now - self._heard_at >= self._silent_s:
            return fault("silent")
        return None


def is_right(frame: bytes) -> bool:
    """Whether the last byte is the low byte of the sum of those before it."""
    return sum(frame[:-1]) & 0xFF == frame[-1]


def celsius(raw: int, limits: tuple[float, float]) -> float:
    """Degrees of a word of 0.01 degC. Raises DeviceFault outside what the part can measure."""
    value = raw / 100
    if not limits[0] <= value <= limits[1]:
        raise fault("out-of-range", detail=f"{value:.2f} ℃")
    return value
