"""What every simulator of a part has in common: a place on a wire, and the troubles that wires have."""

from collections.abc import Callable
from enum import StrEnum
from random import Random
from typing import Any, Protocol

import attrs


class Trouble(StrEnum):
    """What can be wrong with a device, seen from its bus."""

    UNPLUGGED = "unplugged"  # nothing answers; a serial port is gone
    GARBLED = "garbled"  # bits are flipped on the way
    SILENT = "silent"  # it is there, but has nothing to say
    STUCK = "stuck"  # it says the same for ever
    BUSY = "busy"  # it refuses (NACK) every other transfer


class Line(Protocol):
    """A twin's end of a serial line."""

    def send(self, data: bytes) -> None:
        """Put bytes on the wire, at the line's own pace."""


class Pin(Protocol):
    """A pin of the header, from outside (gpiozero's MockPin)."""

    state: Any

    def drive_high(self) -> None: ...

    def drive_low(self) -> None: ...


@attrs.define
class Stage:
    """Where a twin stands.

    ``now``, ``at``  simulated time, and a call to come at an instant.
    ``random``       seeded, the twin's own.
    ``line``         of a serial part; ``pin`` gives a header pin.
    """

    now: Callable[[], float]
    at: Callable[[float, Callable[[], None]], None]
    random: Random
    line: Line
    pin: Callable[[int], Pin]


class Twin:
    """The simulator of one device. The world and tests call what a person or a fault would do to it."""

    baud: int = 9600

    def __init__(self, settings: Any, stage: Stage) -> None:
        self.settings = settings
        self.stage = stage
        self.trouble: Trouble | None = None

    def suffer(self, trouble: Trouble) -> None:
        """From now on that is wrong with it."""
        self.trouble = trouble

    def recover(self) -> None:
        """All is well again. Parts that lose their state with their power override this."""
        self.trouble = None

    def received(self, data: bytes) -> None:
        """Serial: bytes from the driver."""

    def close(self) -> None:
        """Give back what it holds outside of simulated time (a server's socket)."""


class Nack(Exception):
    """The part does not acknowledge."""


class I2CTwin(Twin):
    """A part on an I2C bus. One transfer is writes and reads in turn, then :meth:`stop`."""

    @property
    def address(self) -> int:
        address: int = self.settings.address
        return address

    def write(self, data: bytes) -> None:
        """Bytes from the driver. Raises Nack."""
        raise Nack

    def read(self, length: int) -> bytes:
        """Bytes for the driver. Raises Nack."""
        raise Nack

    def stop(self) -> None:
        """The transfer is over."""
