"""SCD30: CO2, temperature and humidity on I2C, address 0x61, at most 100 kHz.

Wiring: VDD 3V3 to 5 V (75 mA while it measures), GND, RX/SDA (BCM 2), TX/SCL (BCM 3), SEL open or to GND. It knows no
repeated start: a command is a transfer of its own, and its answer is fetched by a second one, 3 ms later at the least
(Sensirion, SCD30 interface description 1.4; here 4)::

    S  61+W  command MSB LSB [word CRC]  P    >= 4 ms    S  61+R  word CRC  word CRC ...  P     CRC as the SCD41's

    0010  start, word = pressure in mbar, 0 = none       0202  ready?  word 1 = yes
    4600  interval, word = 2 to 1800 s                   0300  read: three floats, CO2, T, RH, of two words each
    5306  self-calibration, word = 0 or 1                D304  reset, up to 2 s
    D100  firmware version                               0104  stop

Interval, self-calibration and being started are kept in memory that wears out: they are read first, and written only to
change them; starting cannot be asked for and is done once each opening.

Each transfer may be stretched to 30 ms, and once a day to 150 ms, for its own calibration (the same). A Raspberry Pi's
own controller (Pi 0 to 4) gives up after 35 ms and says error 110 (raspberrypi/linux#3068); its stretching is faulty
besides. One such error a day is no fault, it takes three in a row; but it may leave the bus stuck
(Ribbit-Network/ribbit-network-frog-hardware#61). The cure there was the kernel's software bus, ``dtoverlay=i2c-gpio``
in config.txt (#83), with its own pins and its number in ``bus``: take that for this part, or take an SCD41.

In the field: 0300 without data gives FF with good CRCs, no numbers at all (Sensirion/embedded-scd#43): nothing is read
then. The first transfer after a reset or power-up is refused, however late (Sensirion/arduino-i2c-scd30#5): so opening
begins with one for nothing. The first CO2 after a start is 0, and the next may be far too low (arendst/Tasmota#3119): the
first is left out, and two more are SUSPECT. CO2 0.0 later, with good temperature and humidity, is a supply or sensor gone
bad (esphome/issues#3407).
"""

import math
import struct
from collections.abc import Iterable
from contextlib import suppress

import attrs
from attrs import validators

from devices.air.baseline import Baseline
from devices.air.scd41 import with_crc, words
from devices.faults import DeviceFault, fault
from devices.i2c import read, write
from devices.part import Driver, I2CSettings, Mount, Part, Wire
from devices.reading import Quality, Reading

_START, _STOP, _RESET, _VERSION = 0x0010, 0x0104, 0xD304, 0xD100
_READY, _READ, _INTERVAL, _SELF_CALIBRATION = 0x0202, 0x0300, 0x4600, 0x5306
_GAP_S = 0.004
_BOOT_S = 2.0
_PERIODS = 3  # without data: something is wrong
# The first is 0, two more may be far too low.
_LEFT_OUT, _DOUBTED = 1, 3
_CO2_TOP_PPM = 40000.0
_CO2_BELIEVED_PPM = 250.0
_CELSIUS_RANGE = (-40.0, 70.0)


def _is_pressure(instance: object, attribute: object, value: int) -> None:
    if value and not 700 <= value <= 1400:
        raise ValueError(
            {
                "zh": f"pressure_mbar 应为 0 或 700 至 1400：{value}",
                "en": f"pressure_mbar must be 0 or 700 to 1400: {value}",
            }
        )


@attrs.frozen(kw_only=True)
class Settings(I2CSettings):
    """It measures every ``interval_s``; ``pressure_mbar`` is the air's where the hall stands, 0 for sea level."""

    address: int = attrs.field(default=0x61, validator=[validators.ge(0x08), validators.le(0x77)])
    self_calibration: bool = True
    interval_s: int = attrs.field(default=5, validator=[validators.ge(2), validators.le(60)])
    pressure_mbar: int = attrs.field(default=0, validator=_is_pressure)


