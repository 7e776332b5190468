"""What the simulators of S8 and K30 have in common: a line with one sensor on it, which checks what it is told."""

from collections.abc import Callable
from typing import Any

from devices.air.senseair import ANY, READ_RAM, with_crc
from devices.serialport import Deframer
from devices.world.twin import Stage, Trouble, Twin

_THINKS_S = 0.02
_READ_RAM_BYTES, _REQUEST_BYTES = 7, 8


class SenseairTwin(Twin):
    """``source`` gives the air's ppm, degC and %RH, of which it knows the first; ``raw_co2`` forces a word.

    ``stray`` goes out once before the next answer.
    """

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.source: Callable[[], tuple[float, float, float]] = lambda: (450.0, 22.0, 45.0)
        self.raw_co2: int | None = None
        self.stray = b""
        self._requests = Deframer(_cut_request)
        self._stuck: int | None = None

    def received(self, data: bytes) -> None:
        for frame in self._requests.feed(data):
            answer = self.answer(frame)
            if answer is not None:
                told, self.stray = self.stray + with_crc(answer), b""
                self.stage.at(self.stage.now() + _THINKS_S, lambda told=told: self.stage.line.send(told))  # type: ignore[misc]  # mypy cannot type a default

    def answer(self, frame: bytes) -> bytes | None:
        """What to say to that frame, without its CRC; None to say nothing."""
        raise NotImplementedError

    def co2(self) -> bytes:
        """The word that stands for the air."""
        if self.trouble is not Trouble.STUCK:
            self._stuck = None
        word = self._stuck
        if word is None:
            word = self.raw_co2 if self.raw_co2 is not None else round(self.source()[0])
        if self.trouble is Trouble.STUCK:
            self._stuck = word
        return word.to_bytes(2, signed=True)


def _cut_request(buffer: bytes) -> tuple[int, bytes | None]:
    if buffer[0] != ANY:
        return 1, None
    if len(buffer) < 2:
        return 0, None
    length = _READ_RAM_BYTES if buffer[1] == READ_RAM else _REQUEST_BYTES
    if len(buffer) < length:
        return 0, None
    frame = buffer[:length]
    return (length, frame) if with_crc(frame[:-2]) == frame else (1, None)
