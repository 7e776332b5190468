"""BH1750 as its bus sees it: one byte tells it to measure, and 120 ms later its register has changed."""

from collections.abc import Callable
from typing import Any

from devices.world.twin import I2CTwin, Nack, Stage, Trouble

_MEASURES_S = 0.12


class Bh1750Twin(I2CTwin):
    """``source`` gives the brightness in lux."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.source: Callable[[], float] = lambda: 320.0
        self._on = False
        self._word = self._coming = 0
        self._done_at: float | None = None

    def power_cycle(self) -> None:
        """Its supply was interrupted."""
        self._on, self._word, self._done_at = False, 0, None

    def recover(self) -> None:
        if self.trouble is Trouble.UNPLUGGED:
            self.power_cycle()
        super().recover()

    def write(self, data: bytes) -> None:
        match data:
            case b"\x01":
                self._on = True
            case b"\x20" if self._on:
                self._measure()
            case b"\x20":
                pass  # it sleeps
            case _:
                raise Nack

    def read(self, length: int) -> bytes:
        if self._done_at is not None and self.stage.now() >= self._done_at:
            self._word, self._done_at, self._on = self._coming, None, False
        return self._word.to_bytes(2)[:length].ljust(length, b"\xff")

    def _measure(self) -> None:
        if self.trouble is Trouble.SILENT:
            return
        if self.trouble is not Trouble.STUCK:
            self._coming = min(round(self.source() * 1.2), 0xFFFF)
        self._done_at = self.stage.now() + _MEASURES_S


TWIN = Bh1750Twin
