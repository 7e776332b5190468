"""CO2, temperature and humidity transmitters on RS-485: one driver, and a table of who keeps what in which register.

There is no common map. A transmitter that is not in :data:`MAPS` is a row more, or ``registers:`` in the hall file.
Wiring, frames and timing are the line's (:mod:`devices.modbus`); addresses here are as they stand in the frame, from 0.

``aiav``   9600 baud. 03: 0005 CO2. aiav.com.cn, "CO2": 01 03 00 05 00 01 94 0B; the answer printed there, 01 03 02 01 C3
           78 35, has a wrong CRC: F9 85.
``adtek``  9600 baud. 03: 0000 degC x 0.1 signed, 0001 %RH x 0.1. From a survey of such transmitters; no page of the
           maker's confirms it.
``elt``    9600 baud. 03: 0050 CO2, 0051 degC x 0.1 signed, 0052 %RH. ELT Sensor, MB-350U-C manual, 2.1: 255 is 25.5, 75
           is 75 %; function 03 alone, four registers at most.
``scd30``  19200 baud, nothing else. 03: 0028 CO2, 002A degC, 002C %RH, floats with the high word first; 0027 is 1 when
           there is something new; 06: 0036 starts. Sensirion, SCD30 interface description, Modbus: slave 61 (97),
           61 03 00 28 00 06 4C 60; the words 43DB 8C2E 41D9 E7FF 4243 3A1B are 439.09 ppm, 27.24 degC, 48.81 %. It
           speaks 3.3 V (SEL to 3V3), so there is a transceiver before it.

The SCD30 measures every 2 s once it has been started, and remembers that without power; writing the start register
(0: no pressure given) each time it is opened covers one that never was. 0.0 ppm beside a good temperature is its fault
(esphome/issues#3407), as it is of any other here.
"""

import math
import struct
from collections.abc import Iterable
from typing import Literal

import attrs
from attrs import validators

from devices.faults import fault
from devices.modbus import Slave
from devices.part import Driver, ModbusSettings, Mount, Part, Wire
from devices.reading import Quality, Reading

Quantity = Literal["co2_ppm", "celsius", "humidity_pct"]
Form = Literal["u16", "s16", "u32", "s32", "f32", "u32-low-first", "s32-low-first", "f32-low-first"]

FORMS: dict[str, str] = {"u16": ">H", "s16": ">h", "u32": ">I", "s32": ">i", "f32": ">f"}
_LOW_FIRST = "-low-first"
# What can be believed at all; a transmitter says FFFF, 8000 or 0 where it has nothing to say.
_RANGES = {"co2_ppm": (1.0, 40000.0), "celsius": (-40.0, 85.0), "humidity_pct": (0.0, 100.0)}
_UNITS = {"co2_ppm": "ppm", "celsius": "℃", "humidity_pct": "%"}
# Outdoors has 420; less than half of that is a lost calibration, as with the other CO2 parts.
_CO2_BELIEVED_PPM = 250.0


@attrs.frozen(kw_only=True)
class Register:
    """Where a quantity stands: ``address`` as in the frame, ``form`` of what is there, ``scale`` to its unit."""

    quantity: Quantity = attrs.field(validator=validators.in_(tuple(_RANGES)))
    address: int = attrs.field(validator=[validators.ge(0), validators.le(0xFFFF)])
    form: Form = attrs.field(
        default="s16", validator=validators.in_((*FORMS, *(f"{form}{_LOW_FIRST}" for form in ("u32", "s32", "f32"))))
    )
    scale: float = attrs.field(default=1.0, validator=[validators.gt(0.0), validators.le(1000.0)])
    function: int = attrs.field(default=3, validator=validators.in_((3, 4)))

    @property
    def words(self) -> int:
        return 1 if self.form in ("u16", "s16") else 2


@attrs.frozen(kw_only=True)
class Map:
    """One kind of transmitter. ``start``: a register to write, and what, when it is opened; ``ready``: one that is 0
    while there is nothing new; ``baud``: the only one it can."""

    registers: tuple[Register, ...]
    start: tuple[int, int] | None = None
    ready: int | None = None
    baud: int | None = None


MAPS = {
    "aiav": Map(registers=(Register(quantity="co2_ppm", address=0x0005, form="u16"),)),
    "adtek": Map(
        registers=(
            Register(quantity="celsius", address=0x0000, scale=0.1),
            Register(quantity="humidity_pct", address=0x0001, scale=0.1),
        )
    ),
    "elt": Map(
        registers=(
            Register(quantity="co2_ppm", address=0x0050, form="u16"),
            Register(quantity="celsius", address=0x0051, scale=0.1),
            Register(quantity="humidity_pct", address=0x0052, form="u16"),
        )
    ),
    "scd30": Map(
        registers=(
            Register(quantity="co2_ppm", address=0x0028, form="f32"),
            Register(quantity="celsius", address=0x002A, form="f32"),
            Register(quantity="humidity_pct", address=0x002C, form="f32"),
        ),
        start=(0x0036, 0),
        ready=0x0027,
        baud=19200,
    ),
}


