"""SHT31 (and SHT30, SHT35): temperature and humidity on I2C, address 0x44 (ADDR to GND) or 0x45 (ADDR to 3V3).

Wiring: VDD 3V3, GND, SDA (BCM 2), SCL (BCM 3), ADDR; nRESET and ALERT stay open. A command is a transfer of its own, its
answer is fetched by a second one (Sensirion, SHT3x-DIS data sheet, chapter 4)::

    S  44+W  command MSB LSB  P    wait    S  44+R  word CRC  word CRC  P      CRC as the SCD41's

    2400  measure once, no clock stretching, 15.5 ms         T = 175 w/65535 - 45   RH = 100 w/65535
    3093  leave off measuring by itself, 1 ms                F32D  status: bit 13 heater, bit 4 was reset, bit 0 bad CRC
    30A2  reset, 1.5 ms                                      3041  clear the status

A measurement fetched too soon is refused. While it measures by itself, as a former owner may have left it, it refuses
even the reset (libdriver/sht35#8): so opening stops it first. The reset also switches off the heater, which makes the
air seem warm and dry.
"""

from collections.abc import Iterable
from contextlib import suppress

import attrs
from attrs import validators

from devices.air.scd41 import words
from devices.faults import DeviceFault, fault
from devices.i2c import read, write
from devices.part import Driver, I2CSettings, Mount, Part, Wire
from devices.reading import Reading

_MEASURE, _BREAK, _RESET, _STATUS = 0x2400, 0x3093, 0x30A2, 0xF32D
_MEASURES_S, _BREAK_S, _RESET_S, _COMMAND_S = 0.016, 0.001, 0.002, 0.001
_HEATER = 0x2000
_CELSIUS_RANGE = (-40.0, 125.0)


@attrs.frozen(kw_only=True)
class Settings(I2CSettings):
    """Every ``interval_s`` it measures."""

    address: int = attrs.field(default=0x44, validator=validators.in_((0x44, 0x45)))
    interval_s: float = attrs.field(default=10.0, validator=[validators.ge(1.0), validators.le(600.0)])


class Sht31(Driver):
    """Readings: ``celsius``, ``humidity_pct``."""

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.i2c is not None
        self._settings = settings
        self._bus = mount.i2c
        self._mount = mount
        self.interval_s = settings.interval_s

    def open(self) -> None:
        with suppress(DeviceFault):
            self._tell(_BREAK, _BREAK_S)
        self._tell(_RESET, _RESET_S)
        status = self._ask(_STATUS, 1, _COMMAND_S)[0]
        if status & _HEATER:
            raise fault("error-flag", detail=f"heater, status {status:04X}")

    def poll(self) -> Iterable[Reading]:
        temperature, humidity = self._ask(_MEASURE, 2, _MEASURES_S)
        celsius = temperature * 175 / 65535 - 45
        if not _CELSIUS_RANGE[0] <= celsius <= _CELSIUS_RANGE[1]:
            raise fault("out-of-range", detail=f"{celsius:.1f} ℃")
        at = self._mount.now()
        return (
            Reading(self._settings.id, "celsius", celsius, at),
            Reading(self._settings.id, "humidity_pct", humidity * 100 / 65535, at),
        )

    def _tell(self, command: int, seconds: float) -> None:
        write(self._bus, self._settings.address, command.to_bytes(2))
        self._mount.pause(seconds)

    def _ask(self, command: int, count: int, seconds: float) -> list[int]:
        self._tell(command, seconds)
        return words(read(self._bus, self._settings.address, 3 * count))


PART = Part(
    name="sht31",
    kind="air",
    says={"zh": "温湿度传感器", "en": "temperature and humidity sensor"},
    wires=(Wire.I2C,),
    settings=Settings,
    driver=Sht31,
)
