"""A rig: one driver and its twin on a wire, and time that the test moves by hand."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from devices.faults import DeviceFault
from devices.part import Driver, Mount, Wire, find_part, find_twin
from devices.reading import Reading
from devices.world.lockstep import SimClock
from devices.world.wires import FakeWires


class Rig:
    """What the sampler does for a device, without its thread."""

    def __init__(self, part: str, **settings: Any) -> None:
        self.part = find_part(part)
        self.clock = SimClock(start=1000.0)
        self.wires = FakeWires(self.clock, seed=part)
        self.settings = self.part.settings(id="it", part=part, **settings)
        self.twin: Any = self.wires.mount(find_twin(part), self.settings)
        self.woken = 0
        self.driver: Driver = self.build()

    def build(self) -> Driver:
        wires = self.part.wires
        bus = self.settings.bus_name
        mount = Mount(
            now=self.clock.monotonic,
            pause=self.clock.advance,
            wake=self._wake,
            i2c=self.wires.i2c(bus) if Wire.I2C in wires else None,
            serial=self.wires.serial(bus, self.part.baud) if Wire.SERIAL in wires else None,
            pins=self.wires.pins() if Wire.PINS in wires else None,
        )
        return self.part.driver(self.settings, mount)

    def _wake(self) -> None:
        self.woken += 1

    def poll(self, seconds: float = 0.0, every: float | None = None) -> list[Reading]:
        """The readings of that long, polling as often as the driver asks; a fault is raised."""
        readings: list[Reading] = []
        end = self.clock.monotonic() + seconds
        while True:
            self.wires.pump()
            try:
                readings += self.driver.poll()
            finally:
                self.wires.pump()
            if self.clock.monotonic() >= end:
                return readings
            self.clock.advance(every or self.driver.interval_s)

    def fault(self, seconds: float = 0.0) -> DeviceFault | None:
        """The first fault within that long, if any."""
        try:
            self.poll(seconds)
        except DeviceFault as fault:
            return fault
        return None

    def close(self) -> None:
        self.driver.close()
        self.wires.close()


@pytest.fixture
def rig() -> Iterator[Callable[..., Rig]]:
    """``rig("mlx90614", address=0x5A)`` gives an opened driver with its twin."""
    rigs: list[Rig] = []

    def make(part: str, *, opened: bool = True, **settings: Any) -> Rig:
        made = Rig(part, **settings)
        rigs.append(made)
        if opened:
            made.driver.open()
        return made

    yield make
    for made in rigs:
        made.close()
