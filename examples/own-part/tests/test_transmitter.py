"""The driver against its twin, on a real pty, in simulated time."""

import pytest
from acme_co2.transmitter import Settings, Transmitter, cut
from acme_co2.transmitter_twin import TransmitterTwin

from devices.faults import DeviceFault
from devices.part import Mount
from devices.world.lockstep import SimClock
from devices.world.twin import Trouble
from devices.world.wires import FakeWires


@pytest.fixture
def bench():
    clock = SimClock()
    wires = FakeWires(clock, seed=1)
    settings = Settings(id="air", part="acme-co2", bus="/dev/ttyUSB3")
    wires.mount(TransmitterTwin, settings)
    port = wires.serial(settings.bus, 9600)
    yield clock, wires, Transmitter(settings, Mount(now=clock.monotonic, pause=clock.advance, wake=print, serial=port))
    port.close()
    wires.close()


def test_what_the_twin_says_the_driver_reads(bench) -> None:
    clock, _, driver = bench
    clock.advance(1.5)
    assert [reading.value for reading in driver.poll()] == [612.0]


def test_silence_is_a_fault(bench) -> None:
    clock, wires, driver = bench
    wires.suffer("air", Trouble.SILENT)
    clock.advance(6)
    with pytest.raises(DeviceFault, match="no data"):
        driver.poll()


def test_a_flipped_digit_is_refused() -> None:
    good = b"CO2=0612*4C\r"
    assert cut(good[:9] + b"%02X\r" % (sum(good[:8]) & 0xFF)) == (12, 612)
    assert cut(good[:7] + b"3" + good[8:])[1] is None
