"""MLX90614 as its bus sees it: two RAM words with their PEC, and an error flag when asked for."""

from typing import Any

from devices.checks import smbus_pec
from devices.world.twin import I2CTwin, Nack, Stage, Trouble

_NOISE_C = 0.04  # standard deviation of one reading


class Mlx90614Twin(I2CTwin):
    """``face`` puts somebody before it; ``raw_object`` forces a word, for the edges of the scale."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.ambient_c = 23.0
        self.raw_object: int | None = None
        self.error_flag = False
        self._command: int | None = None
        self._face_c = 0.0
        self._face_until = 0.0
        self._stuck: dict[int, int] = {}

    def face(self, displayed_c: float, seconds: float) -> None:
        """Somebody whose forehead this lane shows as ``displayed_c`` stands before it for that long."""
        self._face_c = displayed_c - self.settings.offset_c
        self._face_until = self.stage.now() + seconds

    def write(self, data: bytes) -> None:
        if len(data) != 1 or data[0] not in (0x06, 0x07):
            raise Nack
        self._command = data[0]

    def read(self, length: int) -> bytes:
        if self._command is None:
            raise Nack
        raw = self._raw(self._command)
        reply = bytes([raw & 0xFF, raw >> 8])
        sent = bytes([self.address << 1, self._command, self.address << 1 | 1])
        return (reply + bytes([smbus_pec(sent + reply)]))[:length]

    def stop(self) -> None:
        self._command = None

    def _raw(self, command: int) -> int:
        if self.trouble is Trouble.STUCK:
            return self._stuck.setdefault(command, self._measure(command))
        self._stuck.clear()
        return self._measure(command) | (0x8000 if self.error_flag else 0)

    def _measure(self, command: int) -> int:
        if command == 0x06:
            return _to_raw(self.ambient_c)
        if self.raw_object is not None:
            return self.raw_object
        there = self.stage.now() < self._face_until
        return _to_raw((self._face_c if there else self.ambient_c) + self.stage.random.gauss(0, _NOISE_C))


def _to_raw(celsius: float) -> int:
    return round((celsius + 273.15) / 0.02)


TWIN = Mlx90614Twin
