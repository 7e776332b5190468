"""BME280: temperature, humidity and air pressure on I2C, address 0x76 (SDO to GND) or 0x77 (SDO to 3V3).

Wiring: VDD and VDDIO 3V3, GND, SDI to SDA (BCM 2), SCK to SCL (BCM 3), CSB to VDDIO (else it waits for SPI). A register is
read with a repeated start (Bosch BST-BME280-DS002 1.6, chapters 5 and 6)::

    S  76+W  register  Sr  76+R  byte byte ...  P           S  76+W  register value  P

    D0      60 is a BME280, 58 a BMP280 (no humidity)       F2  humidity oversampling      F4  25: measure once, all of it
    88..A1  trimming T1..3, P1..9, -, H1                    F3  bit 3 measuring, bit 0 copying the trimming
    E1..E7  trimming H2..6                                  F7..FE  P 20 bits, T 20 bits, H 16 bits, MSB first

Each poll has it measure once, 9.3 ms at the most (appendix B), in between it sleeps. The formulas are those of 4.2.3 in
64-bit integers; with the trimming of Bosch's worked example T = 519888 gives 25.08 degC and P = 415148 gives 100653 Pa.

Nothing on this bus has a checksum: what counts is read twice and must be the same. 80000 and 8000 are what the registers
hold when nothing was measured (after a loss of power, 5.4.7 to 5.4.9).

The temperature is the chip's own: in a case with other boards it is some degrees above the room's.
"""

from collections.abc import Iterable
from typing import NamedTuple

import attrs
from attrs import validators

from devices.faults import fault
from devices.i2c import write, write_read
from devices.part import Driver, I2CSettings, Mount, Part, Wire
from devices.reading import Reading

_ID, _RESET, _STATUS, _DATA = 0xD0, 0xE0, 0xF3, 0xF7
_BME280, _BMP280 = 0x60, 0x58
_ONCE = bytes([0xF2, 0x01, 0xF4, 0x25])
_MEASURES_S, _BOOT_S = 0.010, 0.002
_NOTHING_20, _NOTHING_16 = 0x80000, 0x8000
_CELSIUS_RANGE, _HPA_RANGE = (-40.0, 85.0), (300.0, 1100.0)


@attrs.frozen(kw_only=True)
class Settings(I2CSettings):
    """Every ``interval_s`` it measures."""

    address: int = attrs.field(default=0x76, validator=validators.in_((0x76, 0x77)))
    interval_s: float = attrs.field(default=10.0, validator=[validators.ge(1.0), validators.le(600.0)])


class Trimming(NamedTuple):
    """What was measured of this one chip when it was made."""

    t: tuple[int, ...]  # T1..T3
    p: tuple[int, ...]  # P1..P9
    h: tuple[int, ...]  # H1..H6


class Bme280(Driver):
    """Readings: ``celsius``, ``humidity_pct``, ``pressure_hpa``."""

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.i2c is not None
        self._settings = settings
        self._bus = mount.i2c
        self._mount = mount
        self._trimming: Trimming | None = None
        self._empty = 0  # measurements in a row that were none
        self.interval_s = settings.interval_s

    def open(self) -> None:
        who = self._twice(_ID, 1)[0]
        if who != _BME280:
            raise fault("error-flag", detail="BMP280" if who == _BMP280 else f"id {who:02X}")
        self._write(bytes([_RESET, 0xB6]))
        self._mount.pause(_BOOT_S)
        self._trimming = trimming(self._twice(0x88, 26), self._twice(0xE1, 7))

    def poll(self) -> Iterable[Reading]:
        assert self._trimming is not None
        self._write(_ONCE)
        self._mount.pause(_MEASURES_S)
        if self._twice(_STATUS, 1)[0] & 0x09:
            raise fault("silent", detail="measuring")
        data = self._twice(_DATA, 8)
        raw_p, raw_t, raw_h = int.from_bytes(data[:3]) >> 4, int.from_bytes(data[3:6]) >> 4, int.from_bytes(data[6:8])
        if _NOTHING_20 in (raw_p, raw_t) or raw_h == _NOTHING_16:
            self._empty += 1
            self.open()  # it lost its power
            if self._empty > 1:
                raise fault("silent", detail="no measurement")
            return ()
        self._empty = 0
        fine = t_fine(self._trimming, raw_t)
        celsius, hpa = (fine * 5 + 128 >> 8) / 100, pressure_q8(self._trimming, fine, raw_p) / 25600
        if not _CELSIUS_RANGE[0] <= celsius <= _CELSIUS_RANGE[1]:
            raise fault("out-of-range", detail=f"{celsius:.1f} ℃")
        if not _HPA_RANGE[0] <= hpa <= _HPA_RANGE[1]:
            raise fault("out-of-range", detail=f"{hpa:.0f} hPa")
        at, device = self._mount.now(), self._settings.id
        return (
            Reading(device, "celsius", celsius, at),
            Reading(device, "humidity_pct", humidity_q10(self._trimming, fine, raw_h) / 1024, at),
            Reading(device, "pressure_hpa", hpa, at),
        )

    def _write(self, pairs: bytes) -> None:
        write(self._bus, self._settings.address, pairs)

    def _twice(self, register: int, length: int) -> bytes:
        first, second = (write_read(self._bus, self._settings.address, bytes([register]), length) for _ in range(2))
        if first != second:
            raise fault("garbled", detail=f"register {register:02X}")
        return first


