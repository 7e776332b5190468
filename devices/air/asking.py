"""Question and answer on a serial line that one part has to itself, without ever waiting for bytes.

A poll reads what has arrived, and asks when it is time; the worker polls again as soon as the answer comes. A question
that gets none within a second is a fault, and is repeated sooner than usual. Which fault: nothing at all has come, or
something that was no answer.
"""

import math
from collections.abc import Callable, Iterable

from devices.faults import DeviceFault, fault
from devices.part import Driver, Mount
from devices.reading import Reading
from devices.serialport import Deframer, receive, send

# 9600 baud and some tens of milliseconds of the part's own; a little less than the second between two polls.
_ANSWER_S = 0.9
_REPEAT_S = 5.0


class Asking(Driver):
    """``question`` says what to ask next, ``take`` what an answer means. ``cut`` finds frames (:class:`Deframer`)."""

    interval_s = 1.0  # asking has a pace of its own
    talks = True

    def __init__(self, mount: Mount, cut: Callable[[bytes], tuple[int, bytes | None]], ask_every_s: float) -> None:
        assert mount.serial is not None
        self._port = mount.serial
        self._mount = mount
        self._ask_every_s = ask_every_s
        self._frames = Deframer(cut)
        self._asked_at: float | None = None  # the question that has no answer yet
        self._due = 0.0
        self._noise = 0  # since it was asked
        self.missed = 0  # questions in a row without an answer
        self.garbled_at = -math.inf  # the last of them that had something else

    def open(self) -> None:
        receive(self._port)
        self._frames.clear()
        self._asked_at, self.missed = None, 0
        self._due = self._mount.now()

    def poll(self) -> Iterable[Reading]:
        now = self._mount.now()
        readings: list[Reading] = []
        bad: DeviceFault | None = None
        for frame in self._frames.feed(receive(self._port)):
            try:
                bad = None  # the newest answer says how the part is
                taken = self.take(frame, now)
            except DeviceFault as found:
                bad, taken = found, ()
            if taken is not None:
                readings += taken
                self._asked_at, self.missed = None, 0
        self._noise += self._frames.noise
        bad = self._miss(now) or bad
        if self._asked_at is None and now >= self._due:
            self._ask(now)
        if bad is not None and not readings:
            raise bad
        return readings

    def question(self) -> bytes:
        """The frame to send now."""
        raise NotImplementedError

    def take(self, frame: bytes, now: float) -> Iterable[Reading] | None:
        """What that frame says; None if it answers nothing that was asked. May raise DeviceFault."""
        raise NotImplementedError

    def hurry(self) -> None:
        """There is something to ask before the next turn."""
        self._due = self._mount.now()

    def _ask(self, now: float) -> None:
        self._frames.clear()  # the rest of something broken must not swallow the answer's beginning
        self._noise = 0
        self._asked_at = now
        self._due = now + self._ask_every_s
        send(self._port, self.question())

    def _miss(self, now: float) -> DeviceFault | None:
        if self._asked_at is None or now - self._asked_at < _ANSWER_S:
            return None
        self._due = min(self._due, self._asked_at + _REPEAT_S)
        self._asked_at = None
        self.missed += 1
        if not self._noise:
            return fault("no-answer")
        self.garbled_at = now
        return fault("garbled", detail=f"{self._noise} bytes without a frame")
