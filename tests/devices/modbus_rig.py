"""One RS-485 line with its slaves, and time that the test moves by hand."""

from typing import Any

from devices.faults import DeviceFault
from devices.part import Driver, Mount, find_part, find_twin
from devices.reading import Reading
from devices.world.lockstep import SimClock
from devices.world.modbus import Rs485
from devices.world.wires import FakeWires

LINE = "/dev/ttyUSB2"


class Line:
    """What the bus worker does for the parts of one line, without its thread."""

    def __init__(self, *, wires: FakeWires | None = None) -> None:
        self.clock = SimClock(start=1000.0)
        self.wires = wires or FakeWires(self.clock, seed="line")
        self.written: list[bytes] = []  # each question, as it went out
        self._port: Any = None

    def add(self, name: str, part: str, slave: int, **settings: Any) -> Any:
        """A slave on the line; its twin."""
        made = find_part(part).settings(id=name, part=part, bus=LINE, slave=slave, **settings)
        return self.wires.mount(find_twin(part), made)

    @property
    def bus(self) -> Rs485:
        bus = self.wires.twins[LINE]
        assert isinstance(bus, Rs485)
        return bus

    def open(self, name: str, *, baud: int = 9600) -> Driver:
        """The driver of that slave, opened."""
        driver = self.build(name, baud=baud)
        driver.open()
        return driver

    def build(self, name: str, *, baud: int = 9600) -> Driver:
        if self._port is None:
            self._port = self.wires.serial(LINE, baud, self.pause)
            send = self._port.write
            self._port.write = lambda data: self.written.append(bytes(data)) or send(data)
        settings = self.wires.twins[name].settings
        mount = Mount(now=self.clock.monotonic, pause=self.pause, wake=lambda: None, serial=self._port)
        driver: Driver = find_part(settings.part).driver(settings, mount)
        return driver

    def pause(self, seconds: float) -> None:
        self.wires.pump()
        self.clock.advance(seconds)

    def hang_up(self) -> None:
        """As the worker does when a driver says that the port is gone."""
        if self._port is not None:
            self._port.close()
            self._port = None

    def close(self) -> None:
        self.hang_up()
        self.wires.close()


def fault_of(driver: Driver) -> DeviceFault | None:
    """What its next poll finds wrong."""
    try:
        list(driver.poll())
    except DeviceFault as fault:
        return fault
    return None


def values(readings: Any) -> list[tuple[str, Any]]:
    return [(reading.quantity, reading.value) for reading in readings if isinstance(reading, Reading)]
