"""MLX90632 as its bus sees it: an EEPROM with a calibration, and RAM that is measured in turns, position 1 and 2.

The calibration is the one of Melexis' own tests (melexis/mlx90632-library, test/TestDSP.c). What a temperature looks
like in RAM is the data sheet's formula turned round, so nothing of the driver is used.
"""

from typing import Any

from devices.world.twin import I2CTwin, Nack, Stage, Trouble

_NOISE_C = 0.04  # standard deviation of one reading
_PERIOD_S = 0.5  # as delivered, 2 Hz
_REFERENCE = 23030

_P_R, _P_G, _P_T, _P_O = 0x00587F5B, 0x04A10289, -0x00069908, 0x00001E0F
_EA, _EB, _FA, _FB, _GA = 4859535, 5686508, 53855361, 42874149, -14556410
_GB, _KA, _HA, _HB = 9728, 10752, 16384, 0

_READY, _BROWN_OUT, _EEPROM_BUSY = 0x0001, 0x0100, 0x0200


class Mlx90632Twin(I2CTwin):
    """``face`` puts somebody before it; ``raw_object`` forces the four infrared words.

    ``memory``   the EEPROM by address, to be spoilt; ``delivered`` is its control register after a reset.
    ``brown_out``  interrupts its supply for a moment. ``eeprom_busy_s``  after each reset.
    """

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.ambient_c = 23.0
        self.raw_object: int | None = None
        self.delivered = 0x0006
        self.eeprom_busy_s = 0.0
        self.memory = _eeprom()
        self._address = 0
        self._face_c = 0.0
        self._face_until = 0.0
        self._stuck: tuple[float, float] | None = None
        self.brown_out()

    def face(self, displayed_c: float, seconds: float) -> None:
        """Somebody whose forehead this lane shows as ``displayed_c`` stands before it for that long."""
        self._face_c = displayed_c - self.settings.offset_c
        self._face_until = self.stage.now() + seconds

    def brown_out(self) -> None:
        """All that is not EEPROM is as after power-up."""
        self._control = self.delivered
        self._status = 0
        self._ram = [0] * 6
        self._position = 2
        self._measured_at = self._reset_at = self.stage.now()

    def suffer(self, trouble: Trouble) -> None:
        super().suffer(trouble)
        self._stuck = (self.ambient_c, self._object_c())

    def recover(self) -> None:
        if self.trouble is Trouble.UNPLUGGED:
            self.brown_out()
        super().recover()

    def write(self, data: bytes) -> None:
        if len(data) not in (2, 4):
            raise Nack
        self._measure()
        self._address = int.from_bytes(data[:2])
        if len(data) == 4:
            self._take(self._address, int.from_bytes(data[2:]))

    def read(self, length: int) -> bytes:
        words = (self._word(self._address + at) for at in range((length + 1) // 2))
        return b"".join(word.to_bytes(2) for word in words)[:length]

    def _take(self, address: int, word: int) -> None:
        if address == 0x3005 and word == 0x0006:
            self.brown_out()
        elif address == 0x3001:
            self._control = word
            self._measured_at = self.stage.now()
        elif address == 0x3FFF:
            # Only these two are the host's; position and busy are the part's own.
            self._status = self._status & ~(_READY | _BROWN_OUT) | word & (_READY | _BROWN_OUT)

    def _word(self, address: int) -> int:
        if address == 0x3FFF:
            busy = self.stage.now() < self._reset_at + self.eeprom_busy_s
            return self._status | (_EEPROM_BUSY if busy else 0)
        if address == 0x3001:
            return self._control
        if 0x4003 <= address <= 0x4008:
            return self._ram[address - 0x4003] & 0xFFFF
        return self.memory.get(address, 0)

    def _measure(self) -> None:
        """What was measured since it was last looked at; of many, the last two are left."""
        count = int((self.stage.now() - self._measured_at) / _PERIOD_S)
        if self._control & 0x01F6 != 0x0006 or self.trouble is Trouble.SILENT or not count:
            return
        self._measured_at += count * _PERIOD_S
        if count > 2:
            self._position = 2 - (self._position + count) % 2
            count = 2
        for _ in range(count):
            self._position = 3 - self._position
            self._fill()
        self._status = self._status & _BROWN_OUT | _READY | self._position << 2

    def _fill(self) -> None:
        stuck = self._stuck if self.trouble is Trouble.STUCK else None
        ambient, surface = stuck if stuck is not None else (self.ambient_c, self._object_c())
        infrared, thermistor = _words(ambient, surface, self.settings.emissivity)
        if self.raw_object is not None:
            infrared = self.raw_object
        at = 3 * (self._position - 1)
        self._ram[at : at + 3] = [infrared + 1, infrared - 1, _REFERENCE if at else thermistor]

    def _object_c(self) -> float:
        there = self.stage.now() < self._face_until
        return (self._face_c if there else self.ambient_c) + self.stage.random.gauss(0, _NOISE_C)


def _words(ambient: float, surface: float, emissivity: float) -> tuple[int, int]:
    """The infrared and the thermistor word of two temperatures."""
    b = 0.0
    for _ in range(8):  # Ta = P_O + B/P_G + P_T B^2, for B
        b = (ambient - _P_O / 2**8 - _P_T / 2**44 * b * b) * _P_G / 2**20
    a = b + _P_R / 2**8
    x = a * _REFERENCE / (2**19 - _GB / 2**10 * a)
    sensor = (a - _EB / 2**8) / (_EA / 2**16) + 25
    gain = _FA / 2**46 * _HA / 2**14 * (1 + _GA / 2**36 * (surface - 25) + _FB / 2**36 * (sensor - 25))
    radiance = (surface + 273.15 + _HB / 2**10) ** 4 - (sensor + 273.15) ** 4
    signal = emissivity * gain * radiance
    return round(12 * signal / 2**19 * (_REFERENCE + _KA / 2**10 * x)), round(12 * x)


def _eeprom() -> dict[int, int]:
    memory = {0x240B: 0x8505, 0x242E: _GB, 0x242F: _KA, 0x2481: _HA, 0x2482: _HB}
    long = {0x240C: _P_R, 0x240E: _P_G, 0x2410: _P_T, 0x2412: _P_O, 0x2424: _EA, 0x2426: _EB}
    for address, value in (long | {0x2428: _FA, 0x242A: _FB, 0x242C: _GA}).items():
        memory[address], memory[address + 1] = value & 0xFFFF, value >> 16 & 0xFFFF
    return memory


TWIN = Mlx90632Twin
