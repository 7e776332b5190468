"""AMG8833 as its bus sees it: registers, a thermistor, and a picture that is new ten times a second."""

from typing import Any

from devices.world.twin import I2CTwin, Nack, Stage, Trouble

_RATE_HZ = 10
_FIRST_PICTURES = 2
_NOISE_C = 0.2
_COUNT = 64
_ASLEEP = 0x10


class Amg8833Twin(I2CTwin):
    """``stand`` puts somebody before it. ``floor_c`` is what else it sees, ``ambient_c`` its thermistor.

    ``pixels`` forces words by their place, for the edges of the scale. Silent is asleep: the registers answer, the
    picture stands.
    """

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.ambient_c = 25.0
        self.floor_c = 22.0
        self.pixels: dict[int, int] = {}
        self._register = 0
        self._power = 0x00
        self._reset_at = stage.now()
        self._body_c = 0.0
        self._body_pixels = 0
        self._body_until = 0.0
        self._number = -1  # of the picture in the registers
        self._picture = bytes(2 * _COUNT)

    def stand(self, seconds: float, *, pixels: int = 8, celsius: float = 31.0) -> None:
        """Somebody fills so many pixels for that long."""
        self._body_pixels, self._body_c = pixels, celsius
        self._body_until = self.stage.now() + seconds

    def fall_asleep(self) -> None:
        """It got the command to sleep, or a spike that it took for one."""
        self._power = _ASLEEP

    def recover(self) -> None:
        if self.trouble is Trouble.UNPLUGGED:
            self._power = 0x00
            self._restart()
        super().recover()

    def write(self, data: bytes) -> None:
        if len(data) not in (1, 2):
            raise Nack
        self._register = data[0]
        if len(data) == 2:
            self._take(data[0], data[1])

    def read(self, length: int) -> bytes:
        self._look()
        memory = bytes([self._power]).ljust(0x0E, b"\0") + self._thermistor()
        memory = memory.ljust(0x80, b"\0") + self._picture
        return memory[self._register : self._register + length].ljust(length, b"\0")

    def _take(self, register: int, value: int) -> None:
        if register == 0x00 and value in (0x00, _ASLEEP):
            self._power = value
        elif register == 0x01 and value == 0x3F and self._power == 0x00:
            self._restart()

    def _restart(self) -> None:
        self._reset_at, self._number, self._picture = self.stage.now(), -1, bytes(2 * _COUNT)

    def _look(self) -> None:
        number = int((self.stage.now() - self._reset_at) * _RATE_HZ)
        stands = self._power == _ASLEEP or self.trouble in (Trouble.SILENT, Trouble.STUCK)
        if not stands and number > self._number and number >= _FIRST_PICTURES:
            self._number = number
            self._picture = b"".join(self._pixel(place).to_bytes(2, "little") for place in range(_COUNT))

    def _pixel(self, place: int) -> int:
        if place in self.pixels:
            return self.pixels[place]
        there = self.stage.now() < self._body_until and place < self._body_pixels
        celsius = (self._body_c if there else self.floor_c) + self.stage.random.gauss(0, _NOISE_C)
        return round(celsius / 0.25) & 0xFFF

    def _thermistor(self) -> bytes:
        magnitude = min(round(abs(self.ambient_c) / 0.0625), 0x7FF)
        return (magnitude | (0x800 if self.ambient_c < 0 else 0)).to_bytes(2, "little")


TWIN = Amg8833Twin