@attrs.frozen(kw_only=True)
class Settings(ModbusSettings):
    """``map`` names a row of the table, or ``registers`` says what it would; every ``interval_s`` it is asked."""

    map: str | None = attrs.field(default=None, validator=validators.optional(validators.in_(tuple(MAPS))))
    registers: list[Register] = attrs.field(factory=list)
    interval_s: float = attrs.field(default=5.0, validator=[validators.ge(1.0), validators.le(300.0)])

    def __attrs_post_init__(self) -> None:
        if (self.map is None) == (not self.registers):
            raise ValueError({"zh": "map 与 registers 须且只能写一个", "en": "give either map or registers"})
        quantities = [register.quantity for register in self.registers]
        if len(set(quantities)) != len(quantities):
            raise ValueError({"zh": "registers 中同一量写了两次", "en": "registers must name each quantity once"})
        baud = self.layout.baud
        if baud is not None and self.baud != baud:
            raise ValueError({"zh": f"{self.map} 只用 baud: {baud}", "en": f"an {self.map} needs baud: {baud}"})

    @property
    def layout(self) -> Map:
        return MAPS[self.map] if self.map is not None else Map(registers=tuple(self.registers))


class ModbusAir(Driver):
    """Readings: those of ``co2_ppm``, ``celsius`` and ``humidity_pct`` that its map has."""

    def __init__(self, settings: Settings, mount: Mount) -> None:
        self._device = settings.id
        self._map = settings.layout
        self._now = mount.now
        self._slave = Slave(settings, mount)
        self._silent_s = 3 * settings.interval_s
        self._heard_at = 0.0
        self.interval_s = settings.interval_s

    def open(self) -> None:
        if self._map.start is not None:
            self._slave.write(*self._map.start)
        self._heard_at = self._now()

    def poll(self) -> Iterable[Reading]:
        if self._map.ready is not None and not self._slave.read(self._map.ready, 1)[0]:
            if self._now() - self._heard_at < self._silent_s:
                return ()
            if self._map.start is not None:
                self._slave.write(*self._map.start)
            raise fault("silent")
        readings = [reading for run in runs(self._map.registers) for reading in self._read(run)]
        self._heard_at = self._now()
        return readings

    def _read(self, run: list[Register]) -> Iterable[Reading]:
        first, last = run[0], run[-1]
        words = self._slave.read(first.address, last.address + last.words - first.address, first.function)
        for register in run:
            begin = register.address - first.address
            yield self._reading(register, words[begin : begin + register.words])

    def _reading(self, register: Register, words: list[int]) -> Reading:
        value = decode(words, register.form) * register.scale
        low, high = _RANGES[register.quantity]
        if not low <= value <= high:  # NaN too
            raise fault("out-of-range", detail=f"{value:g} {_UNITS[register.quantity]}")
        believed = register.quantity != "co2_ppm" or value >= _CO2_BELIEVED_PPM
        raw = words[0] if len(words) == 1 else words[0] << 16 | words[1]
        quality = Quality.GOOD if believed else Quality.SUSPECT
        return Reading(self._device, register.quantity, value, self._now(), quality, raw=raw)


def runs(registers: Iterable[Register]) -> list[list[Register]]:
    """Those that stand side by side, together: one question each."""
    found: list[list[Register]] = []
    for register in sorted(registers, key=lambda register: (register.function, register.address)):
        run = found[-1] if found else None
        beside = (
            run is not None
            and run[-1].function == register.function
            and run[-1].address + run[-1].words == register.address
        )
        if run is not None and beside:
            run.append(register)
        else:
            found.append([register])
    return found


def decode(words: list[int], form: str) -> float:
    """The number in one or two registers; an infinity is none."""
    if form.endswith(_LOW_FIRST):
        words, form = words[::-1], form.removesuffix(_LOW_FIRST)
    value = float(struct.unpack(FORMS[form], b"".join(word.to_bytes(2) for word in words))[0])
    return value if math.isfinite(value) else math.nan


PART = Part(
    name="modbus-air",
    kind="air",
    says={"zh": "RS-485 二氧化碳、温湿度变送器", "en": "CO2, temperature and humidity transmitter on RS-485"},
    wires=(Wire.SERIAL,),
    settings=Settings,
    driver=ModbusAir,
)
