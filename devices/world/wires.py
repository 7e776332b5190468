"""The far end of every bus of a simulated hall: an I2C adapter, ptys and mock pins with twins on them.

What ptys and mocks do not do by themselves is done here: bytes are paced at the line's baud rate, frames arrive in
pieces, a wrong baud rate garbles, an unplugged port vanishes.
"""

import ctypes
import errno
import fcntl
import os
import select
import struct
import termios
import time
import tty
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import serial
from gpiozero.pins import Factory
from gpiozero.pins.mock import MockFactory, MockPin
from gpiozero.pins.pi import PiPin

from devices.faults import fault
from devices.i2c import I2C
from devices.wires import Pause, open_serial
from devices.world.lockstep import SimClock
from devices.world.modbus import ModbusTwin, Rs485
from devices.world.twin import I2CTwin, Nack, Pin, Stage, Trouble, Twin

_I2C_M_RD = 0x0001
# A byte handed to one end of a pty is at the other within microseconds; past this it never comes.
_SETTLE_S = 0.05
# How often a blocking read in simulated time looks for more.
_LOOK_EVERY_S = 0.002
# The kernel shows a reader no more than 4095 bytes at a time; what is behind them is on its way as well.
_WINDOW = 4095


class FakeI2C:
    """Stands where ``smbus2.SMBus`` stands: the same call, the same errors."""

    def __init__(self, twins: list[I2CTwin], random: Random) -> None:
        self._twins = twins
        self._random = random
        self._asked: Counter[int] = Counter()  # transfers, by address

    def i2c_rdwr(self, *msgs: Any) -> None:
        twin = self._twin_at(msgs[0].addr)
        try:
            for msg in msgs:
                if msg.flags & _I2C_M_RD:
                    data = self._on_the_way(twin, twin.read(msg.len))
                    ctypes.memmove(msg.buf, data, msg.len)
                else:
                    twin.write(bytes(msg))
        except Nack:
            raise OSError(errno.EREMOTEIO, "Remote I/O error") from None
        finally:
            twin.stop()

    def close(self) -> None:
        """Nothing is held."""

    def _twin_at(self, address: int) -> I2CTwin:
        self._asked[address] += 1
        for twin in self._twins:
            busy = twin.trouble is Trouble.BUSY and self._asked[address] % 2
            if twin.address == address and twin.trouble is not Trouble.UNPLUGGED and not busy:
                return twin
        raise OSError(errno.EREMOTEIO, "Remote I/O error")

    def _on_the_way(self, twin: I2CTwin, data: bytes) -> bytes:
        if twin.trouble is Trouble.GARBLED and data:
            return flip(data, self._random)
        return data


