"""HLK-LD2450: 24 GHz radar that follows up to three people and says where they are, on a serial line.

Wiring: 5 V from a supply of its own (a weak one makes it stop: TillFleisch/ESPHome-HLK-LD2450#12), GND, TX to RXD (BCM
15) and RX to TXD (BCM 14), or a USB serial adapter that can do it: 256000 8N1, ten frames a second, and no checksum in them::

    AA FF 03 00   3 x (x  y  speed  resolution)   55 CC       30 bytes, words little-endian
                       mm mm cm/s   mm
    x, y, speed: bit 15 set is positive, clear is negative (not two's complement); speed + is away from the radar
    AA FF 03 00  0E 03 B1 86 10 00 40 01  00 .. 00  55 CC     -782, 1713 mm, -16 cm/s, 320 mm

    FD FC FB FA  length  command  value  04 03 02 01          00FF 0001 configure   0090 several targets
                                                              00FE go on            00A3 restart

Source: ESPHome's ld2450 component, which quotes that frame from Hi-Link's protocol sheet, decodes the signs so and
waits 50 ms after a command. While it is being configured it sends no frames.

Mount it so that it sees a metre or more of floor on both sides of the line. It is for counting at a line, never for
how many are in a room: it knows three people at the most, and who stands still vanishes. Everything that follows from
that is in :mod:`devices.doors.tracks`.

A slot may keep the place of somebody long gone (esphome/esphome#15025): without speed and resolution it is nobody, and
one that stays put crosses no line. Frames can stop after hours (esphome/esphome#13956), or repeat one for ever; then
it is configured anew, and every second time restarted. It may leave commands unanswered and still measure
(TillFleisch/ESPHome-HLK-LD2450#5), so no answer is waited for.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import attrs
from attrs import validators

from devices.doors.tracks import Ended, Line, Point, Tracks
from devices.faults import DeviceFault, fault
from devices.part import Driver, Mount, Part, SerialSettings, Wire
from devices.reading import Reading
from devices.serialport import Deframer, receive, send

_HEADER, _TAIL = bytes.fromhex("aaff0300"), bytes.fromhex("55cc")
_FRAME_BYTES = 30
_PERIOD_S = 0.1
# Specified are 6 m and 60 degrees to either side; what is further off is a flipped bit.
_FAR_MM = 8000
_NOISE_BYTES = 10 * _FRAME_BYTES  # so much without one frame is no start in the middle of one
_COMMAND_S = 0.05
# Nobody moves and stays where they are: a frame with a speed in it that is the same for so long is the radar's own end.
_FROZEN_S = 10.0


def command(code: int, value: bytes = b"") -> bytes:
    """A command as it stands on the wire."""
    body = code.to_bytes(2, "little") + value
    return bytes.fromhex("fdfcfbfa") + len(body).to_bytes(2, "little") + body + bytes.fromhex("04030201")


_CONFIGURE = command(0xFF, b"\x01\x00")
_SEVERAL, _GO_ON, _RESTART = command(0x90), command(0xFE), command(0xA3)


def _is_line(instance: "Settings", attribute: object, value: list[int]) -> None:
    if len(value) != 4 or value[:2] == value[2:]:
        raise ValueError(f"'line_mm' must be two different points, [x1, y1, x2, y2]: {value}")
    if max(map(abs, value)) > _FAR_MM:
        raise ValueError(f"'line_mm' must lie within {_FAR_MM} mm: {value}")


def _is_point(instance: "Settings", attribute: object, value: list[int]) -> None:
    if len(value) != 2:
        raise ValueError(f"'inside_mm' must be a point, [x, y]: {value}")


@attrs.frozen(kw_only=True)
class Settings(SerialSettings):
    """The line to cross, and any point inside, in the radar's own coordinates: x to the side, y away from it."""

    line_mm: list[int] = attrs.field(validator=_is_line)
    inside_mm: list[int] = attrs.field(validator=_is_point)
    hysteresis_mm: float = attrs.field(default=200.0, validator=[validators.ge(50.0), validators.le(1000.0)])
    hold_s: float = attrs.field(default=5.0, validator=[validators.ge(1.0), validators.le(60.0)])
    silent_s: float = attrs.field(default=3.0, validator=[validators.ge(1.0), validators.le(60.0)])

    def __attrs_post_init__(self) -> None:
        if abs(self.line.depth(Point(*self.inside_mm))) <= self.hysteresis_mm:
            raise ValueError(f"'inside_mm' must be further from the line than 'hysteresis_mm': {self.inside_mm}")

    @property
    def line(self) -> Line:
        return Line(self.line_mm, self.inside_mm)


class Target(NamedTuple):
    """One slot of a frame: mm, mm, cm/s, mm."""

    x: int
    y: int
    speed: int
    resolution: int


