"""MLX90632: infrared thermometer on I2C, address 0x3A (0x3B with its address pin high); calibrated for 35 to 42 degC
in the medical version. It gives raw words, and the temperature is worked out here.

Wiring: 3V3, GND, SDA (BCM 2), SCL (BCM 3). Registers of 16 bits at addresses of 16 bits, all big-endian, the address
counting on by itself; a read needs the repeated start::

    S  3A+W  address MSB LSB  Sr  3A+R  MSB LSB  MSB LSB ...  P          S  3A+W  address MSB LSB  word MSB LSB  P

    3FFF  status   0 data ready   2-6 cycle position   8 brown-out   9 EEPROM busy   10 measuring
    3001  control  1-2 mode (3: on and on)   4-8 measurement (0: medical)        3005  0006: reset, 0.2 ms
    4003  RAM of position 1: infrared, infrared, thermistor       4006  of position 2: infrared, infrared, reference
    240B  version: low byte 05, or the formula is another         240C-242F, 2481, 2482  constants

    32-bit constants have their low word first, all are signed. 12 is what the amplifier of both channels divides by.

    x = r6/12    A = 2^19 x/(r9 + Gb x)    Ta = (A - P_R)/P_G + P_T (A - P_R)^2 + P_O          the sensor itself
    S = 2^19 s/12 / (r9 + Ka x)            D  = (A - Eb)/Ea + 25                               s: mean of the four
    To = (S / (e Fa Ha (1 + Ga (To - 25) + Fb (D - 25))) + (D + 273.15)^4)^(1/4) - 273.15 - Hb   from 25, five times

Sources: melexis/mlx90632-library, inc/mlx90632.h (registers, bits), src/mlx90632.c (formula, order of things) and
test/TestDSP.c (its vectors are our tests'); low word first as Linux's drivers/iio/temperature/mlx90632.c reads it;
address and byte order logged in melexis/i2c-stick doc/mlx90632. Melexis cuts S and A down to whole numbers between the
steps, up to 0.014 degC; here they stay as they are. That a reset clears bit 8 and the host sets it, is the data sheet
as SparkFun's library quotes it; ranges are those of the data sheet.

The wire has no checksum, and one flipped bit could be a fever: what counts is read twice and has to be the same.
A face's surface is some 3 degC below the body, and what Melexis adds for it is not public (mlx90632-library#18); the
lane's ``offset_c`` does that. Units differ by more than their sheet says (#60), and one that its housing warms settles
in minutes (#48).
"""

from collections.abc import Iterable

import attrs
from attrs import validators

from devices.faults import fault
from devices.i2c import write, write_read
from devices.part import Driver, I2CSettings, Mount, Part, Wire
from devices.reading import Reading
from devices.temperature.lane import Lane

_STATUS, _CONTROL, _COMMAND, _VERSION, _RAM = 0x3FFF, 0x3001, 0x3005, 0x240B, 0x4003
_READY, _POSITION, _BROWN_OUT, _EEPROM_BUSY = 0x0001, 0x007C, 0x0100, 0x0200
_MODE, _ON_AND_ON, _TYPE = 0x0006, 0x0006, 0x01F0
_RESET, _RESET_S = 0x0006, 0.001
_BUSY_S, _BUSY_TIMES = 0.01, 20
_FORMULA = 0x05
_PATIENCE_S = 5.0  # at its slowest rate a measurement takes 2 s
_OBJECT_RANGE_C = (-20.0, 200.0)
_AMBIENT_RANGE_C = (-20.0, 85.0)


@attrs.frozen(kw_only=True)
class Settings(Lane, I2CSettings):
    """Every ``interval_s`` it is asked whether there is a new measurement; the offset is the lane's (:class:`Lane`)."""

    address: int = attrs.field(default=0x3A, validator=[validators.ge(0x08), validators.le(0x77)])
    interval_s: float = attrs.field(default=0.1, validator=[validators.ge(0.05), validators.le(60.0)])
    emissivity: float = attrs.field(default=1.0, validator=[validators.ge(0.1), validators.le(1.0)])


