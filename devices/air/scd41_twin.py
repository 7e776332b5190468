"""SCD41 as its bus sees it: idle or measuring, deaf while it executes a command, and strict about what it takes when.

It rests on the SCD4x data sheet and Sensirion's embedded-i2c-scd4x; that a stop in idle is acknowledged is what their
own examples rely on.
"""

from collections.abc import Callable
from typing import Any

from devices.checks import sensirion_crc
from devices.world.twin import I2CTwin, Nack, Stage, Trouble

_PERIOD_S = 5.0
_POWER_UP_S = 1.0
_STOP_S = 0.5
_COMMAND_S = 0.001
_WHILE_MEASURING = (0xEC05, 0xE4B8, 0x3F86, 0xE000)
_SERIAL = (0xF896, 0x9F07, 0x3BBE)


class Scd41Twin(I2CTwin):
    """``source`` gives the air's ppm, degC and %RH; ``crashed`` leaves it measuring as a crash does.

    ``variant`` is its answer to 202F; None refuses, as firmware does that has no such command.
    """

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.source: Callable[[], tuple[float, float, float]] = lambda: (450.0, 22.0, 45.0)
        self.self_calibration = True
        self.variant: int | None = 0x1440
        self._measuring_since: float | None = None
        self._read = 0  # how many measurements have gone, read or not
        self._deaf_until = 0.0
        self._answer: bytes | None = None
        self._stuck: tuple[float, float, float] | None = None

    @property
    def measuring(self) -> bool:
        return self._measuring_since is not None

    def crashed(self) -> None:
        """Whoever started it has died since."""
        self._measuring_since = self.stage.now() - 3600.0
        self._read = 0

    def hang(self) -> None:
        """It stops measuring unasked and still answers (esphome/issues#2832); stop and start bring it back."""
        self._measuring_since = None

    def suffer(self, trouble: Trouble) -> None:
        super().suffer(trouble)
        self._stuck = self.source()
        if trouble is Trouble.UNPLUGGED:
            self._measuring_since, self._answer, self.self_calibration = None, None, True

    def recover(self) -> None:
        if self.trouble is Trouble.UNPLUGGED:
            self._deaf_until = self.stage.now() + _POWER_UP_S
        super().recover()

    def write(self, data: bytes) -> None:
        command = int.from_bytes(data[:2])
        if self.stage.now() < self._deaf_until:
            raise Nack
        if self.measuring and command not in _WHILE_MEASURING:
            raise Nack
        self._answer = None
        self._deaf_until = self.stage.now() + self._execute(command, data[2:])

    def read(self, length: int) -> bytes:
        if self._answer is None or self.stage.now() < self._deaf_until:
            raise Nack
        answer, self._answer = self._answer, None
        return answer[:length].ljust(length, b"\xff")

    def _execute(self, command: int, argument: bytes) -> float:
        """Do it; the seconds it takes."""
        match command:
            case 0x21B1:
                self._measuring_since, self._read = self.stage.now(), 0
                return 0.0
            case 0x3F86:
                self._measuring_since = None
                return _STOP_S
            case 0xE4B8:
                self._answer = _words(0x8006 if self._measured() > self._read else 0x8000)
            case 0xEC05:
                if self._measured() > self._read:
                    self._read = self._measured()
                    self._answer = _words(*self._measure())
            case 0x3682:
                self._answer = _words(*_SERIAL)
            case 0x202F if self.variant is not None:
                self._answer = _words(self.variant)
            case 0x2416:
                if argument in (_words(0), _words(1)):  # a wrong CRC, and it is as if nothing had been sent
                    self.self_calibration = argument == _words(1)
            case 0x2313:
                self._answer = _words(int(self.self_calibration))
            case 0xE000:
                pass
            case _:  # 36F6 as well: waking up is never acknowledged
                raise Nack
        return _COMMAND_S

    def _measured(self) -> int:
        """How many measurements there have been since the start."""
        if self._measuring_since is None or self.trouble is Trouble.SILENT:
            return 0
        return int((self.stage.now() - self._measuring_since) / _PERIOD_S)

    def _measure(self) -> tuple[int, int, int]:
        stuck = self._stuck if self.trouble is Trouble.STUCK else None
        ppm, celsius, humidity = stuck if stuck is not None else self.source()
        return round(ppm), round((celsius + 45) * 65535 / 175), round(humidity * 65535 / 100)


def _words(*values: int) -> bytes:
    return b"".join(
        data + bytes([sensirion_crc(data)]) for data in (min(max(value, 0), 0xFFFF).to_bytes(2) for value in values)
    )


TWIN = Scd41Twin
