"""AMG8833 (Grid-EYE): 8 x 8 pixels of warmth on I2C, address 0x69 (0x68 with AD_SELECT to GND). It sees that somebody
is there, and no more: a pixel is right to 2.5 degC, so 37.3 cannot be told from 35 or 39, and it is no fever source.

Wiring: 3V3, GND, SDA (BCM 2), SCL (BCM 3); the breakout boards have the AD_SELECT pull-up. Registers of a byte, read with
a repeated start, the address counting on by itself::

    00  power: 00 normal, 10 asleep     01  reset: 3F everything      02  00: 10 pictures a second
    0E  thermistor, 2 bytes, low first: 12 bits, sign and magnitude, 0.0625 degC     190 = 25   804 = -0.25
    80  64 pixels, 2 bytes each, low first: 12 bits, two's complement, 0.25 degC     064 = 25   FFF = -0.25

The two encodings differ, and public drivers have confused them in either direction (Adafruit_CircuitPython_AMG88xx#15,
Adafruit_AMG88xx#8 and #10). The examples are those of the Devantech USB-TPA64 sheet; registers from Panasonic's as
forum.digikey.com/t/13372 has them; waiting 50 ms after a change of power and 2 ms after a reset from Zephyr's driver.
The four bits above the twelve are not relied on. There is no checksum; a flipped bit is one pixel, and one is nobody.

Somebody is there while ``pixels`` of them are ``above_c`` over the background. The background is the pixel that a quarter
of the others are colder than, so that a person may fill most of the picture and a cold drink is no matter; it follows
the hall within ten minutes.
"""

import math
from collections.abc import Iterable

import attrs
from attrs import validators

from devices.faults import fault
from devices.i2c import write, write_read
from devices.part import Driver, I2CSettings, Mount, Part, Wire
from devices.reading import Reading

_POWER, _RESET, _RATE, _THERMISTOR, _PIXELS = 0x00, 0x01, 0x02, 0x0E, 0x80
_COUNT = 64
_COLDEST = _COUNT // 4
_MODE_S, _RESET_S, _FIRST_PICTURES_S = 0.05, 0.002, 0.2
# What it measures (data sheet, high gain); below zero it is known to say anything down to -50 (Adafruit_AMG88xx#6), and
# a cold drink is no fault, so only the warmest counts.
_WARMEST_RANGE_C = (0.0, 80.0)
_AMBIENT_RANGE_C = (-20.0, 80.0)
_BACKGROUND_S = 600.0
# 64 pixels and the thermistor all the same for so long: it does not measure (asleep, or hanging).
_STILL_S = 30.0

_NO_FEVER = {
    "zh": "AMG8833 单点误差 ±2.5 ℃，无法判断 37.3 ℃：不可用作发热筛查，请删除 fever_source 或改用测温探头",
    "en": "a pixel of an AMG8833 is right to ±2.5 ℃ and cannot tell 37.3 ℃: it is no fever source; "
    "remove fever_source or take a thermometer",
}


def _refuse_fever(instance: object, attribute: object, value: bool) -> None:
    if value:
        raise ValueError(_NO_FEVER)


@attrs.frozen(kw_only=True)
class Settings(I2CSettings):
    """``pixels`` of the 64, ``above_c`` over the background, are somebody; who left is there for ``hold_s`` more.

    ``fever_source``  stands here to be refused.
    """

    address: int = attrs.field(default=0x69, validator=validators.in_((0x68, 0x69)))
    interval_s: float = attrs.field(default=0.5, validator=[validators.ge(0.1), validators.le(60.0)])
    above_c: float = attrs.field(default=3.0, validator=[validators.ge(1.0), validators.le(20.0)])
    pixels: int = attrs.field(default=3, validator=[validators.ge(2), validators.le(48)])
    hold_s: float = attrs.field(default=2.0, validator=[validators.ge(0.0), validators.le(600.0)])
    fever_source: bool = attrs.field(default=False, validator=_refuse_fever)


class Amg8833(Driver):
    """Readings: ``presence`` (once when opened and then at each change), ``warmest_celsius``, ``ambient_celsius``."""

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.i2c is not None
        self._settings = settings
        self._bus = mount.i2c
        self._mount = mount
        self._background: float | None = None
        self._at = 0.0
        self._seen_at = -math.inf
        self._present: bool | None = None
        self._picture = b""
        self._changed_at = 0.0
        self.interval_s = settings.interval_s

    def open(self) -> None:
        for register, value, seconds in ((_POWER, 0x00, _MODE_S), (_RESET, 0x3F, _RESET_S), (_RATE, 0x00, 0.0)):
            write(self._bus, self._settings.address, bytes([register, value]))
            self._mount.pause(seconds)
        self._mount.pause(_FIRST_PICTURES_S)  # until then the pixels hold nothing
        self._present = None
        self._changed_at = self._mount.now()

    def poll(self) -> Iterable[Reading]:
        thermistor = write_read(self._bus, self._settings.address, bytes([_THERMISTOR]), 2)
        picture = write_read(self._bus, self._settings.address, bytes([_PIXELS]), 2 * _COUNT)
        now = self._mount.now()
        self._check_moving(thermistor + picture, now)
        ambient = _within(thermistor_celsius(thermistor), _AMBIENT_RANGE_C)
        pixels = pixels_celsius(picture)
        warmest = _within(max(pixels), _WARMEST_RANGE_C)
        readings = [
            Reading(self._settings.id, "warmest_celsius", warmest, now),
            Reading(self._settings.id, "ambient_celsius", ambient, now),
        ]
        present = self._is_somebody_there(pixels, now)
        if present is not self._present:
            self._present = present
            readings.insert(0, Reading(self._settings.id, "presence", present, now))
        return readings

    def _check_moving(self, picture: bytes, now: float) -> None:
        if picture != self._picture:
            self._picture, self._changed_at = picture, now
        elif now - self._changed_at >= _STILL_S:
            raise fault("silent", detail="the picture stands still")

    def _is_somebody_there(self, pixels: list[float], now: float) -> bool:
        quarter = sorted(pixels)[_COLDEST]
        if self._background is None or quarter < self._background:
            self._background = quarter
        else:
            self._background += (quarter - self._background) * -math.expm1((self._at - now) / _BACKGROUND_S)
        self._at = now
        warm = sum(pixel >= self._background + self._settings.above_c for pixel in pixels)
        if warm >= self._settings.pixels:
            self._seen_at = now
        return now - self._seen_at <= self._settings.hold_s


def thermistor_celsius(word: bytes) -> float:
    """Sign and magnitude of 0.0625 degC, low byte first."""
    bits = int.from_bytes(word, "little")
    magnitude = (bits & 0x7FF) * 0.0625
    return -magnitude if bits & 0x800 else magnitude


def pixels_celsius(words: bytes) -> list[float]:
    """Two's complements of 0.25 degC, low byte first."""
    bits = (int.from_bytes(words[at : at + 2], "little") & 0xFFF for at in range(0, len(words), 2))
    return [(word - 0x1000 if word & 0x800 else word) * 0.25 for word in bits]


def _within(celsius: float, limits: tuple[float, float]) -> float:
    if not limits[0] <= celsius <= limits[1]:
        raise fault("out-of-range", detail=f"{celsius:.2f} ℃")
    return celsius


PART = Part(
    name="amg8833",
    kind="presence",
    says={"zh": "红外阵列人体存在传感器", "en": "presence sensor, infrared array"},
    wires=(Wire.I2C,),
    settings=Settings,
    driver=Amg8833,
)