def trimming(low: bytes, high: bytes) -> Trimming:
    """From registers 88..A1 and E1..E7. Table 16: H4 and H5 share a byte, a nibble each."""

    def word(data: bytes, *, signed: bool = True) -> int:
        return int.from_bytes(data, "little", signed=signed)

    first = [word(low[at : at + 2], signed=at not in (0, 6)) for at in range(0, 24, 2)]
    h4 = int.from_bytes(high[3:4], signed=True) << 4 | high[4] & 0x0F
    h5 = int.from_bytes(high[5:6], signed=True) << 4 | high[4] >> 4
    h6 = int.from_bytes(high[6:7], signed=True)
    return Trimming(tuple(first[:3]), tuple(first[3:]), (low[25], word(high[:2]), high[2], h4, h5, h6))


def t_fine(trim: Trimming, raw: int) -> int:
    """The temperature that the other two are corrected by; (t_fine * 5 + 128) >> 8 is 0.01 degC."""
    t1, t2, t3 = trim.t
    half = (raw >> 4) - t1
    return (((raw >> 3) - (t1 << 1)) * t2 >> 11) + ((half * half >> 12) * t3 >> 14)


def pressure_q8(trim: Trimming, fine: int, raw: int) -> int:
    """1/256 Pa; 0 for trimming that no chip has."""
    p1, p2, p3, p4, p5, p6, p7, p8, p9 = trim.p
    var1 = fine - 128000
    var2 = var1 * var1 * p6 + (var1 * p5 << 17) + (p4 << 35)
    var1 = (var1 * var1 * p3 >> 8) + (var1 * p2 << 12)
    var1 = ((1 << 47) + var1) * p1 >> 33
    if not var1:
        return 0
    p = ((1048576 - raw << 31) - var2) * 3125 // var1
    var1 = p9 * (p >> 13) * (p >> 13) >> 25
    return (p + var1 + (p8 * p >> 19) >> 8) + (p7 << 4)


def humidity_q10(trim: Trimming, fine: int, raw: int) -> int:
    """1/1024 %RH, from 0 to 100 %."""
    h1, h2, h3, h4, h5, h6 = trim.h
    v = fine - 76800
    scale = ((v * h6 >> 10) * ((v * h3 >> 11) + 32768) >> 10) + 2097152
    v = ((raw << 14) - (h4 << 20) - h5 * v + 16384 >> 15) * (scale * h2 + 8192 >> 14)
    v -= ((v >> 15) * (v >> 15) >> 7) * h1 >> 4
    return min(max(v, 0), 419430400) >> 12


PART = Part(
    name="bme280",
    kind="air",
    says={"zh": "温湿度、气压传感器", "en": "temperature, humidity and air pressure sensor"},
    wires=(Wire.I2C,),
    settings=Settings,
    driver=Bme280,
)
