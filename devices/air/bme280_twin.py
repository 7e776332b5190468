"""BME280 as its bus sees it: a file of registers, trimmed as the chip of Bosch's worked example."""

from bisect import bisect_left
from collections.abc import Callable
from typing import Any

from devices.air.bme280 import humidity_q10, pressure_q8, t_fine, trimming
from devices.world.twin import I2CTwin, Nack, Stage, Trouble

# T1..P9 and, H1..H6 being in no example of Bosch's, some of a usual chip.
LOW = bytes.fromhex("706b436718fc7d8e43d6d00b270b8c00f9ff8c3cf8c67017004b")
HIGH = bytes.fromhex("6b010015ed011e")
_TRIM = trimming(LOW, HIGH)
_MEASURES_S = 0.0093


class Bme280Twin(I2CTwin):
    """``source`` gives the air's ppm (which it ignores), degC and %RH; ``hpa`` its pressure.

    ``chip`` is its id, ``raw`` forces the eight bytes of a measurement.
    """

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.source: Callable[[], tuple[float, float, float]] = lambda: (450.0, 22.0, 45.0)
        self.hpa = 1013.25
        self.chip = 0x60
        self.raw: bytes | None = None
        self._humidity_too = False
        self._data = b"\x80\0\0\x80\0\0\x80\0"
        self._done_at = 0.0
        self._register: int | None = None

    def power_cycle(self) -> None:
        """Its supply was interrupted."""
        self._humidity_too, self._data, self._done_at = False, b"\x80\0\0\x80\0\0\x80\0", 0.0

    def recover(self) -> None:
        if self.trouble is Trouble.UNPLUGGED:
            self.power_cycle()
        super().recover()

    def write(self, data: bytes) -> None:
        if not data:
            raise Nack
        self._register = data[0]
        for register, value in zip(data[::2], data[1::2], strict=False):
            if register == 0xE0 and value == 0xB6:
                self.power_cycle()
            elif register == 0xF2:
                self._humidity_too = value & 7 == 1
            elif register == 0xF4 and value & 3 and self.trouble is not Trouble.SILENT:
                self._measure()

    def read(self, length: int) -> bytes:
        if self._register is None:
            raise Nack
        return bytes(map(self._byte, range(self._register, self._register + length)))

    def stop(self) -> None:
        self._register = None

    def _byte(self, register: int) -> int:
        if register == 0xF3:
            return 0x08 if self.stage.now() < self._done_at else 0
        for base, held in ((0x88, LOW), (0xD0, bytes([self.chip])), (0xE1, HIGH), (0xF7, self._data)):
            if base <= register < base + len(held):
                return held[register - base]
        return 0

    def _measure(self) -> None:
        self._done_at = self.stage.now() + _MEASURES_S
        if self.trouble is Trouble.STUCK:
            return
        _, celsius, humidity = self.source()
        raw_t = bisect_left(range(1 << 20), celsius * 100, key=lambda raw: t_fine(_TRIM, raw) * 5 + 128 >> 8)
        fine = t_fine(_TRIM, raw_t)
        raw_p = bisect_left(range(1 << 20), -self.hpa * 25600, key=lambda raw: -pressure_q8(_TRIM, fine, raw))
        raw_h = bisect_left(range(1 << 16), humidity * 1024, key=lambda raw: humidity_q10(_TRIM, fine, raw))
        found = (
            (raw_p << 4).to_bytes(3) + (raw_t << 4).to_bytes(3) + (raw_h if self._humidity_too else 0x8000).to_bytes(2)
        )
        self._data = self.raw or found


TWIN = Bme280Twin
