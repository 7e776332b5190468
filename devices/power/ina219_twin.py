"""INA219 as its bus sees it: six registers behind a pointer, and conversions that take their time."""

from collections.abc import Callable
from typing import Any

from devices.world.twin import I2CTwin, Nack, Stage, Trouble

_CONFIGURATION, _SHUNT, _BUS, _POWER, _CURRENT, _CALIBRATION = range(6)
_POWER_UP = 0x399F


class Ina219Twin(I2CTwin):
    """``source`` gives volts and amperes as the hall should read them; ``glitch`` spoils reads of the bus voltage."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.source: Callable[[], tuple[float, float]] = lambda: (12.0, 1.0)
        self.configuration = _POWER_UP
        self.calibration = 0
        self._pointer = 0
        self._zeros = 0
        self._converting_since = stage.now()
        self._stuck: tuple[float, float] | None = None

    def glitch(self, reads: int) -> None:
        """So many reads of the bus voltage give 0.0 V (upsplus#14)."""
        self._zeros = reads

    def reset(self) -> None:
        """A sharp load has pulled its supply down for a moment."""
        self.configuration, self.calibration, self._pointer = _POWER_UP, 0, 0
        self._converting_since = self.stage.now()

    def suffer(self, trouble: Trouble) -> None:
        super().suffer(trouble)
        self._stuck = self.source() if trouble is Trouble.STUCK else None

    def recover(self) -> None:
        if self.trouble is Trouble.UNPLUGGED:
            self.reset()
        super().recover()
        self._stuck = None

    def write(self, data: bytes) -> None:
        if not data or data[0] > _CALIBRATION or len(data) not in (1, 3):
            raise Nack
        self._pointer = data[0]
        if len(data) == 3:
            self._set(data[0], int.from_bytes(data[1:]))

    def read(self, length: int) -> bytes:
        return self._get(self._pointer).to_bytes(2)[:length].ljust(length, b"\xff")

    def _set(self, register: int, word: int) -> None:
        if register == _CONFIGURATION:
            self.configuration = word & 0x7FFF
            self._converting_since = self.stage.now()
            if word & 0x8000:
                self.reset()
        elif register == _CALIBRATION:
            self.calibration = word & 0xFFFE

    def _get(self, register: int) -> int:
        match register:
            case 0x00:
                return self.configuration
            case 0x01:
                return self._shunt() & 0xFFFF
            case 0x02:
                return self._bus_word()
            case 0x03:
                self._converting_since = self.stage.now()
                return abs(self._current()) * self._bus() // 5000 & 0xFFFF
            case 0x04:
                return max(-0x8000, min(0x7FFF, self._current())) & 0xFFFF
        return self.calibration

    def _bus_word(self) -> int:
        if self._zeros > 0:
            self._zeros -= 1
            return int(self._ready()) << 1
        overflow = abs(self._current()) > 0x7FFF or abs(self._current()) * self._bus() // 5000 > 0xFFFF
        return self._bus() << 3 | int(self._ready()) << 1 | int(overflow)

    def _ready(self) -> bool:
        """Shunt and bus are converted in turn."""
        if self.trouble is Trouble.SILENT:
            return False
        codes = (self.configuration >> 3 & 0xF, self.configuration >> 7 & 0xF)
        return self.stage.now() >= self._converting_since + sum(map(_conversion_s, codes))

    def _truth(self) -> tuple[float, float]:
        return self._stuck if self._stuck is not None else self.source()

    def _bus(self) -> int:
        return max(0, min(0x1FFF, round(self._truth()[0] / 0.004)))

    def _shunt(self) -> int:
        """Microvolts by ten, cut off where the amplifier's range ends: 40 mV, doubled by each step of it."""
        amperes = self._truth()[1] * (-1 if self.settings.invert else 1)
        top = 4000 << (self.configuration >> 11 & 3)
        drop = round(amperes * self.settings.shunt_ohm / 0.00001)
        return int(max(-top, min(top, drop)))

    def _current(self) -> int:
        return int(self._shunt() * self.calibration / 4096)


def _conversion_s(code: int) -> float:
    """The ADC settings of the data sheet (configuration register)."""
    return 0.000532 * float(1 << (code & 7)) if code & 8 else (84e-6, 148e-6, 276e-6, 532e-6)[code & 3]


TWIN = Ina219Twin
