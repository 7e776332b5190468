"""SHT31 as its bus sees it: it measures when told, refuses to be asked too soon, and keeps its heater on until a reset."""

from collections.abc import Callable
from typing import Any

from devices.air.scd41 import with_crc
from devices.world.twin import I2CTwin, Nack, Stage, Trouble

_MEASURES_S = 0.0155
_RESET_S = 0.0015


class Sht31Twin(I2CTwin):
    """``source`` gives the air's ppm (which it ignores), degC and %RH; ``heater`` is on or off, ``heater_stays`` through
    a reset; ``periodic`` is a former owner's measuring by itself, in which it takes nothing but 3093."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.source: Callable[[], tuple[float, float, float]] = lambda: (450.0, 22.0, 45.0)
        self.heater = False
        self.heater_stays = False
        self.periodic = False
        self._answer: bytes | None = None
        self._ready_at = 0.0
        self._stuck: bytes | None = None

    def suffer(self, trouble: Trouble) -> None:
        super().suffer(trouble)
        self._stuck = self._measure()

    def write(self, data: bytes) -> None:
        now, command = self.stage.now(), int.from_bytes(data[:2])
        if now < self._ready_at or (self.periodic and command != 0x3093):
            raise Nack
        self._answer = None
        match command:
            case 0x2400:
                self._answer = None if self.trouble is Trouble.SILENT else self._measure()
                self._ready_at = now + _MEASURES_S
            case 0xF32D:
                self._answer = with_crc(0x0010 | (0x2000 if self.heater else 0))
            case 0x3093:
                self.periodic = False
            case 0x30A2:
                self.heater = self.heater and self.heater_stays
                self._ready_at = now + _RESET_S
            case _:
                raise Nack

    def read(self, length: int) -> bytes:
        if self._answer is None or self.stage.now() < self._ready_at:
            raise Nack
        answer, self._answer = self._answer, None
        return answer[:length].ljust(length, b"\xff")

    def _measure(self) -> bytes:
        if self.trouble is Trouble.STUCK and self._stuck is not None:
            return self._stuck
        _, celsius, humidity = self.source()
        found = round((celsius + 45) * 65535 / 175), round(humidity * 65535 / 100)
        return b"".join(with_crc(min(max(word, 0), 0xFFFF)) for word in found)


TWIN = Sht31Twin