@attrs.frozen
class Constants:
    """What the factory measured of one unit, to scale."""

    p_r: float
    p_g: float
    p_t: float
    p_o: float
    e_a: float
    e_b: float
    f_a: float
    f_b: float
    g_a: float
    g_b: float
    k_a: float
    h_a: float
    h_b: float


# Where each stands, how many words it has, and by which power of two it is divided.
_PLACES = {
    "p_r": (0x240C, 2, 8),
    "p_g": (0x240E, 2, 20),
    "p_t": (0x2410, 2, 44),
    "p_o": (0x2412, 2, 8),
    "e_a": (0x2424, 2, 16),
    "e_b": (0x2426, 2, 8),
    "f_a": (0x2428, 2, 46),
    "f_b": (0x242A, 2, 36),
    "g_a": (0x242C, 2, 36),
    "g_b": (0x242E, 1, 10),
    "k_a": (0x242F, 1, 10),
    "h_a": (0x2481, 1, 14),
    "h_b": (0x2482, 1, 10),
}


class Mlx90632(Driver):
    """Readings: ``object_celsius`` (corrected; raw is the sum of the four infrared words) and ``ambient_celsius``, as
    often as there is a new measurement."""

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.i2c is not None
        self._settings = settings
        self._bus = mount.i2c
        self._mount = mount
        self._constants: Constants | None = None
        self._measured = 0  # times it had something since the start; before the second, half of RAM is old
        self._since = 0.0  # the last data or opening
        self._restarts = 0  # since then
        self.interval_s = settings.interval_s

    def open(self) -> None:
        self._start()
        version = self._read_twice(_VERSION, 1)[0]
        if version & 0xFF != _FORMULA:
            raise fault("error-flag", detail=f"EEPROM version {version:04X}")
        self._constants = constants({start: self._read_twice(start, count) for start, count in _SPANS})
        self._since, self._restarts = self._mount.now(), 0

    def poll(self) -> Iterable[Reading]:
        status = self._read(_STATUS, 1)[0]
        if not status & _BROWN_OUT:  # its supply failed, and what it measured before is gone
            self._start()
            self._restarts += 1
            return self._wait()
        if not status & _READY:
            return self._wait()
        self._write(_STATUS, status & ~_READY)
        self._measured += (status & _POSITION) >> 2 in (1, 2)
        if self._measured < 2:
            return self._wait()
        words, again = self._read(_RAM, 6), self._read(_RAM, 6)
        if words != again:
            if self._read(_STATUS, 1)[0] & _READY:
                return self._wait()  # the next measurement came in between
            raise fault("garbled", detail=f"RAM {words} {again}")
        self._since, self._restarts = self._mount.now(), 0
        return self._readings([_signed(word) for word in words])

    def _readings(self, ram: list[int]) -> Iterable[Reading]:
        assert self._constants is not None
        infrared, thermistor, reference = ram[0] + ram[1] + ram[3] + ram[4], ram[2], ram[5]
        try:
            a = ambient_signal(self._constants, thermistor, reference)
            s = object_signal(self._constants, infrared / 4, thermistor, reference)
            ambient = sensor_celsius(self._constants, a)
            surface = object_celsius(self._constants, s, a, self._settings.emissivity)
        except (ArithmeticError, ValueError):
            raise fault("out-of-range", detail=f"RAM {ram}") from None
        _check(surface, _OBJECT_RANGE_C)
        _check(ambient, _AMBIENT_RANGE_C)
        at = self._mount.now()
        return (
            Reading(self._settings.id, "object_celsius", surface + self._settings.offset_c, at, raw=infrared),
            Reading(self._settings.id, "ambient_celsius", ambient, at),
        )

    def _start(self) -> None:
        self._write(_COMMAND, _RESET)
        self._mount.pause(_RESET_S)
        self._measured = 0
        status = self._idle_status()
        control = self._read(_CONTROL, 1)[0]
        if control & (_TYPE | _MODE) != _ON_AND_ON:
            # The measurement is chosen while it stands still.
            self._write(_CONTROL, control & ~(_TYPE | _MODE))
            self._write(_CONTROL, control & ~(_TYPE | _MODE) | _ON_AND_ON)
        self._write(_STATUS, (status | _BROWN_OUT) & ~_READY)

    def _idle_status(self) -> int:
        """The status once the EEPROM can be read."""
        for _ in range(_BUSY_TIMES):
            status = self._read(_STATUS, 1)[0]
            if not status & _EEPROM_BUSY:
                return status
            self._mount.pause(_BUSY_S)
        raise fault("silent", detail="EEPROM busy")

    def _wait(self) -> Iterable[Reading]:
        if self._mount.now() - self._since > _PATIENCE_S:
            raise fault("silent", detail=f"{self._restarts} brown-outs" if self._restarts else "")
        return ()

    def _read_twice(self, address: int, count: int) -> list[int]:
        words, again = self._read(address, count), self._read(address, count)
        if words != again:
            raise fault("garbled", detail=f"{address:04X}: {words} {again}")
        return words

    def _read(self, address: int, count: int) -> list[int]:
        data = write_read(self._bus, self._settings.address, address.to_bytes(2), 2 * count)
        return [int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2)]

    def _write(self, address: int, word: int) -> None:
        write(self._bus, self._settings.address, address.to_bytes(2) + word.to_bytes(2))


