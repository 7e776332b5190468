"""Talking to a part on an I2C bus; the kernel's errors become faults here and nowhere else."""

import errno
from typing import Any, Protocol

from smbus2 import i2c_msg

from devices.faults import DeviceFault, fault


class I2C(Protocol):
    """The seam: ``smbus2.SMBus`` on a board, :class:`devices.world.wires.FakeI2C` in a simulated hall."""

    def i2c_rdwr(self, *msgs: Any) -> None:
        """One transfer: the messages in order, a repeated start between them."""

    def close(self) -> None:
        """Give the bus back."""


def write(bus: I2C, address: int, data: bytes) -> None:
    """START, address, data, STOP."""
    _transfer(bus, i2c_msg.write(address, data))


def read(bus: I2C, address: int, length: int) -> bytes:
    """START, address, ``length`` bytes, STOP."""
    message = i2c_msg.read(address, length)
    _transfer(bus, message)
    return bytes(message)


def write_read(bus: I2C, address: int, data: bytes, length: int) -> bytes:
    """Write, repeated start, read: how SMBus reads a register."""
    message = i2c_msg.read(address, length)
    _transfer(bus, i2c_msg.write(address, data), message)
    return bytes(message)


def _transfer(bus: I2C, *messages: Any) -> None:
    try:
        bus.i2c_rdwr(*messages)
    except OSError as error:
        raise _as_fault(error) from error


def _as_fault(error: OSError) -> DeviceFault:
    """121 is a NACK, 110 a stuck or over-stretched bus, 5 a bus error (Documentation/i2c/fault-codes)."""
    name = errno.errorcode.get(error.errno or 0, str(error))
    if error.errno in (errno.ENODEV, errno.ENOENT, errno.EBADF):
        return fault("unplugged", detail=name, lost=True)
    return fault("no-answer", detail=name)
