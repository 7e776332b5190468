"""Queue machine of another maker, listened to on the line between its controller and the counters' callers.

Wiring: RS-485 A and B (or RS-232 TX and GND) of the callers' bus to a USB converter; it only listens. 9600 8N1 unless
``baud`` says otherwise. Frames::

    FF 68  L  L  68   addr cmd data…   CS  16        L: bytes from addr to before CS, written twice

Source: the "21-key dot-matrix LCD caller" protocol (21键点阵液晶呼叫器通讯协议, on book118) for this form of the frame and
what L counts. That CS is the low byte of the sum of the same bytes is *not* in the part of it that can be read freely;
it rests on the frame being the variable one of EN 60870-5-2 FT1.2 and M-Bus (68 L L 68 … CS 16, arithmetic sum of the
user data), with FF before it. Controllers that XOR instead take ``check: xor8``.

Which command means what, and where in the data a ticket's number stands, differs from controller to controller: the
hall file says so, after a capture of what the machine sends (issue one, call one, end one). Commands that it does not
name are none of our business. The address is the counter, or is looked up in ``counters``.

The same frame again within a second is a repetition. A frame that stays unfinished for 0.3 s was none: what is behind
its beginning is looked at again.
"""

import math
import re
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import xor
from typing import Literal, NamedTuple

import attrs
from attrs import validators

from devices.faults import fault
from devices.part import Driver, Mount, Part, SerialSettings, Wire
from devices.reading import Reading
from devices.serialport import Deframer, receive
from devices.tickets.ticketing import Ticketing, are_steps, said

_BYTE = re.compile("0x[0-9A-Fa-f]{2}")  # the keys of a hall file are text
_HEAD = b"\xff\x68"
_HEAD_BYTES, _TAIL_BYTES = 5, 2
_TAIL = 0x16
_LEAST = 2  # address and command
_GAP_S = 0.3
_AGAIN_S = 1.0
# So much without one good frame is a line that does not work, unless it was quiet this long in between.
_RUBBISH_BYTES = 64
_FORGET_S = 10.0
_INTERVAL_S = 1.0
BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)


def _are_bytes(instance: object, attribute: object, keys: Mapping[str, object]) -> None:
    for key in keys:
        if not _BYTE.fullmatch(key):
            raise ValueError(f"must be one byte in hex, 0x00 to 0xff: {key!r}")
    if len({key.lower() for key in keys}) != len(keys):
        raise ValueError("the same byte stands here twice, in capitals and in small letters")


def _are_counters(instance: object, attribute: object, counters: Mapping[str, int]) -> None:
    for counter in counters.values():
        if not 1 <= counter <= 99:
            raise ValueError(f"a counter is 1 to 99: {counter}")


@attrs.frozen(kw_only=True)
class Settings(Ticketing, SerialSettings):
    """``commands``      command byte (0x31) to ``issued``, ``called`` or ``served``.
    ``number_at``     where in the data the ticket's number begins; ``number_bytes`` how long it is (0: to the end).
    ``number_as``     ASCII text, packed decimal digits (BCD), or a number, high byte first.
    ``counters``      caller's address to counter, where these differ.
    """

    baud: int = attrs.field(default=9600, validator=validators.in_(BAUDS))
    check: Literal["sum8", "xor8"] = attrs.field(default="sum8", validator=validators.in_(("sum8", "xor8")))
    commands: dict[str, str] = attrs.field(validator=[_are_bytes, are_steps])
    number_at: int = attrs.field(default=0, validator=[validators.ge(0), validators.le(250)])
    number_bytes: int = attrs.field(default=0, validator=[validators.ge(0), validators.le(12)])
    number_as: Literal["ascii", "bcd", "binary"] = attrs.field(
        default="ascii", validator=validators.in_(("ascii", "bcd", "binary"))
    )
    counters: dict[str, int] = attrs.field(factory=dict, validator=[_are_bytes, _are_counters])


class Frame(NamedTuple):
    """``body``: address, command and data. ``right``: whether check value and end are."""

    body: bytes
    check: int
    tail: int

    def is_right(self, check: str) -> bool:
        return self.tail == _TAIL and self.check == check_value(self.body, check)


