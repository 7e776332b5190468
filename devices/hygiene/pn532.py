"""PN532: 13.56 MHz reader (ISO 14443 A: MIFARE, NTAG, bank and staff cards) on a serial line (HSU), for disinfection rounds.

Wiring: the module's switches on HSU (both off on the common red board), VCC 3.3 or 5 V as its print says, GND, TX (or
SDA) to RXD (BCM 15) and RX (or SCL) to TXD (BCM 14), or a USB serial adapter. 115200 8N1. Not by I2C: it stops
answering there (esphome/issues#3281). Frames::

    00  00 FF  LEN LCS  D4 cmd data…   DCS  00     to it; LEN counts D4 to data, LEN + LCS = 0, D4 + … + DCS = 0 (mod 256)
    00  00 FF  LEN LCS  D5 cmd+1 data… DCS  00     from it
    00  00 FF  00  FF   00                         ACK: from it after each command; to it: give up what you are at
    00  00 FF  01  FF   7F 81  00                  from it: that was no command

    55 55 00…00                                    wakes it; without, a part that sleeps takes what comes for nothing
    D4 14 01 14 01                                 SAMConfiguration: normal mode; the first command after waking
    D4 32 05 FF 01 02                              RFConfiguration 5: look for a card three times, then say there is none
    D4 4A 01 00                                    InListPassiveTarget: one card, 106 kbit/s type A
    D5 4B 01 01 ATQA(2) SAK(1) n UID(n)            one card; D5 4B 00: none

Source: NXP UM0701-02 (6.2 frames, abort and preamble; 7.3.1, 7.3.5 with the retries; 7.2.10 SAM) as quoted in
Kpeatop/Adafruit-PN532, and frames logged in techniq/node-pn532#9 (poll), nfc-tools/libnfc#85 (none) and
esphome/issues#3281 (version, SAM). Without RFConfiguration it answers only when a card comes, so that a dead part
could not be told from a quiet hour.

It dies after hours (Tasmota#14236), and after a restart of ours it may still be answering what it was asked before
(esphome/issues#3281). So an answer counts only for the command that was just acknowledged; and whatever goes wrong
(no ACK, no answer, a wrong sum, an answer to something else) is met by the whole beginning: wake, ACK as abort, let
50 ms pass (a command right after the ACK gets lost: nfc-tools/libnfc#167), throw away what came, and configure. That
is done every hour as well. A slow ttyS0 makes the ACK late (libnfc#742): it may take a quarter of a second.

Some cards answer every other time only (adafruit/Adafruit-PN532#52); ``absence_s`` covers that. A UID of four bytes
that begins with 08 is made up anew each time (ISO 14443-3; telephones do it): always a stranger. A UID is easily
copied: it signs a log, it opens no door.
"""

import math
import re
from collections.abc import Iterable
from typing import NamedTuple

import attrs
from attrs import validators

from devices.faults import DeviceFault, fault
from devices.hygiene.showing import Badges
from devices.part import Driver, Mount, Part, SerialSettings, Wire
from devices.reading import Reading
from devices.serialport import Deframer, receive, send

ACK = bytes.fromhex("0000ff00ff00")
WAKE = b"\x55\x55" + bytes(14)
SAM = bytes.fromhex("14011401")
RETRIES = bytes.fromhex("3205ff0102")
POLL = bytes.fromhex("4a0100")
_TO_PART, _FROM_PART = 0xD4, 0xD5
_UID_BYTES = (4, 7, 10)
_RANDOM = "08"
_QUIET_S = 0.05
_ACK_S = 0.25
_ANSWER_S = 1.0
_BETWEEN_S = 0.15  # from an answer to the next question
_LOOK_S = 0.05
_AFRESH_S = 3600.0
_TAG = re.compile(r"(?:[0-9A-Fa-f]{2}){4}|(?:[0-9A-Fa-f]{2}){7}|(?:[0-9A-Fa-f]{2}){10}")


def _is_allow_list(instance: object, attribute: object, cards: dict[str, str]) -> None:
    for tag, name in cards.items():
        if not _TAG.fullmatch(tag):
            raise ValueError(f"a card is its 8, 14 or 20 hex digits, in quotes: {tag!r}")
        if is_random(tag):
            raise ValueError(f"no card, but what a telephone makes up each time: {tag!r}")
        if not name.strip():
            raise ValueError(f"the card {tag!r} needs a name")
    if len({tag.upper() for tag in cards}) != len(cards):
        raise ValueError("the same card stands here twice, in capitals and in small letters")


@attrs.frozen(kw_only=True)
class Settings(SerialSettings):
    """``cards``      UID (8, 14 or 20 hex digits) to staff name; empty: every card is believed.
    ``absence_s``  a card that has been away for longer is shown anew when it comes back.
    """

    cards: dict[str, str] = attrs.field(factory=dict, validator=_is_allow_list)
    absence_s: float = attrs.field(default=1.5, validator=[validators.ge(0.5), validators.le(60.0)])


class Frame(NamedTuple):
    """``data`` from TFI on, empty for an ACK; None if the sums are wrong."""

    data: bytes | None


