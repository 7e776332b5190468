"""Satisfaction keypads at the counters, gathered on one serial line.

Wiring: the keypads' concentrator (RS-232 through a converter, or USB) 9600 8N1; it only talks. hallgate's own convention
for boards that merge the counters' keys; each press comes in one piece::

    3 : 5 CR          counter 3 (1 to 99), score 5 (1 very dissatisfied to 5 very satisfied); LF after CR is allowed

Rests on no maker's document; makers' own keypads want a small board in between. The line has no check value: a flipped
bit may change a digit, so a rating is opinion, not evidence. Whatever is no such line is dropped whole, up to its CR; a
line that stays unfinished for 0.3 s was none.

People press several times, or try all keys: the first press counts, and those that follow at the same counter within
``again_s`` of the last one do not.
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

_LINE = re.compile(rb"([1-9][0-9]?):([1-5])")
_END = re.compile(rb"[\r\n]")
_GAP_S = 0.3
_LONGEST_BYTES = 64
# So much rubbish without a rating is a line that does not work, unless it was quiet this long in between.
_RUBBISH_BYTES = 32
_FORGET_S = 10.0


@attrs.frozen(kw_only=True)
class Settings(SerialSettings):
    """``again_s``  presses at one counter with less than this between them are one rating."""

    again_s: float = attrs.field(default=5.0, validator=[validators.ge(0.5), validators.le(60.0)])


class Rater(Driver):
    """Reading: ``rating`` ("counter score")."""

    interval_s = 1.0
    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.serial is not None
        self._device = settings.id
        self._again_s = settings.again_s
        self._port = mount.serial
        self._mount = mount
        self._lines = Deframer(cut_line, limit=_LONGEST_BYTES)
        self._heard_at = -math.inf
        self._unfinished = 0  # bytes of a line whose end has not come
        self._pressed: dict[bytes, float] = {}  # counter -> its last press
        self._rubbish = 0
        self._rubbish_at = -math.inf

    def open(self) -> None:
        receive(self._port)  # nobody who pressed before we were here is still there
        self._lines.clear()
        self._unfinished = 0

    def poll(self) -> Iterable[Reading]:
        now = self._mount.now()
        readings: list[Reading] = []
        data = receive(self._port)
        if data:
            if now - self._heard_at >= _GAP_S and self._unfinished:
                self._lines.clear()
                self._count_rubbish(self._unfinished, now)
                self._unfinished = 0
            self._heard_at = now
            rest = _END.split(data)[-1]
            self._unfinished = len(rest) + (self._unfinished if len(rest) == len(data) else 0)
        for line in self._lines.feed(data):
            if match := _LINE.fullmatch(line):
                self._rubbish = 0
                readings += self._rate(match[1], match[2], now)
            else:
                self._count_rubbish(len(line), now)
        if self._lines.noise:
            self._count_rubbish(self._lines.noise, now)
        if self._rubbish >= _RUBBISH_BYTES and not readings:
            rubbish, self._rubbish = self._rubbish, 0
            raise fault("garbled", detail=f"{rubbish} bytes without a rating")
        return readings

    def _rate(self, counter: bytes, score: bytes, now: float) -> list[Reading]:
        again = now - self._pressed.get(counter, -math.inf) < self._again_s
        self._pressed[counter] = now
        return [] if again else [Reading(self._device, "rating", f"{counter.decode()} {score.decode()}", now)]

    def _count_rubbish(self, count: int, now: float) -> None:
        if now - self._rubbish_at > _FORGET_S:
            self._rubbish = 0
        self._rubbish += count
        self._rubbish_at = now


def cut_line(buffer: bytes) -> tuple[int, bytes | None]:
    """The next line without its end, whatever it says (for a :class:`Deframer`); empty ones are between CR and LF."""
    end = _END.search(buffer)
    return (end.end(), buffer[: end.start()]) if end else (0, None)


PART = Part(
    name="rater",
    kind="rater",
    says={"zh": "窗口满意度评价器", "en": "satisfaction keypads at the counters"},
    wires=(Wire.SERIAL,),
    settings=Settings,
    driver=Rater,
)