def flip(data: bytes, random: Random) -> bytes:
    """The same bytes with one bit wrong."""
    bit = random.randrange(len(data) * 8)
    return data[: bit // 8] + bytes([data[bit // 8] ^ (1 << bit % 8)]) + data[bit // 8 + 1 :]


class PtyLine:
    """A serial line: the driver opens the pty's name, the twin has the other end."""

    def __init__(self, clock: SimClock, random: Random) -> None:
        self.twin: Twin | None = None
        self.port: _PtySerial | None = None  # the driver's end, as it opened it
        self.written = 0  # by the driver
        self.taken = 0  # of it, by us
        self.sent = 0  # by the twin
        self.read = 0  # of it, by the driver
        self._clock = clock
        self._random = random
        self._free_at = 0.0
        self._ends: tuple[int, int] | None = None
        self.plug()

    @property
    def master(self) -> int | None:
        return self._ends[0] if self._ends else None

    @property
    def name(self) -> str | None:
        """What the driver opens; None while unplugged."""
        return os.ttyname(self._ends[1]) if self._ends else None

    def plug(self) -> None:
        if self._ends is None:
            self._ends = os.openpty()
            tty.setraw(self._ends[1])
            os.set_blocking(self._ends[0], False)
            self.written = self.taken = self.sent = self.read = 0

    def unplug(self) -> None:
        if self._ends is not None:
            for fd in self._ends:
                os.close(fd)
            self._ends = None
            self.port = None

    def opened(self, port: "_PtySerial") -> None:
        """The driver has opened its end, which empties it."""
        self.port = port
        port.line = self
        self.read = self.sent

    def send(self, data: bytes) -> None:
        """From the twin: in one to three pieces, each as late as the baud rate makes it."""
        assert self.twin is not None
        begin = max(self._clock.monotonic(), self._free_at)
        cuts = sorted({self._random.randrange(len(data)) for _ in range(2)} | {len(data)}) if data else []
        done = 0
        for cut in cuts:
            if cut > done:
                self._free_at = begin + cut * 10 / self.twin.baud
                self._clock.agenda.at(self._free_at, lambda piece=data[done:cut]: self._put(piece))  # type: ignore[misc]  # mypy cannot type a default
                done = cut

    def pump(self) -> None:
        """Hand the twin what the driver wrote; wait the moment until all of it has come through."""
        if self._ends is None or self.taken >= self.written:
            return
        deadline = time.monotonic() + _SETTLE_S
        while True:
            try:
                data = os.read(self._ends[0], 4096)
            except BlockingIOError:
                data = b""
            if data:
                self.taken += len(data)
                self._hand_over(data)
            elif self.taken >= self.written or time.monotonic() > deadline:
                self.taken = self.written
                return
            else:
                select.select([self._ends[0]], [], [], 0.001)

    def _hand_over(self, data: bytes) -> None:
        assert self.twin is not None
        if self.twin.trouble is not Trouble.SILENT:
            self.twin.received(data if self._baud_is_right() else flip(data, self._random))

    def _put(self, data: bytes) -> None:
        assert self.twin is not None
        if self._ends is None or self.twin.trouble is Trouble.SILENT:
            return
        if self.port is None or not self.port.is_open:
            return  # a UART keeps nothing for a port that nobody has open
        if self.twin.trouble is Trouble.GARBLED:
            data = flip(data, self._random)
        if not self._baud_is_right():
            data = self._random.randbytes(len(data))
        try:
            self.sent += os.write(self._ends[0], data)
        except BlockingIOError:
            return  # nobody reads at the other end: a real line would have lost it too
        deadline = time.monotonic() + _SETTLE_S
        while not self._arrived() and time.monotonic() < deadline:
            select.select([self._ends[1]], [], [], 0.0005)

    def _arrived(self) -> bool:
        assert self._ends is not None
        waiting: int = struct.unpack("I", fcntl.ioctl(self._ends[1], termios.FIONREAD, b"\0" * 4))[0]
        return self.read + waiting >= self.sent or waiting >= _WINDOW

    def _baud_is_right(self) -> bool:
        """A pty takes any baud rate and ignores it; the rate the driver set can be asked for."""
        assert self._ends is not None and self.twin is not None
        code = termios.tcgetattr(self._ends[1])[4]
        wanted = getattr(termios, f"B{self.twin.baud}", None)
        return wanted is None or code == wanted


class _PtySerial(serial.Serial):
    """A real port on a pty that tells its line how much has gone through, so that time can wait for it."""

    line: PtyLine
    pause: Pause | None = None
    _parity: str  # not in the published types

    def write(self, data: Any) -> int | None:
        if self.line.port is self:  # else it was unplugged and another is there now
            self.line.written += len(data)
        written: int | None = super().write(data)
        return written

    def read(self, size: int = 1) -> bytes:
        return self._wait_for(size) if self.timeout and self.pause is not None else self._read_now(size)

    def _read_now(self, size: int) -> bytes:
        data: bytes = super().read(size)
        if self.line.port is self:  # told at once: until then the line waits for it to arrive
            self.line.read += len(data)
        return data

    def _wait_for(self, size: int) -> bytes:
        """What a blocking read does, in simulated time: the twin answers while we sleep at our bell."""
        assert self.pause is not None
        timeout, self.timeout = self.timeout or 0.0, 0
        try:
            data, waited = b"", 0.0
            while len(data) < size and waited < timeout:
                data += self._read_now(size - len(data))
                if len(data) < size:
                    self.pause(_LOOK_EVERY_S)
                    waited += _LOOK_EVERY_S
            return data
        finally:
            self.timeout = timeout

    def _reconfigure_port(self, force_update: bool = False) -> None:
        parity, self._parity = self._parity, serial.PARITY_NONE  # a pty has none, and glibc complains of that
        try:
            super()._reconfigure_port(force_update)  # type: ignore[misc]  # not in the published types
        finally:
            self._parity = parity

    def reset_input_buffer(self) -> None:
        super().reset_input_buffer()
        if self.line.port is self:
            self.line.read = self.line.sent


class _SimPin(MockPin):  # type: ignore[misc]  # gpiozero publishes no types
    """A mock pin whose edges are stamped in simulated time, and whose pull loses against whoever holds the line."""

    _held: bool | None = None

    def drive_high(self) -> None:
        self._held = True
        self._forget()
        super().drive_high()

    def drive_low(self) -> None:
        self._held = False
        self._forget()
        super().drive_low()

    def _set_pull(self, value: str) -> None:
        held = self._held
        super()._set_pull(value)
        if held is not None:
            (self.drive_high if held else self.drive_low)()

    def _call_when_changed(self) -> None:
        PiPin._call_when_changed(self, self.factory.ticks(), self._state)

    def _forget(self) -> None:
        self.clear_states()  # else the mock remembers every edge for ever


class _SimFactory(MockFactory):  # type: ignore[misc]  # gpiozero publishes no types
    """gpiozero's mock pins in simulated time."""

    def __init__(self, clock: SimClock) -> None:
        super().__init__(pin_class=_SimPin)
        self._clock = clock

    def ticks(self) -> float:
        return self._clock.monotonic()

    def ticks_diff(self, later: float, earlier: float) -> float:
        return later - earlier


class FakeWires:
    """Hands a hall's buses out as :class:`devices.wires.BoardWires` does, with twins at the far end."""

    def __init__(self, clock: SimClock, seed: object) -> None:
        self.twins: dict[str, Twin] = {}
        self._clock = clock
        self._seed = seed
        self._factory = _SimFactory(clock)
        self._i2c: dict[str, list[I2CTwin]] = {}
        self._lines: dict[str, PtyLine] = {}
        clock.lines = self

    def mount(self, build: Callable[[Any, Stage], Twin], settings: Any) -> Twin:
        """Put the twin of that device on its bus."""
        random = Random(f"{self._seed}:{settings.id}")
        path = settings.bus_name if settings.bus_name.startswith("/dev/") else ""
        line = (self._shared(path) or PtyLine(self._clock, random)) if path else None
        stage = Stage(
            now=self._clock.monotonic,
            at=self._clock.agenda.at,
            random=random,
            line=line or _NoLine(),
            pin=self._pin,
        )
        twin = build(settings, stage)
        if line is not None:
            if not isinstance(twin, ModbusTwin):
                line.twin = twin
            elif isinstance(line.twin, Rs485):
                line.twin.slaves.append(twin)
            else:
                line.twin = self.twins[path] = Rs485(settings, stage)
                line.twin.slaves.append(twin)
            self._lines[path] = line
        if isinstance(twin, I2CTwin):
            self._i2c.setdefault(settings.bus_name, []).append(twin)
        self.twins[settings.id] = twin
        return twin

    def suffer(self, device: str, trouble: Trouble) -> None:
        """Let that trouble befall a device; an unplugged serial port vanishes as a USB one does.

        A slave of a shared line only loses its power; the line itself goes by the name of its port.
        """
        twin = self.twins[device]
        twin.suffer(trouble)
        line = self._lines.get(twin.settings.bus_name)
        if line is not None and line.twin is twin and trouble is Trouble.UNPLUGGED:
            line.unplug()

    def recover(self, device: str) -> None:
        twin = self.twins[device]
        line = self._lines.get(twin.settings.bus_name)
        if line is not None and line.twin is twin:
            line.plug()
        twin.recover()

    # What drivers see.

    def i2c(self, bus: str) -> I2C:
        return FakeI2C(self._i2c.get(bus, []), Random(f"{self._seed}:{bus}"))

    def serial(self, path: str, baud: int, pause: Pause | None = None) -> serial.Serial:
        line = self._lines.get(path)
        name = line.name if line is not None else None
        if line is None or name is None:
            raise fault("unplugged", detail=path, lost=True)
        port = open_serial(name, baud, _PtySerial)
        assert isinstance(port, _PtySerial)
        port.pause = pause
        line.opened(port)
        return port

    def pins(self) -> Factory:
        return self._factory

    # What the clock asks of lines.

    def pump(self) -> None:
        for line in self._lines.values():
            line.pump()

    def close(self) -> None:
        for line in self._lines.values():
            line.unplug()
        for twin in self.twins.values():
            twin.close()
        self._factory.close()

    def _shared(self, path: str) -> PtyLine | None:
        """The line of that name, if its parts share it."""
        line = self._lines.get(path)
        return line if line is not None and isinstance(line.twin, Rs485) else None

    def _pin(self, number: int) -> Pin:
        pin: Pin = self._factory.pin(number)
        return pin


class _NoLine:
    """A part without a serial line has nothing to send on."""

    def send(self, data: bytes) -> None:
        raise AssertionError("this twin has no serial line")
