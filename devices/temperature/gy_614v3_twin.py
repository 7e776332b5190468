"""GY-614V3 as its line sees it: registers that can be written, and frames while register 03 says so.

That it answers a write with the same bytes is what its sister modules do; nothing here relies on it.
"""

from typing import Any

from devices.serialport import Deframer
from devices.temperature.gy_mcu90614_twin import GyMcu90614Twin
from devices.world.twin import Stage, Trouble

_EMISSIVITY = 95
_MODE, _FORMAT = 0x03, 0x04


class Gy614V3Twin(GyMcu90614Twin):
    """``face``, ``raw_object``, ``ambient_c`` and ``power_cycle`` as of the GY-MCU90614.

    Its last owner has saved it as waiting for questions; with ``letters`` also as writing in letters. That is what
    it is again after a power cut. ``body_c`` is what it guesses of the body.
    """

    def __init__(self, settings: Any, stage: Stage, rate_hz: float = 10.0) -> None:
        super().__init__(settings, stage, rate_hz)
        self.body_c = 36.8
        self.letters = False
        self._writes = Deframer(_cut_write)
        self._in_hex = True

    def power_cycle(self) -> None:
        super().power_cycle()
        self._writes.clear()
        self._in_hex = not self.letters

    def received(self, data: bytes) -> None:
        for register, value in self._writes.feed(data):
            self.stage.line.send(_with_sum(bytes([0xA4, 0x06, register, value])))
            if register == _FORMAT:
                self._in_hex = value == 0
            elif register == _MODE and value:
                self._streaming = False
            elif register == _MODE and not self._streaming:
                self._streaming = True
                self._stream += 1
                self._tick(self._stream)

    def _frame(self) -> bytes:
        if self.trouble is not Trouble.STUCK or self._stuck is None:
            self._stuck = frame(self._object(), round(self.ambient_c * 100), round(self.body_c * 100))
        if not self._in_hex:
            return f"TO:{int.from_bytes(self._stuck[5:7]) / 100:.2f}\r\n".encode("ascii")
        return self._stuck


def frame(surface: int, ambient: int, body: int = 3680, emissivity: int = _EMISSIVITY) -> bytes:
    """A frame of three words of 0.01 degC."""
    words = (word.to_bytes(2, signed=True) for word in (surface, ambient, body))
    return _with_sum(bytes.fromhex("a4030707") + bytes([emissivity]) + b"".join(words))


def _with_sum(data: bytes) -> bytes:
    return data + bytes([sum(data) & 0xFF])


def _cut_write(buffer: bytes) -> tuple[int, tuple[int, int] | None]:
    """A4, 06, register, value, sum."""
    if not b"\xa4\x06".startswith(buffer[:2]):
        return 1, None
    if len(buffer) < 5:
        return 0, None
    return (5, (buffer[2], buffer[3])) if _with_sum(buffer[:4]) == buffer[:5] else (1, None)


TWIN = Gy614V3Twin