class Ld2450(Driver):
    """Readings: ``passage`` +1 or -1, and ``aborted`` 1 for who turned round on the line or was lost there."""

    interval_s = 1.0  # in between it is polled as frames arrive
    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.serial is not None
        self._settings = settings
        self._port = mount.serial
        self._mount = mount
        self._frames = Deframer(cut_frame)
        self._tracks = self._nobody()
        self._heard_at = self._told_at = self._fresh_at = self._seen_at = mount.now()
        self._frame = b""
        self._told = 0  # times since it last was well
        self._noise = 0
        self._noise_at = -math.inf

    def open(self) -> None:
        receive(self._port)
        self._frames.clear()
        self._tracks = self._nobody()
        self._told = 0
        self._tell()
        self._heard_at = self._fresh_at = self._seen_at = self._mount.now()

    def poll(self) -> Iterable[Reading]:
        now = self._mount.now()
        frames = self._frames.feed(receive(self._port))
        readings = [
            reading
            for ago, frame in zip(range(len(frames) - 1, -1, -1), frames, strict=True)
            for reading in self._read(frame, now - ago * _PERIOD_S)
        ]
        if self._frames.noise:
            self._noise = self._frames.noise + (0 if frames else self._noise)
            self._noise_at = now
        trouble = self._trouble(now)
        if trouble is None:
            self._told = 0
        elif now - self._told_at >= self._settings.silent_s:
            self._tell()
        if trouble is not None and not readings:  # the fault can wait for the next poll, readings cannot
            raise trouble
        return readings

    def _nobody(self) -> Tracks:
        return Tracks(self._settings.line, self._settings.hysteresis_mm, self._settings.hold_s)

    def _read(self, frame: bytes, at: float) -> Iterable[Reading]:
        self._heard_at, self._noise = at, 0
        found = targets(frame)
        if frame != self._frame or not any(target.speed for target in found):
            self._frame, self._fresh_at = frame, at
        # Frames that waited together in the kernel are dated back, but never to before what was seen already.
        self._seen_at = max(at, self._seen_at + 0.001)
        points = [Point(target.x, target.y) for target in found]
        return [self._ended(ended) for ended in self._tracks.see(points, self._seen_at)]

    def _ended(self, ended: Ended) -> Reading:
        quantity, value = ("passage", ended.direction) if ended.direction else ("aborted", 1)
        return Reading(self._settings.id, quantity, value, ended.at)

    def _trouble(self, now: float) -> DeviceFault | None:
        if self._noise >= _NOISE_BYTES and now - self._noise_at < self._settings.silent_s:
            return fault("garbled", detail=f"{self._noise} bytes without a frame")
        if now - self._heard_at >= self._settings.silent_s:
            return fault("silent")
        if now - self._fresh_at >= _FROZEN_S:
            return fault("silent", detail="one frame for ever")
        return None

    def _tell(self) -> None:
        """Have it send frames with several targets; every second time in a row that is done by a restart."""
        for telegram in (_CONFIGURE, _RESTART) if self._told % 2 else (_CONFIGURE, _SEVERAL, _GO_ON):
            send(self._port, telegram)
            self._mount.pause(_COMMAND_S)
        self._told += 1
        self._told_at = self._mount.now()


def cut_frame(buffer: bytes) -> tuple[int, bytes | None]:
    """The next frame (for a :class:`Deframer`). One without its tail uses up one byte: a whole one may be inside."""
    if not _HEADER.startswith(buffer[:4]):
        return 1, None
    if len(buffer) < _FRAME_BYTES:
        return 0, None
    frame = buffer[:_FRAME_BYTES]
    return (_FRAME_BYTES, frame) if frame.endswith(_TAIL) else (1, None)


def targets(frame: bytes) -> list[Target]:
    """Who is in a frame: neither empty slots, nor forgotten ones, nor those where the radar cannot see."""
    slots = (frame[at : at + 8] for at in range(4, 28, 8))
    return [target for target in map(target_in, slots) if _is_somebody(target)]


def target_in(slot: bytes) -> Target:
    """The four words of a slot."""
    x, y, speed = (_signed(int.from_bytes(slot[at : at + 2], "little")) for at in (0, 2, 4))
    return Target(x, y, speed, int.from_bytes(slot[6:8], "little"))


def _signed(word: int) -> int:
    return word & 0x7FFF if word & 0x8000 else -(word & 0x7FFF)


def _is_somebody(target: Target) -> bool:
    tracked = target.speed != 0 or target.resolution != 0
    return tracked and 0 < target.y <= _FAR_MM and abs(target.x) <= _FAR_MM


PART = Part(
    name="ld2450",
    kind="door",
    says={"zh": "毫米波雷达进出计数", "en": "radar, in and out across a line"},
    wires=(Wire.SERIAL,),
    settings=Settings,
    driver=Ld2450,
    baud=256000,
)
