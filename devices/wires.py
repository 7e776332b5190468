"""The board's buses, opened by name. A simulated hall hands out :class:`devices.world.wires.FakeWires`."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import serial

from devices.faults import fault
from devices.i2c import I2C

if TYPE_CHECKING:
    from gpiozero.pins import Factory

Pause = Callable[[float], None]

# A part that takes no bytes for this long is treated as gone; it must not hold up its worker.
WRITE_TIMEOUT_S = 2.0


class Wires(Protocol):
    """Opens buses. Each raises DeviceFault when there is nothing of that name."""

    def i2c(self, bus: str) -> I2C:
        """``i2c-1`` and the like."""

    def serial(self, path: str, baud: int, pause: Pause | None = None) -> serial.Serial:
        """An 8N1 line; reads return at once with what there is.

        Who gives it a timeout waits in them, and does so by ``pause`` where time is simulated.
        """

    def pins(self) -> "Factory":
        """gpiozero's way to the header's pins."""


class BoardWires:
    """What is really plugged in."""

    def i2c(self, bus: str) -> I2C:
        from smbus2 import SMBus  # only a hall with an I2C part needs it

        try:
            opened: I2C = SMBus(f"/dev/{bus}")
        except OSError as error:
            raise fault("unplugged", detail=f"/dev/{bus}: {error.strerror}", lost=True) from error
        return opened

    def serial(self, path: str, baud: int, pause: Pause | None = None) -> serial.Serial:
        return open_serial(path, baud)  # the kernel waits by itself

    def pins(self) -> "Factory":
        from gpiozero import Device  # only a hall with parts on pins needs it

        os.environ.setdefault("GPIOZERO_PIN_FACTORY", "lgpio")  # else it falls back with only a warning
        Device.ensure_pin_factory()
        return Device.pin_factory


def open_serial(path: str, baud: int, kind: type[serial.Serial] = serial.Serial) -> serial.Serial:
    """A port as every serial part here wants it. Raises DeviceFault."""
    try:
        return kind(path, baud, timeout=0, write_timeout=WRITE_TIMEOUT_S, exclusive=True)
    except (serial.SerialException, OSError) as error:
        raise fault("unplugged", detail=path, lost=True) from error
