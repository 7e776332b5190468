"""SCD40/SCD41: CO2, temperature and humidity on I2C, address 0x62.

Wiring: 3V3 on both VDD and VDDH (without the second CO2 reads 0), GND, SDA (BCM 2), SCL (BCM 3). A command is a
transfer of its own; its answer is fetched by a second one, after the command's time (Sensirion, SCD4x data sheet,
and its driver embedded-i2c-scd4x)::

    S  62+W  command MSB LSB [word CRC]  P    wait    S  62+R  word CRC  word CRC ...  P
                                                      CRC-8 31 from FF over each word: BE EF gives 92
    21B1  start, a measurement every 5 s              E4B8  ready?     1 ms    no when word & 07FF = 0
    3F86  stop                          500 ms        EC05  read       1 ms    CO2, T, RH
    3682  serial number                   1 ms        2416  set self-calibration, 1 ms
    36F6  wake up, never acknowledged    30 ms        202F  variant        1 ms    word & F000: 0 SCD40, 1000 SCD41
    CO2 = word ppm   T = 175 w/65535 - 45   RH = 100 w/65535

While it measures it refuses everything but EC05, E4B8, 3F86 and E000, also after our own crash: so opening always
stops it first (raspberry-pi-i2c-scd4x#6). EC05 without fresh data is refused too. It can stop measuring unasked
(esphome/issues#2832), or lose its power and wake up idle; after three periods without data it is started anew.

Self-calibration takes the lowest CO2 of a week for fresh air, 400 ppm: right for a hall that is empty at night,
wrong for a room that never is. ``baseline_age_s`` says how long it has had no such air (:mod:`devices.air.baseline`).
"""

from collections.abc import Iterable
from contextlib import suppress

import attrs
from attrs import validators

from devices.air.baseline import Baseline
from devices.checks import sensirion_crc
from devices.faults import DeviceFault, fault
from devices.i2c import read, write
from devices.part import Driver, I2CSettings, Mount, Part, Wire
from devices.reading import Quality, Reading

_START, _STOP, _WAKE = 0x21B1, 0x3F86, 0x36F6
_READY, _READ, _SERIAL, _SELF_CALIBRATION = 0xE4B8, 0xEC05, 0x3682, 0x2416
_STOP_S, _WAKE_S, _COMMAND_S = 0.5, 0.03, 0.001
_PATIENCE_S = 15.0  # three periods
# Specified are 400 to 5000 ppm; the output goes to 40000. Less than outdoors by half is a lost calibration.
_CO2_TOP_PPM = 40000
_CO2_BELIEVED_PPM = 250
_CELSIUS_RANGE = (-10.0, 60.0)


@attrs.frozen(kw_only=True)
class Settings(I2CSettings):
    """``self_calibration`` is written each time the part is started; every ``interval_s`` it is asked for data."""

    address: int = attrs.field(default=0x62, validator=[validators.ge(0x08), validators.le(0x77)])
    self_calibration: bool = True
    interval_s: float = attrs.field(default=5.0, validator=[validators.ge(1.0), validators.le(60.0)])


class Scd41(Driver):
    """Readings: ``co2_ppm``, ``celsius``, ``humidity_pct``, as often as there is a new measurement; ``baseline_age_s``
    once an hour."""

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.i2c is not None
        self._device = settings.id
        self._address = settings.address
        self._self_calibration = settings.self_calibration
        self._bus = mount.i2c
        self._mount = mount
        self._since = 0.0  # the last data or start
        self._restarts = 0  # since the last data
        self._baseline = Baseline(settings.id, settings.self_calibration, mount.now())
        self.interval_s = settings.interval_s

    def open(self) -> None:
        self._start()
        self._restarts = 0

    def poll(self) -> Iterable[Reading]:
        if not self._ask(_READY, 1)[0] & 0x07FF:
            self._wait()
            return ()
        co2, temperature, humidity = self._ask(_READ, 3)
        at = self._mount.now()
        self._since, self._restarts = at, 0
        if not 0 < co2 <= _CO2_TOP_PPM:
            raise fault("out-of-range", detail=f"CO2 {co2} ppm")
        celsius = temperature * 175 / 65535 - 45
        if not _CELSIUS_RANGE[0] <= celsius <= _CELSIUS_RANGE[1]:
            raise fault("out-of-range", detail=f"{celsius:.1f} ℃")
        quality = Quality.GOOD if co2 >= _CO2_BELIEVED_PPM else Quality.SUSPECT
        return (
            Reading(self._device, "co2_ppm", float(co2), at, quality, raw=co2),
            Reading(self._device, "celsius", celsius, at),
            Reading(self._device, "humidity_pct", humidity * 100 / 65535, at),
            *(self._baseline.age(co2, at) if quality is Quality.GOOD else ()),
        )

    def close(self) -> None:
        with suppress(DeviceFault):
            self._tell(_STOP)

    def _start(self) -> None:
        for command, seconds in ((_WAKE, _WAKE_S), (_STOP, _STOP_S)):
            with suppress(DeviceFault):  # asleep, measuring or idle, each refuses one or the other
                self._tell(command)
            self._mount.pause(seconds)
        self._ask(_SERIAL, 3)  # the proof that somebody is there, and idle
        self._identify()
        self._tell(_SELF_CALIBRATION, int(self._self_calibration))
        self._mount.pause(_COMMAND_S)
        self._tell(_START)
        self._since = self._mount.now()

    def _identify(self) -> None:
        """Idle, and about to be started: is it the right part? An SCD40 may stand in for an SCD41."""

    def _wait(self) -> None:
        """No new measurement; past three periods there should be one. Start anew, and complain if in vain."""
        if self._mount.now() - self._since > _PATIENCE_S:
            self._start()
            self._restarts += 1
        if self._restarts > 1:
            raise fault("silent")

    def _tell(self, command: int, *arguments: int) -> None:
        write(self._bus, self._address, command.to_bytes(2) + b"".join(map(with_crc, arguments)))

    def _ask(self, command: int, count: int) -> list[int]:
        self._tell(command)
        self._mount.pause(_COMMAND_S)
        return words(read(self._bus, self._address, 3 * count))


def with_crc(word: int) -> bytes:
    """A word as it stands on the wire."""
    data = word.to_bytes(2)
    return data + bytes([sensirion_crc(data)])


def words(reply: bytes) -> list[int]:
    """The words of a reply, each before its CRC. Raises DeviceFault."""
    found = []
    for at in range(0, len(reply), 3):
        word = reply[at : at + 2]
        if reply[at + 2] != sensirion_crc(word):
            raise fault("garbled", detail="CRC")
        found.append(int.from_bytes(word))
    return found


PART = Part(
    name="scd41",
    kind="air",
    says={"zh": "二氧化碳、温湿度传感器", "en": "CO2, temperature and humidity sensor"},
    wires=(Wire.I2C,),
    settings=Settings,
    driver=Scd41,
)