class Scd30(Driver):
    """Readings: ``co2_ppm``, ``celsius``, ``humidity_pct``, as often as there is a new measurement; ``baseline_age_s``
    once an hour."""

    interval_s = 1.0  # how often it is asked whether there is one

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.i2c is not None
        self._settings = settings
        self._bus = mount.i2c
        self._mount = mount
        self._baseline = Baseline(settings.id, settings.self_calibration, mount.now())
        self._since = 0.0  # the last data or start
        self._seen = 0  # measurements since the start
        self._booting_until: float | None = None
        self._resets = 0  # since the last data

    def open(self) -> None:
        self._begin()
        self._resets = 0

    def poll(self) -> Iterable[Reading]:
        now = self._mount.now()
        if self._booting_until is not None:
            if now < self._booting_until:
                return ()
            self._begin()
        measured = self._ask(_READY, 1)[0] == 1 and floats(self._ask(_READ, 6))
        if not measured or any(map(math.isnan, measured)):
            self._wait(now)
            return ()
        self._since, self._resets = now, 0
        self._seen += 1
        return self._believe(*measured, now) if self._seen > _LEFT_OUT else ()

    def close(self) -> None:
        with suppress(DeviceFault):
            self._tell(_STOP)

    def _begin(self) -> None:
        with suppress(DeviceFault):
            self._ask(_VERSION, 1)  # for nothing
        self._booting_until = None
        self._ask(_VERSION, 1)  # the proof that somebody is there
        for command, wanted in (
            (_INTERVAL, self._settings.interval_s),
            (_SELF_CALIBRATION, self._settings.self_calibration),
        ):
            if self._ask(command, 1)[0] != wanted:
                self._tell(command, int(wanted))
        self._tell(_START, self._settings.pressure_mbar)
        self._since, self._seen = self._mount.now(), 0

    def _believe(self, co2: float, celsius: float, humidity: float, now: float) -> Iterable[Reading]:
        if not 0.0 < co2 <= _CO2_TOP_PPM:
            raise fault("out-of-range", detail=f"CO2 {co2:.1f} ppm")
        if not _CELSIUS_RANGE[0] <= celsius <= _CELSIUS_RANGE[1] or not 0.0 <= humidity <= 100.0:
            raise fault("out-of-range", detail=f"{celsius:.1f} ℃, {humidity:.1f} %")
        believed = co2 >= _CO2_BELIEVED_PPM and self._seen > _DOUBTED
        return (
            Reading(self._settings.id, "co2_ppm", co2, now, Quality.GOOD if believed else Quality.SUSPECT),
            Reading(self._settings.id, "celsius", celsius, now),
            Reading(self._settings.id, "humidity_pct", humidity, now),
            *(self._baseline.age(co2, now) if believed else ()),
        )

    def _wait(self, now: float) -> None:
        """No new measurement; past three periods there should be one. Reset it, and complain if in vain."""
        if now - self._since > _PERIODS * self._settings.interval_s + _BOOT_S:
            with suppress(DeviceFault):
                self._tell(_RESET)
            self._since = self._booting_until = now + _BOOT_S
            self._resets += 1
        if self._resets > 1:
            raise fault("silent")

    def _tell(self, command: int, *arguments: int) -> None:
        write(self._bus, self._settings.address, command.to_bytes(2) + b"".join(map(with_crc, arguments)))
        self._mount.pause(_GAP_S)

    def _ask(self, command: int, count: int) -> list[int]:
        self._tell(command)
        return words(read(self._bus, self._settings.address, 3 * count))


def floats(found: list[int]) -> tuple[float, float, float]:
    """The three numbers of a measurement's six words."""
    co2, celsius, humidity = struct.unpack(">fff", struct.pack(">6H", *found))
    return co2, celsius, humidity


PART = Part(
    name="scd30",
    kind="air",
    says={"zh": "二氧化碳、温湿度传感器（SCD30）", "en": "CO2, temperature and humidity sensor (SCD30)"},
    wires=(Wire.I2C,),
    settings=Settings,
    driver=Scd30,
)
