"""GY-MCU90614 as its line sees it: frames at its own pace once it has been told to stream."""

from typing import Any

from devices.serialport import Deframer
from devices.world.twin import Stage, Trouble, Twin

_NOISE_C = 0.04  # standard deviation of one reading
_STREAM = 0x45
_QUERY = 0x15


class GyMcu90614Twin(Twin):
    """``face`` puts somebody before it; ``raw_object`` forces a word, for the edges of the scale.

    It is set not to stream by itself: after a power cut it waits to be told again.
    """

    def __init__(self, settings: Any, stage: Stage, rate_hz: float = 10.0) -> None:
        super().__init__(settings, stage)
        self.rate_hz = rate_hz
        self.ambient_c = 23.0
        self.raw_object: int | None = None
        self._commands = Deframer(_cut_command)
        self._face_c = 0.0
        self._face_until = 0.0
        self._stuck: bytes | None = None
        self._stream = 0  # counts streams begun, so that an ended one falls silent
        self._streaming = False

    def face(self, displayed_c: float, seconds: float) -> None:
        """Somebody whose forehead this lane shows as ``displayed_c`` stands before it for that long."""
        self._face_c = displayed_c - self.settings.offset_c
        self._face_until = self.stage.now() + seconds

    def power_cycle(self) -> None:
        """Its supply was interrupted."""
        self._streaming = False
        self._commands.clear()

    def recover(self) -> None:
        if self.trouble in (Trouble.UNPLUGGED, Trouble.SILENT):
            self.power_cycle()
        super().recover()

    def received(self, data: bytes) -> None:
        for command in self._commands.feed(data):
            if command == _STREAM and not self._streaming:
                self._streaming = True
                self._stream += 1
                self._tick(self._stream)
            elif command == _QUERY:
                self.stage.line.send(self._frame())

    def _tick(self, stream: int) -> None:
        if self._streaming and stream == self._stream:
            self.stage.line.send(self._frame())
            self.stage.at(self.stage.now() + 1 / self.rate_hz, lambda: self._tick(stream))

    def _frame(self) -> bytes:
        if self.trouble is not Trouble.STUCK:
            self._stuck = None
            return frame(self._object(), round(self.ambient_c * 100))
        if self._stuck is None:
            self._stuck = frame(self._object(), round(self.ambient_c * 100))
        return self._stuck

    def _object(self) -> int:
        if self.raw_object is not None:
            return self.raw_object
        there = self.stage.now() < self._face_until
        return round(((self._face_c if there else self.ambient_c) + self.stage.random.gauss(0, _NOISE_C)) * 100)


def frame(surface: int, ambient: int) -> bytes:
    """A frame of two words of 0.01 degC."""
    body = bytes.fromhex("5a5a4504") + surface.to_bytes(2, signed=True) + ambient.to_bytes(2, signed=True)
    return body + bytes([sum(body) & 0xFF])


def _cut_command(buffer: bytes) -> tuple[int, int | None]:
    """A5, command, sum."""
    if buffer[0] != 0xA5:
        return 1, None
    if len(buffer) < 3:
        return 0, None
    return (3, buffer[1]) if (0xA5 + buffer[1]) & 0xFF == buffer[2] else (1, None)


TWIN = GyMcu90614Twin
