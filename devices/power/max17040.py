"""MAX17040/MAX17043: fuel gauge of one lithium cell, on I2C, address 0x36; on the X728 and other battery boards.

Wiring: on such a board it is on the header already (SDA BCM 2, SCL BCM 3). Registers are 16-bit words, MSB first (Maxim,
MAX17040/MAX17041 data sheet, table 2)::

    S  6C  register  Sr  6D  MSB  LSB  P

    02  VCELL  bits 15-4 of 1.25 mV, mean of 500 ms        06  MODE  write 4000: quick-start, guess the charge anew
    04  SOC    1/256 of a percent a bit                    08  VERSION

The charge is a model's guess, not a measurement: it goes above 100 on the charger (SparkFun_MAX1704x#14) and is cut there;
it is far off after cells were changed or run empty (geekworm-com/x728#3), which ``quick-start`` mends on a rested cell.
Now and then a read gives 0 V with FFFF, "256 %" (SparkFun_MAX1704x#3), and nothing has a check sum: so a value far
from the one before is told once three reads agree.

``mains`` is the board's pin for "external power lost": BCM 6 on the X728, high when lost, while its jumper PLD is set
(DavidAntliff/x728ups); without the jumper it always reads as present. It chatters on a weak supply (buyapi/ups#4), hence
``hold_s``. It is watched only while the gauge answers; where that is not enough, use the part ``mains`` on the pin.
"""

from collections.abc import Iterable
from typing import Any

import attrs
from attrs import validators

from devices.faults import fault
from devices.i2c import write, write_read
from devices.part import PINS, Driver, I2CSettings, Mount, Part, Wire
from devices.power.agreeing import Agreeing
from devices.power.held import Held, Level
from devices.reading import Reading

_VCELL, _SOC, _MODE = 0x02, 0x04, 0x06
_QUICK_START = 0x4000
_NOTHING = 0xFFFF
# Below, no lithium cell is left to measure: none in its holder, or one that is ruined.
_LEAST_VOLTS = 2.0
_NEAR_VOLTS, _NEAR_PCT = 0.3, 5.0
_LOOK_S = 1.0  # at the pin


@attrs.frozen(kw_only=True)
class Settings(I2CSettings):
    """``mains`` is the BCM pin that tells external power, ``present`` its level while there is some."""

    address: int = attrs.field(default=0x36, validator=[validators.ge(0x08), validators.le(0x77)])
    mains: int | None = attrs.field(default=None, validator=validators.optional(validators.in_(PINS)))
    present: Level = attrs.field(default="low", validator=validators.in_(("low", "high")))
    hold_s: float = attrs.field(default=3.0, validator=[validators.ge(0.0), validators.le(60.0)])
    interval_s: float = attrs.field(default=5.0, validator=[validators.ge(1.0), validators.le(60.0)])

    @property
    def yes(self) -> Level:
        return self.present

    def claims(self) -> list[str]:
        return super().claims() + ([f"pin {self.mains}"] if self.mains is not None else [])


class Max17040(Driver):
    """Readings: ``battery_volts``, ``battery_pct`` (at most 100), and ``mains`` when opened and at each change.

    Does ``quick-start`` with no arguments: the gauge forgets, and guesses the charge from the voltage as it is now.
    """

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.i2c is not None
        self._settings = settings
        self._bus = mount.i2c
        self._mount = mount
        self._mains: Held | None = None
        self._volts, self._percent = Agreeing(_NEAR_VOLTS), Agreeing(_NEAR_PCT)
        self._due = 0.0

    def open(self) -> None:
        self.close()
        self._read_word(_VCELL)
        self._due = self._mount.now()
        if self._settings.mains is not None:
            self._mains = Held(self._settings, self._settings.mains, "mains", self._mount)

    def poll(self) -> Iterable[Reading]:
        now = self._mount.now()
        told = self._mains.changes(now) if self._mains is not None else []
        # News of the mains must not be lost to a gauge that does not answer: that has its own turn.
        if now >= self._due and not told:
            self._due = now + self._settings.interval_s
            told = self._gauge()
        self.interval_s = max(0.001, self._due - now)
        if self._mains is not None:
            self.interval_s = min(self.interval_s, self._mains.unsettled(now) or _LOOK_S)
        return told

    def act(self, verb: str, args: dict[str, Any]) -> None:
        if verb != "quick-start":
            super().act(verb, args)
        if args:
            raise ValueError(f'"quick-start" takes {{}}, not {args}')
        write(self._bus, self._settings.address, bytes([_MODE]) + _QUICK_START.to_bytes(2))
        self._volts, self._percent = Agreeing(_NEAR_VOLTS), Agreeing(_NEAR_PCT)

    def close(self) -> None:
        if self._mains is not None:
            self._mains.close()
            self._mains = None

    def _gauge(self) -> list[Reading]:
        cell, charge = self._read_word(_VCELL), self._read_word(_SOC)
        at = self._mount.now()
        if _NOTHING in (cell, charge):
            raise fault("garbled", detail="FFFF")
        volts, percent = cell_volts(cell), charge_pct(charge)
        if volts < _LEAST_VOLTS:
            raise fault("out-of-range", detail=f"{volts:.2f} V")
        believed = (self._volts.believes(volts), self._percent.believes(percent))
        if not all(believed):
            return []
        return [
            Reading(self._settings.id, "battery_volts", volts, at, raw=cell),
            Reading(self._settings.id, "battery_pct", percent, at, raw=charge),
        ]

    def _read_word(self, register: int) -> int:
        return int.from_bytes(write_read(self._bus, self._settings.address, bytes([register]), 2))


def cell_volts(word: int) -> float:
    """Volts of a VCELL word."""
    return (word >> 4) * 0.00125


def charge_pct(word: int) -> float:
    """Percent of a SOC word, at most 100."""
    return min(100.0, word / 256)


PART = Part(
    name="max17040",
    kind="power",
    says={"zh": "后备电池电量", "en": "backup battery gauge"},
    wires=(Wire.I2C, Wire.PINS),
    settings=Settings,
    driver=Max17040,
)