# First word and number of words of what is read of the EEPROM, in as few transfers as its gaps allow.
_SPANS = ((0x240C, 8), (0x2424, 12), (0x2481, 2))


def constants(memory: dict[int, list[int]]) -> Constants:
    """To scale, from spans of words by their first address. Raises DeviceFault if that is no calibration."""
    words = {start + at: word for start, span in memory.items() for at, word in enumerate(span)}
    found = {}
    for name, (address, count, power) in _PLACES.items():
        value = sum(words[address + at] << 16 * at for at in range(count))
        found[name] = _signed(value, 16 * count) / 2**power
    if not (found["p_g"] and found["e_a"] and found["f_a"] and found["h_a"]):
        raise fault("error-flag", detail="EEPROM without calibration")
    return Constants(**found)


def ambient_signal(unit: Constants, thermistor: int, reference: int) -> float:
    x = thermistor / 12
    return 2**19 * x / (reference + unit.g_b * x)


def object_signal(unit: Constants, infrared: float, thermistor: int, reference: int) -> float:
    return 2**19 * infrared / 12 / (reference + unit.k_a * thermistor / 12)


def sensor_celsius(unit: Constants, a: float) -> float:
    """The temperature of the part itself."""
    b = a - unit.p_r
    return b / unit.p_g + unit.p_t * b * b + unit.p_o


def object_celsius(unit: Constants, s: float, a: float, emissivity: float) -> float:
    """What it looks at. Raises ValueError or ArithmeticError for words that no object gives."""
    sensor = (a - unit.e_b) / unit.e_a + 25
    celsius = 25.0
    for _ in range(5):
        gain = unit.f_a * unit.h_a * (1 + unit.g_a * (celsius - 25) + unit.f_b * (sensor - 25))
        radiance = s / (emissivity * gain) + (sensor + 273.15) ** 4
        if radiance < 0:
            raise ValueError(radiance)
        celsius = radiance**0.25 - 273.15 - unit.h_b
    return celsius


def _signed(word: int, bits: int = 16) -> int:
    return word - (1 << bits) if word >> (bits - 1) else word


def _check(celsius: float, limits: tuple[float, float]) -> None:
    if not limits[0] <= celsius <= limits[1]:
        raise fault("out-of-range", detail=f"{celsius:.2f} ℃")


PART = Part(
    name="mlx90632",
    kind="thermometer",
    says={"zh": "医用级红外测温探头", "en": "infrared thermometer, medical grade"},
    wires=(Wire.I2C,),
    settings=Settings,
    driver=Mlx90632,
)
