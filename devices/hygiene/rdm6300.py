"""RDM6300: 125 kHz reader for EM4100 cards, with which staff show that they have disinfected.

Wiring: 5 V, GND, and TX through a divider to 3.3 V (RXD, BCM 15, or a USB serial adapter). 9600 8N1, the part only
talks. While a card lies before it, it repeats about every 65 ms, 14 bytes::

    02  t t t t t t t t t t  c c  03        t: tag, 10 capital hex digits; c: XOR of the tag's FIVE bytes

Source: frames logged in jp112sdl/HB-UNI-Sen-RFID-RC#3, mad-tinkerer/python-rdm6300 and Seeed's wiki (the tests
carry them); all five bytes, because a 32-bit XOR refuses cards with a version byte (BruceDevices/firmware#2014).

Without any card it sometimes sees one: 0000000000, 00F00000F0, FFFFFFFFFF (esp-rfid#411, Tasmota#9522), all with a
good checksum. Tags of nothing but 0 and F are therefore never believed. Its other ghosts look like any card; only an
allow-list (``cards``) keeps them apart. A tag is easily copied: it signs a log, it opens no door.

The part repeats itself, so one damaged frame beside a good one costs nothing and is no fault; nor is a click on the
line that never looked like a frame. ``garbled`` is a frame with a wrong checksum when no good one has come within
``absence_s``, and five frames' worth of rubbish in a row without a good one, as a wrong baud rate gives.
"""

import math
import re
from collections.abc import Iterable

import attrs
from attrs import validators

from devices.faults import fault
from devices.part import Driver, Mount, Part, SerialSettings, Wire
from devices.reading import Reading
from devices.serialport import Deframer, receive

_FRAME = re.compile(rb"\x02([0-9A-F]{12})\x03")
_FRAME_BYTES = 14
_BEGINNING = re.compile(rb"\x02[0-9A-F]{0,12}")
_TAG = re.compile(r"[0-9A-Fa-f]{10}")
# So much rubbish without a good frame is a line that does not work ...
_RUBBISH_BYTES = 5 * _FRAME_BYTES
# ... unless it has been quiet this long in between: single clicks must not add up over a day.
_FORGET_S = 10.0


def _is_allow_list(instance: object, attribute: object, cards: dict[str, str]) -> None:
    for tag, name in cards.items():
        if not _TAG.fullmatch(tag):
            raise ValueError(f"a card is its 10 hex digits, in quotes: {tag!r}")
        if is_ghost(tag.upper()):
            raise ValueError(f"no card, but what the reader sees where there is none: {tag!r}")
        if not name.strip():
            raise ValueError(f"the card {tag!r} needs a name")
    if len({tag.upper() for tag in cards}) != len(cards):
        raise ValueError("the same card stands here twice, in capitals and in small letters")


@attrs.frozen(kw_only=True)
class Settings(SerialSettings):
    """``cards``      tag (10 hex digits) to staff name; empty: every card is believed.
    ``absence_s``  a card that has been away for longer is shown anew when it comes back.
    """

    cards: dict[str, str] = attrs.field(factory=dict, validator=_is_allow_list)
    absence_s: float = attrs.field(default=1.0, validator=[validators.ge(0.3), validators.le(60.0)])


class Rdm6300(Driver):
    """Readings, one for each time a card is shown: ``badge`` (the name; without an allow-list the tag) and
    ``stranger`` (the tag of a card that the allow-list does not know)."""

    interval_s = 1.0
    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.serial is not None
        self._device = settings.id
        self._names = {tag.upper(): name for tag, name in settings.cards.items()}
        self._absence_s = settings.absence_s
        self._port = mount.serial
        self._mount = mount
        self._frames = Deframer(cut_frame)
        self._seen: dict[str, float] = {}
        self._good_at = -math.inf
        self._rubbish = 0
        self._rubbish_at = -math.inf
        self._damage = ""

    def open(self) -> None:
        receive(self._port)  # a card shown before we were here is not shown now
        self._frames.clear()

    def poll(self) -> Iterable[Reading]:
        now = self._mount.now()
        readings = []
        for digits in self._frames.feed(receive(self._port)):
            if not is_right(digits):
                self._count_rubbish(_FRAME_BYTES, now)
                if now - self._good_at > self._absence_s:
                    self._damage = f"checksum of {digits}"
            elif not is_ghost(digits[:10]):
                readings += self._show(digits[:10], now)
        if self._frames.noise:
            self._count_rubbish(self._frames.noise, now)
        if readings:
            return readings
        if self._damage:
            damage, self._damage = self._damage, ""
            raise fault("garbled", detail=damage)
        return ()

    def _show(self, tag: str, now: float) -> list[Reading]:
        self._good_at, self._rubbish, self._damage = now, 0, ""
        here = now - self._seen.get(tag, -math.inf) <= self._absence_s
        self._seen = {other: at for other, at in self._seen.items() if now - at <= self._absence_s}
        self._seen[tag] = now
        if here:
            return []
        if not self._names:
            return [Reading(self._device, "badge", tag, now)]
        if tag in self._names:
            return [Reading(self._device, "badge", self._names[tag], now)]
        return [Reading(self._device, "stranger", tag, now)]

    def _count_rubbish(self, count: int, now: float) -> None:
        if now - self._rubbish_at > _FORGET_S:
            self._rubbish = 0
        self._rubbish += count
        self._rubbish_at = now
        if self._rubbish >= _RUBBISH_BYTES:
            self._damage = f"{self._rubbish} bytes without a card"
            self._rubbish = 0


def cut_frame(buffer: bytes) -> tuple[int, str | None]:
    """The 12 digits between STX and ETX, whatever their checksum (for a :class:`Deframer`)."""
    if match := _FRAME.match(buffer):
        return _FRAME_BYTES, match[1].decode("ascii")
    return (0, None) if _BEGINNING.fullmatch(buffer) else (1, None)


def is_right(digits: str) -> bool:
    """Whether the last two digits are the XOR of the five bytes before them."""
    check = 0
    for byte in bytes.fromhex(digits):
        check ^= byte
    return check == 0


def is_ghost(tag: str) -> bool:
    """A tag that the part reports where there is no card."""
    return set(tag) <= {"0", "F"}


PART = Part(
    name="rdm6300",
    kind="disinfection",
    says={"zh": "消毒签到读卡器", "en": "badge reader for disinfection rounds"},
    wires=(Wire.SERIAL,),
    settings=Settings,
    driver=Rdm6300,
)