class QueueSerial(Driver):
    """Reading: ``ticket`` (``step number service counter``)."""

    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.serial is not None
        self._settings = settings
        self._steps = {int(byte, 16): step for byte, step in settings.commands.items()}
        self._counters = {int(byte, 16): counter for byte, counter in settings.counters.items()}
        self._port = mount.serial
        self._mount = mount
        self._frames = Deframer(self._cut)
        self._heard_at = -math.inf
        self._under_way = False
        self._over = False  # nothing more comes of what is there
        self._last = (b"", -math.inf)
        self._rubbish = 0
        self._rubbish_at = -math.inf

    def open(self) -> None:
        receive(self._port)  # what happened before we were here is nothing that happens now
        self._frames.clear()
        self._under_way = False

    def poll(self) -> Iterable[Reading]:
        now = self._mount.now()
        bodies = self._bodies(receive(self._port), now)
        readings = [
            Reading(self._settings.id, "ticket", told, now)
            for body in bodies
            if self._is_new(body, now) and (told := self._ticket(body)) is not None
        ]
        self.interval_s = _GAP_S if self._under_way else _INTERVAL_S
        if self._rubbish >= _RUBBISH_BYTES and not readings:
            rubbish, self._rubbish = self._rubbish, 0
            raise fault("garbled", detail=f"{rubbish} bytes without a frame")
        return readings

    def _bodies(self, data: bytes, now: float) -> list[bytes]:
        bodies: list[bytes] = []
        if self._under_way and now - self._heard_at >= _GAP_S:
            self._over = True
            bodies += self._feed(b"", now)
            self._over = self._under_way = False
        if data:
            self._heard_at, self._under_way = now, True
            bodies += self._feed(data, now)
        return bodies

    def _feed(self, data: bytes, now: float) -> list[bytes]:
        good = self._frames.feed(data)
        if good:
            self._rubbish = 0
        elif self._frames.noise:
            if now - self._rubbish_at > _FORGET_S:
                self._rubbish = 0
            self._rubbish += self._frames.noise
            self._rubbish_at = now
        return good

    def _cut(self, buffer: bytes) -> tuple[int, bytes | None]:
        used, frame = cut_frame(buffer)
        if frame is None:
            return used or self._over, None
        return (used, frame.body) if frame.is_right(self._settings.check) else (1, None)

    def _is_new(self, body: bytes, now: float) -> bool:
        last, at = self._last
        self._last = (body, now)
        return body != last or now - at > _AGAIN_S

    def _ticket(self, body: bytes) -> str | None:
        settings = self._settings
        address, command, data = body[0], body[1], body[2:]
        step = self._steps.get(command)
        if step is None:
            return None
        end = settings.number_at + settings.number_bytes if settings.number_bytes else len(data)
        number = number_of(data[settings.number_at : end], settings.number_as)
        counter = self._counters.get(address, address)
        return said(settings, step, number, counter="" if step == "issued" else str(counter))


def cut_frame(buffer: bytes) -> tuple[int, Frame | None]:
    """The next frame, whatever its check value (for a :class:`Deframer`)."""
    if not _HEAD.startswith(buffer[:2]):
        return 1, None
    if len(buffer) < _HEAD_BYTES:
        return (1 if buffer[4:5] not in (b"", b"\x68") else 0), None
    length = buffer[2]
    if length < _LEAST or buffer[3] != length or buffer[4] != 0x68:
        return 1, None
    whole = _HEAD_BYTES + length + _TAIL_BYTES
    if len(buffer) < whole:
        return 0, None
    body = buffer[_HEAD_BYTES : _HEAD_BYTES + length]
    return whole, Frame(body, buffer[whole - 2], buffer[whole - 1])


def check_value(body: bytes, check: str) -> int:
    """``sum8``: the low byte of the sum of address, command and data; ``xor8``: their XOR."""
    return sum(body) & 0xFF if check == "sum8" else reduce(xor, body, 0)


def number_of(data: bytes, kind: str) -> str:
    """A ticket's number as text; empty if there is none. A binary 0 is none."""
    if kind == "ascii":
        return data.strip(b"\0 ").decode("ascii", "replace")
    if kind == "bcd":
        return data.hex() if data.hex().isdecimal() else ""
    return str(int.from_bytes(data)) if any(data) else ""


PART = Part(
    name="queue-serial",
    kind="tickets",
    says={"zh": "第三方排队机（串口监听）", "en": "another maker's queue machine, on its serial line"},
    wires=(Wire.SERIAL,),
    settings=Settings,
    driver=QueueSerial,
)
