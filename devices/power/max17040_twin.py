"""MAX17040 as its bus sees it: a pointer and words, and a pin for external power beside it."""

from collections.abc import Callable
from typing import Any

from devices.power.level import Level
from devices.world.twin import I2CTwin, Nack, Stage, Trouble

_MODE = 0x06
_CONFIG_WORD = 0x971C


class Max17040Twin(I2CTwin):
    """``source`` gives the cell's volts and true percent; ``error_pct`` is how far the gauge's guess is off."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.source: Callable[[], tuple[float, float]] = lambda: (4.1, 95.0)
        self.error_pct = 0.0
        self.mains = Level(self, stage, settings.mains, settings.yes) if settings.mains is not None else None
        self._pointer = 0
        self._bad_reads = 0
        self._stuck: tuple[float, float] | None = None

    def glitch(self, reads: int) -> None:
        """So many times both words are read as 0 V and FFFF (SparkFun_MAX1704x#3)."""
        self._bad_reads = 2 * reads

    def change_cells(self) -> None:
        """The gauge thinks that it still has the old ones (geekworm-com/x728#3)."""
        self.error_pct = -93.0

    def suffer(self, trouble: Trouble) -> None:
        super().suffer(trouble)
        self._stuck = self.source() if trouble is Trouble.STUCK else None
        self._drive()

    def recover(self) -> None:
        super().recover()
        self._stuck = None
        self._drive()

    def write(self, data: bytes) -> None:
        if self.trouble is Trouble.SILENT or not data:
            raise Nack
        self._pointer = data[0]
        if data[0] == _MODE and data[1:] == b"\x40\x00":
            self.error_pct = 0.0

    def read(self, length: int) -> bytes:
        return self._word().to_bytes(2)[:length].ljust(length, b"\xff")

    def _word(self) -> int:
        volts, percent = self._stuck if self._stuck is not None else self.source()
        bad = self._bad_reads > 0
        match self._pointer:
            case 0x02:
                self._bad_reads -= bad
                return 0 if bad else max(0, min(0xFFF, round(volts / 0.00125))) << 4
            case 0x04:
                self._bad_reads -= bad
                return 0xFFFF if bad else max(0, min(0xFFFE, round((percent + self.error_pct) * 256)))
            case 0x08:
                return 0x0002
            case 0x0C:
                return _CONFIG_WORD
        return 0

    def _drive(self) -> None:
        if self.mains is not None:
            self.mains.drive()


TWIN = Max17040Twin