class Pn532(Driver):
    """Readings: ``badge`` and ``stranger``, one for each time a card is shown (:class:`Badges`), and ``ready``: True
    when the reader first answers, and when it answers again."""

    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.serial is not None
        self._device = settings.id
        self._badges = Badges(
            settings.id, {tag.upper(): name for tag, name in settings.cards.items()}, settings.absence_s
        )
        self._port = mount.serial
        self._mount = mount
        self._frames = Deframer(cut_frame)
        self._to_do: list[bytes] = []  # before the next poll for cards
        self._asked: bytes | None = None
        self._acknowledged = False
        self._until = -math.inf  # nothing is sent before, or an ACK or answer that comes later is none
        self._begun_at = -math.inf
        self._ready = False

    def open(self) -> None:
        self._ready = False
        self._begin(self._mount.now())

    def poll(self) -> Iterable[Reading]:
        now = self._mount.now()
        data = receive(self._port)
        if self._asked is None and now < self._until:
            self._frames.clear()  # what it still says is of before
            self.interval_s = self._until - now
            return ()
        readings: list[Reading] = []
        try:
            for frame in self._frames.feed(data):
                readings += self._hear(frame, now)
            self._speak(now)
        except DeviceFault as wrong:
            if wrong.lost:
                raise
            self._begin(now)
            self._ready = False
            if not readings:
                raise
        self.interval_s = max(0.001, min(_LOOK_S, self._until - now))
        return readings

    def _begin(self, now: float) -> None:
        send(self._port, WAKE + ACK)
        receive(self._port)
        self._frames.clear()
        self._to_do, self._asked = [SAM, RETRIES], None
        self._begun_at, self._until = now, now + _QUIET_S

    def _speak(self, now: float) -> None:
        if self._asked is None:
            if now >= self._until:
                if now - self._begun_at > _AFRESH_S:
                    self._begin(now)
                    return
                self._asked, self._acknowledged = self._to_do.pop(0) if self._to_do else POLL, False
                send(self._port, frame_of(_TO_PART, self._asked))
                self._until = now + _ACK_S
        elif now >= self._until:
            raise fault("no-answer", detail=f"{self._asked[0]:02X} {'done' if self._acknowledged else 'ACK'}")

    def _hear(self, frame: Frame, now: float) -> list[Reading]:
        if frame.data is None:
            raise fault("garbled", detail="sum of a frame")
        if self._asked is None:
            return []
        if not frame.data:
            self._acknowledged, self._until = True, now + _ANSWER_S
            return []
        if not self._acknowledged:
            return []  # of a question before
        if frame.data[:2] != bytes([_FROM_PART, self._asked[0] + 1]):
            raise fault("garbled", detail=f"{frame.data[:2].hex()} after {self._asked[0]:02X}")
        return self._answered(frame.data[2:], now)

    def _answered(self, data: bytes, now: float) -> list[Reading]:
        question, self._asked = self._asked, None
        self._until = now
        if question != POLL:
            return []
        self._until = now + _BETWEEN_S
        tag = uid(data)
        readings = [] if self._ready else [Reading(self._device, "ready", True, now)]
        self._ready = True
        return readings if tag is None else readings + self._badges.show(tag, now, known=not is_random(tag))


def frame_of(direction: int, data: bytes) -> bytes:
    """A frame with its sums; ``direction`` D4 to the part, D5 from it."""
    body = bytes([direction]) + data
    return bytes([0, 0, 0xFF, len(body), -len(body) & 0xFF]) + body + bytes([-sum(body) & 0xFF, 0])


def cut_frame(buffer: bytes) -> tuple[int, Frame | None]:
    """The next frame from its start code on (for a :class:`Deframer`); the zeros before and after it are noise."""
    if not b"\x00\xff".startswith(buffer[:2]):
        return 1, None
    if len(buffer) < 4:
        return 0, None
    length, check = buffer[2], buffer[3]
    if (length, check) == (0x00, 0xFF):
        return 4, Frame(b"")
    if (length, check) == (0xFF, 0x00):
        return 4, None  # a NACK is only for the part
    if (length + check) & 0xFF:
        return 1, Frame(None)
    if len(buffer) < 5 + length:
        return 0, None
    data = buffer[4 : 4 + length]
    return (5 + length, Frame(data)) if not (sum(data) + buffer[4 + length]) & 0xFF else (1, Frame(None))


def uid(data: bytes) -> str | None:
    """The UID in an answer to InListPassiveTarget, behind its command byte; None: no card. Raises DeviceFault."""
    if data == b"\x00":
        return None
    if len(data) > 6 and data[0] == 1 and data[5] in _UID_BYTES and len(data) >= 6 + data[5]:
        return data[6 : 6 + data[5]].hex().upper()
    raise fault("garbled", detail=f"answer {data.hex()}")


def is_random(tag: str) -> bool:
    return len(tag) == 8 and tag.startswith(_RANDOM)


PART = Part(
    name="pn532",
    kind="disinfection",
    says={"zh": "消毒签到读卡器（13.56 MHz）", "en": "badge reader for disinfection rounds, 13.56 MHz"},
    wires=(Wire.SERIAL,),
    settings=Settings,
    driver=Pn532,
    baud=115200,
)
