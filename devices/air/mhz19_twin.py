"""MH-Z19B as its line sees it: it answers what it is asked, and after its power came back nonsense for a while.

What it says then, and in which order, is bencorrado/pmsensor#8; U = 15000 meanwhile is esphome/esphome#588. Answering 79,
late, is what the units of letscontrolit/ESPEasy#2394 do; the manual knows no such answer.
"""

from collections.abc import Callable
from typing import Any

from devices.air.mhz19 import with_sum
from devices.serialport import Deframer
from devices.world.twin import Stage, Trouble, Twin

_BOOT_S = 70.0
_THINKS_S = 0.02


class Mhz19Twin(Twin):
    """``source`` gives the air's ppm, degC and %RH (of which it knows the first two).

    ``stray`` goes out once before the next answer; ``late_s`` is how late 79 is answered, None for never; ``marks`` is
    whether this unit says U = 15000 while it boots.
    """

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.source: Callable[[], tuple[float, float, float]] = lambda: (450.0, 22.0, 45.0)
        self.self_calibration = True
        self.told = 0  # how often it was told how to calibrate itself
        self.stray = b""
        self.late_s: float | None = 0.3
        self.marks = True
        self._commands = Deframer(_cut_command)
        self._on_since = -1e6  # it has been on for long
        self._answers = 0  # since then
        self._stuck: bytes | None = None

    def power_cycle(self) -> None:
        """Its supply was interrupted."""
        self._on_since, self._answers, self.self_calibration = self.stage.now(), 0, True
        self._commands.clear()

    def recover(self) -> None:
        if self.trouble in (Trouble.UNPLUGGED, Trouble.SILENT):
            self.power_cycle()
        super().recover()

    def received(self, data: bytes) -> None:
        for code, argument in self._commands.feed(data):
            if code == 0x86:
                self._say(_THINKS_S, self._answer())
            elif code == 0x79:
                self.self_calibration = argument == 0xA0
                self.told += 1
                if self.late_s is not None:
                    self._say(self.late_s, with_sum(bytes([0xFF, 0x79, 1, 0, 0, 0, 0, 0])))

    def _say(self, after_s: float, frame: bytes) -> None:
        data, self.stray = self.stray + frame, b""
        self.stage.at(self.stage.now() + after_s, lambda: self.stage.line.send(data))

    def _answer(self) -> bytes:
        self._answers += 1
        if self.stage.now() - self._on_since < _BOOT_S:
            frame = reply(1215 if self._answers in (2, 3) else 410, self.source()[1], u=15000 if self.marks else 0)
            return frame if self._answers > 1 else frame[:-1] + bytes([frame[-1] ^ 0x55])
        if self.trouble is not Trouble.STUCK:
            self._stuck = None
        frame = self._stuck or reply(self.source()[0], self.source()[1])
        if self.trouble is Trouble.STUCK:
            self._stuck = frame
        return frame


def reply(ppm: float, celsius: float, u: int = 0) -> bytes:
    """The frame that says so."""
    return with_sum(b"\xff\x86" + round(ppm).to_bytes(2) + bytes([round(celsius) + 40, 0]) + u.to_bytes(2))


def _cut_command(buffer: bytes) -> tuple[int, tuple[int, int] | None]:
    """FF 01, code, argument, four more, sum."""
    if not buffer.startswith(b"\xff\x01"[: len(buffer)]):
        return 1, None
    if len(buffer) < 9:
        return 0, None
    return (9, (buffer[2], buffer[3])) if with_sum(buffer[:8]) == buffer[:9] else (1, None)


TWIN = Mhz19Twin
