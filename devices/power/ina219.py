"""INA219: volts and amperes of a supply, on I2C, address 0x40 to 0x4F by its two address pins.

Wiring: 3V3, GND, SDA (BCM 2), SCL (BCM 3); the shunt between VIN+ (source) and VIN- (load), amperes count positive
that way. Every register is a 16-bit word, MSB first (TI, INA219 data sheet SBOS448G, 8.6)::

    S  SA+W  register  MSB  LSB  P                     write
    S  SA+W  register  Sr  SA+R  MSB  LSB  P           read

    00  configuration, 399F at power-up    02  bus voltage: bits 15-3 of 4 mV, bit 1 ready, bit 0 math overflow
    03  power; reading it clears "ready"   04  current, two's complement: shunt voltage (10 uV) * calibration / 4096
    05  calibration, 0 at power-up: 0.04096 / (ampere per bit * ohm); bit 0 is always 0

    configuration 3FFF: 32 V, shunt within 320 mV, means of 128 samples (68 ms each), continuous

0.1 ohm and 3.2 A give 0.1 mA a bit and a calibration of 4096. Other boards have other shunts: the Waveshare UPS HAT (D)
0.01 ohm at address 0x43 (hacs_waveshare_ups_hat#16) and its current the other way round (hass-ina219-ups-hat#30).

Nothing on this wire has a check sum, and such boards now and then read 0.0 V, which has shut gateways down
(upsplus#14): so a voltage far from the one before is told once three reads agree. A part that lost its power has a
calibration of 0 and would read 0 A for ever: it is looked at each time.
"""

from collections.abc import Iterable

import attrs
from attrs import validators

from devices.faults import fault
from devices.i2c import write, write_read
from devices.part import Driver, I2CSettings, Mount, Part, Wire
from devices.power.agreeing import Agreeing
from devices.reading import Reading

_CONFIGURATION, _BUS, _POWER, _CURRENT, _CALIBRATION = 0x00, 0x02, 0x03, 0x04, 0x05
_AVERAGING = 0x3FFF
_FIRST_DATA_S = 0.15  # shunt and bus, 68.1 ms each
_READY, _OVERFLOW = 0x0002, 0x0001
_BUS_TOP_VOLTS = 26.0  # data sheet 8.1; the register would go on to 32 V
_SHUNT_TOP_VOLTS = 0.32
_NEAR_VOLTS = 0.5
_UNREADY = 3  # polls in a row without a new conversion
# 32767 bits are the most; a round number below gives 0.1 mA a bit at 3.2 A.
_BITS = 32000


@attrs.frozen(kw_only=True)
class Settings(I2CSettings):
    """``shunt_ohm`` and ``max_a`` give the calibration; ``invert`` where the board has its shunt the other way round."""

    address: int = attrs.field(default=0x40, validator=[validators.ge(0x40), validators.le(0x4F)])
    shunt_ohm: float = attrs.field(default=0.1, validator=[validators.ge(0.0005), validators.le(10.0)])
    max_a: float = attrs.field(default=3.2, validator=[validators.ge(0.01), validators.le(200.0)])
    invert: bool = False
    interval_s: float = attrs.field(default=1.0, validator=[validators.ge(0.2), validators.le(60.0)])

    def __attrs_post_init__(self) -> None:
        drop = self.shunt_ohm * self.max_a
        if drop > _SHUNT_TOP_VOLTS * 1.001:
            raise ValueError(
                {
                    "zh": f"shunt_ohm × max_a 不能超过 0.32 V：{drop:.3f} V",
                    "en": f"'shunt_ohm' times 'max_a' must not exceed 0.32 V: {drop:.3f} V",
                }
            )
        if not 2 <= calibration(self.shunt_ohm, self.max_a) <= 0xFFFE:
            raise ValueError(
                {
                    "zh": f"shunt_ohm 与 max_a 太小，校准寄存器容不下：{drop * 1000:.1f} mV",
                    "en": f"'shunt_ohm' and 'max_a' are too small for the calibration register: {drop * 1000:.1f} mV",
                }
            )


class Ina219(Driver):
    """Readings: ``bus_volts``, at the load's side, and ``amperes``, positive into the load."""

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.i2c is not None
        self._device = settings.id
        self._address = settings.address
        self._calibration = calibration(settings.shunt_ohm, settings.max_a)
        self._ampere_per_bit = 0.04096 / (self._calibration * settings.shunt_ohm) * (-1 if settings.invert else 1)
        self._bus = mount.i2c
        self._mount = mount
        self._volts = Agreeing(_NEAR_VOLTS)
        self._unready = 0
        self.interval_s = settings.interval_s

    def open(self) -> None:
        self._set_up()
        self._mount.pause(_FIRST_DATA_S)

    def poll(self) -> Iterable[Reading]:
        if self._read_word(_CALIBRATION) != self._calibration:
            self._set_up()  # it has lost its power; what it says until the next poll is of no use
            return ()
        word = self._read_word(_BUS)
        if not word & _READY:
            self._unready += 1
            if self._unready >= _UNREADY:
                raise fault("silent")
            return ()
        self._unready = 0
        current = self._read_word(_CURRENT)
        self._read_word(_POWER)
        volts = bus_volts(word)
        if not self._volts.believes(volts):
            return ()
        at = self._mount.now()
        amperes = signed(current) * self._ampere_per_bit
        return Reading(self._device, "bus_volts", volts, at, raw=word), Reading(
            self._device, "amperes", amperes, at, raw=current
        )

    def _set_up(self) -> None:
        self._write_word(_CONFIGURATION, _AVERAGING)
        self._write_word(_CALIBRATION, self._calibration)
        self._unready = 0

    def _write_word(self, register: int, word: int) -> None:
        write(self._bus, self._address, bytes([register]) + word.to_bytes(2))

    def _read_word(self, register: int) -> int:
        return int.from_bytes(write_read(self._bus, self._address, bytes([register]), 2))


def calibration(shunt_ohm: float, max_a: float) -> int:
    """The calibration word under which ``max_a`` is just below the top of the current register."""
    return round(0.04096 / (max_a / _BITS * shunt_ohm)) & ~1


def bus_volts(word: int) -> float:
    """Volts of a bus voltage word. Raises DeviceFault."""
    if word & _OVERFLOW:
        raise fault("error-flag", detail=f"overflow {word:04X}")
    volts = (word >> 3) * 0.004
    if volts > _BUS_TOP_VOLTS:
        raise fault("out-of-range", detail=f"{volts:.1f} V")
    return volts


def signed(word: int) -> int:
    """A 16-bit word in two's complement."""
    return word - 0x10000 if word & 0x8000 else word


PART = Part(
    name="ina219",
    kind="power",
    says={"zh": "电压电流监测", "en": "voltage and current monitor"},
    wires=(Wire.I2C,),
    settings=Settings,
    driver=Ina219,
)
