"""SCD30 as its bus sees it: no repeated start, a gap before each answer, and a refusal after each reset.

It rests on Sensirion's interface description 1.4 and, for what it does besides, on the threads named in the driver.
"""

import errno
import struct
from collections.abc import Callable
from typing import Any

from devices.air.scd41 import with_crc
from devices.checks import sensirion_crc
from devices.world.twin import I2CTwin, Nack, Stage, Trouble

_BOOT_S = 1.5  # "less than 2 s"
_GAP_S = 0.003
_SETTINGS = (0x4600, 0x5306)


class Scd30Twin(I2CTwin):
    """``source`` gives the air's ppm, degC and %RH; ``stretches`` counts transfers to come that are held too long.

    ``hang`` stops it measuring until its next start; ``raw`` forces the three floats.
    """

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.source: Callable[[], tuple[float, float, float]] = lambda: (450.0, 22.0, 45.0)
        self.raw: tuple[float, float, float] | None = None
        self.stretches = 0
        self.kept = {0x4600: 2, 0x5306: 0}  # in its lasting memory
        self.written = 0  # how often something was, starting apart
        self.pressure_mbar: int | None = None  # None: not started
        self._measuring_since: float | None = None
        self._read = 0  # how many measurements have gone, read or not
        self._deaf_until = 0.0
        self._refuses = True  # the first transfer after it came up
        self._answer: bytes | None = None
        self._told_at = 0.0
        self._in_transfer = False
        self._stuck: tuple[float, float, float] | None = None

    def hang(self) -> None:
        """It stops measuring unasked and still answers."""
        self._measuring_since = None

    def reset(self) -> None:
        """Its supply was interrupted, or it was told to: it goes on as it was, when it is up."""
        self._deaf_until, self._refuses, self._answer = self.stage.now() + _BOOT_S, True, None
        self._measuring_since = None if self.pressure_mbar is None else self._deaf_until
        self._read = 0

    def suffer(self, trouble: Trouble) -> None:
        super().suffer(trouble)
        self._stuck = self._measure()

    def recover(self) -> None:
        if self.trouble is Trouble.UNPLUGGED:
            self.reset()
        super().recover()

    def write(self, data: bytes) -> None:
        self._begin()
        self._in_transfer, self._told_at, self._answer = True, self.stage.now(), None
        command, argument = int.from_bytes(data[:2]), data[2:]
        if argument and (len(argument) != 3 or sensirion_crc(argument[:2]) != argument[2]):
            return
        word = int.from_bytes(argument[:2]) if argument else None
        match command:
            case 0x0010 if word is not None:
                self.pressure_mbar, self._measuring_since, self._read = word, self.stage.now(), 0
            case 0x0104:
                self.pressure_mbar = self._measuring_since = None
            case 0x0202:
                self._answer = with_crc(int(self._measured() > self._read))
            case 0x0300:
                self._answer = self._measurement()
            case 0xD100:
                self._answer = with_crc(0x0342)
            case 0xD304:
                self.reset()
            case _ if command in _SETTINGS and word is not None:
                self.kept[command], self.written = word, self.written + 1
            case _ if command in _SETTINGS:
                self._answer = with_crc(self.kept[command])
            case _:
                raise Nack

    def read(self, length: int) -> bytes:
        self._begin()
        if self._in_transfer or self._answer is None:
            raise Nack
        answer, self._answer = self._answer, None
        if self.stage.now() - self._told_at < _GAP_S:
            return self.stage.random.randbytes(length)
        return answer[:length].ljust(length, b"\xff")

    def stop(self) -> None:
        self._in_transfer = False

    def _begin(self) -> None:
        if self.stage.now() < self._deaf_until:
            raise Nack
        if self._refuses:
            self._refuses = False
            raise Nack
        if self.stretches:
            self.stretches -= 1
            raise OSError(errno.ETIMEDOUT, "Connection timed out")

    def _measured(self) -> int:
        """How many measurements there have been since the start."""
        if self._measuring_since is None or self.trouble is Trouble.SILENT:
            return 0
        return max(0, int((self.stage.now() - self._measuring_since) / self.kept[0x4600]))

    def _measurement(self) -> bytes:
        if self._measured() <= self._read:
            return with_crc(0xFFFF) * 6
        self._read = self._measured()
        ppm, celsius, humidity = self._measure()
        if self.raw is None and self._read == 1:
            ppm = 0.0
        return b"".join(map(with_crc, struct.unpack(">6H", struct.pack(">fff", ppm, celsius, humidity))))

    def _measure(self) -> tuple[float, float, float]:
        if self.trouble is Trouble.STUCK and self._stuck is not None:
            return self._stuck
        return self.raw or self.source()


TWIN = Scd30Twin
