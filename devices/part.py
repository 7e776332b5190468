"""What a part is, and how its name in the hall file finds it.

Adding a part: ``devices/<class>/<part>.py`` with a ``PART``, ``devices/<class>/<part>_twin.py`` with a
``TWIN``, an entry in ``docs/parts.md``. Nothing else changes. Other people's packages add parts through
the entry point group ``hallgate.parts`` (name = part, value = the driver's module).
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import cache
from importlib import metadata
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import attrs
from attrs import validators
from serial import Serial

import devices
from devices.faults import Words
from devices.i2c import I2C
from devices.reading import Reading

if TYPE_CHECKING:  # 3 MiB that a hall without parts on pins does without
    from gpiozero.pins import Factory


class Wire(StrEnum):
    """What a part is connected by."""

    I2C = "i2c"
    SERIAL = "serial"
    PINS = "pins"
    NETWORK = "network"


# The pins of the 40-pin header that a hall may use, by their BCM numbers; 0 and 1 are the HAT's EEPROM.
PINS = range(2, 28)
PIN_BUS = "gpio"


@attrs.frozen(kw_only=True)
class Settings:
    """What the hall file says of one device; each part adds its own."""

    id: str
    part: str
    place: Words | None = None
    zone: str | None = None

    @property
    def bus_name(self) -> str:
        """The bus that the device takes turns on; one worker thread serves each."""
        raise NotImplementedError

    def claims(self) -> list[str]:
        """What no other device of the hall may use as well."""
        return []


@attrs.frozen(kw_only=True)
class I2CSettings(Settings):
    """A device on an I2C bus (``i2c-1`` is the header's)."""

    bus: str = attrs.field(default="i2c-1", validator=validators.matches_re(r"i2c-\d+"))
    address: int = attrs.field(default=0, validator=[validators.ge(0x08), validators.le(0x77)])

    @property
    def bus_name(self) -> str:
        return self.bus

    def claims(self) -> list[str]:
        return [f"{self.bus} 0x{self.address:02x}"]


@attrs.frozen(kw_only=True)
class SerialSettings(Settings):
    """A device that has a serial port of its own."""

    bus: str = attrs.field(validator=validators.matches_re(r"/dev/\S+"))

    @property
    def bus_name(self) -> str:
        return self.bus

    def claims(self) -> list[str]:
        return [self.bus]


@attrs.frozen(kw_only=True)
class ModbusSettings(Settings):
    """A device on an RS-485 line that it shares with others; the line's own settings are the same for all of them.

    ``baud``, ``parity``, ``stop_bits``  of the line, 8 data bits.
    ``echo``       the line's adapter hears what it sends itself.
    ``timeout_s``  how long after the question the answer may begin; each dead device costs the others so much.
    """

    bus: str = attrs.field(validator=validators.matches_re(r"/dev/\S+"))
    slave: int = attrs.field(validator=[validators.ge(1), validators.le(247)])
    baud: int = attrs.field(
        default=9600, validator=validators.in_((1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200))
    )
    parity: Literal["none", "even", "odd"] = attrs.field(
        default="none", validator=validators.in_(("none", "even", "odd"))
    )
    stop_bits: int = attrs.field(default=1, validator=validators.in_((1, 2)))
    echo: bool = False
    timeout_s: float = attrs.field(default=0.2, validator=[validators.ge(0.05), validators.le(2.0)])

    @property
    def bus_name(self) -> str:
        return self.bus

    def claims(self) -> list[str]:
        return [f"{self.bus} slave {self.slave}"]


@attrs.frozen(kw_only=True)
class NetworkSettings(Settings):
    """A device that is reached over the network; each has a worker of its own, because any may hang."""

    @property
    def bus_name(self) -> str:
        return f"network {self.id}"


def _is_pin(instance: Any, attribute: Any, value: list[int]) -> None:
    for pin in value:
        if pin not in PINS:
            raise ValueError(f"must be BCM pins from {PINS[0]} to {PINS[-1]}: {pin}")
    if len(set(value)) != len(value):
        raise ValueError(f"must be different pins: {value}")


@attrs.frozen(kw_only=True)
class PinSettings(Settings):
    """A device on the header's own pins, by BCM number."""

    pins: list[int] = attrs.field(validator=_is_pin)

    @property
    def bus_name(self) -> str:
        return PIN_BUS

    def claims(self) -> list[str]:
        return [f"pin {pin}" for pin in self.pins]


@attrs.frozen
class Mount:
    """Where a driver stands: its bus, already open, and the time.

    ``now``    monotonic seconds.
    ``pause``  for the milliseconds a part needs between two transfers; never for waiting on data.
    ``wake``   from any thread: there is something, poll me now.
    ``i2c``, ``serial``, ``pins``  what the part's ``wires`` name; the others are None.
    """

    now: Callable[[], float]
    pause: Callable[[float], None]
    wake: Callable[[], None]
    i2c: I2C | None = None
    serial: Serial | None = None
    pins: "Factory | None" = None


class Driver:
    """One device at work. It knows no hall, no thread and no time but that of its mount.

    ``interval_s``  how often :meth:`poll` is due. A talking part is polled as well whenever its bus has
                    something to say.
    ``talks``       the part speaks by itself, and its silence is no fault: a poll without readings
                    then leaves its health as it was.
    """

    interval_s: float = 1.0
    talks: ClassVar[bool] = False

    def open(self) -> None:
        """Bring the part into a known state, whatever state a crash left it in. May raise DeviceFault."""

    def poll(self) -> Iterable[Reading]:
        """The readings there are; none is an answer too. May raise DeviceFault."""
        return ()

    def act(self, verb: str, args: dict[str, Any]) -> None:
        """Do something (switch, print, blink). May raise DeviceFault."""
        raise ValueError(f"this part cannot {verb}")

    def close(self) -> None:
        """Leave the part in its safe state. Never raises for a part that is gone."""


@attrs.frozen(kw_only=True)
class Part:
    """One kind of thing a hall can buy.

    ``name``      as the hall file writes it.
    ``kind``      its class on MQTT (``thermometer``, ``door``, ``air`` …).
    ``says``      what it is, for people.
    ``wires``     what its driver needs open; the first is the bus it takes turns on.
    ``settings``  its section of the hall file; ``driver`` what works with it.
    ``baud``      of a serial part; settings that have a ``baud`` of their own come first.
    """

    name: str
    kind: str
    says: Words
    wires: tuple[Wire, ...]
    settings: type[Settings]
    driver: Callable[[Any, Mount], Driver]
    baud: int = 9600


class UnknownPart(Exception):
    """No part of that name is built in or installed."""


@cache
def part_names() -> dict[str, str]:
    """Every part there is, by name, with the module that holds it; nothing is imported for it."""
    names: dict[str, str] = {}
    for folder in pkgutil.iter_modules(devices.__path__):
        if folder.ispkg and folder.name != "world":
            package = importlib.util.find_spec(f"devices.{folder.name}")
            assert package is not None
            found = {module.name for module in pkgutil.iter_modules(package.submodule_search_locations)}
            parts = (name for name in found if f"{name}_twin" in found)
            names |= {name.replace("_", "-"): f"devices.{folder.name}.{name}" for name in sorted(parts)}
    names.update({point.name: point.module for point in metadata.entry_points(group="hallgate.parts")})
    return names


def find_part(name: str) -> Part:
    """The part of that name; only its own module is imported. Raises UnknownPart."""
    part: Part = _module(name).PART
    return part


def find_twin(name: str) -> Callable[..., Any]:
    """The simulator of that part, from the module beside its driver's. Raises UnknownPart."""
    twin: Callable[..., Any] = importlib.import_module(f"{_module(name).__name__}_twin").TWIN
    return twin


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(part_names()[name])
    except KeyError:
        raise UnknownPart(name) from None
