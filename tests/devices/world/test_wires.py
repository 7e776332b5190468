"""The far end of the buses: bytes that keep simulated time, and troubles that keep to their device."""

import errno
import threading
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import attrs
import pytest
import serial
from smbus2 import i2c_msg

from devices.clock import Clock
from devices.faults import DeviceFault
from devices.serialport import receive, send
from devices.world.lockstep import SimBell, SimClock
from devices.world.twin import I2CTwin, Stage, Trouble, Twin
from devices.world.wires import FakeWires

SOON_S = 20.0


@attrs.frozen
class Entry:
    id: str
    bus_name: str
    address: int = 0


class Echo(Twin):
    """Answers each byte with itself and the one after it, half a second later."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.heard: list[tuple[float, bytes]] = []

    def received(self, data: bytes) -> None:
        self.heard.append((self.stage.now(), data))
        answer = b"".join(bytes([byte, (byte + 1) % 256]) for byte in data)
        self.stage.at(self.stage.now() + 0.5, lambda: self.stage.line.send(answer))


class Word(I2CTwin):
    """Always says the same."""

    def write(self, data: bytes) -> None:
        pass

    def read(self, length: int) -> bytes:
        return bytes(length)


class Line:
    """A clock, wires and one talking twin, driven by hand."""

    def __init__(self) -> None:
        self.clock = SimClock(start=100.0)
        self.wires = FakeWires(self.clock, seed=3)
        twin = self.wires.mount(Echo, Entry("echo", "/dev/ttyUSB0"))
        assert isinstance(twin, Echo)
        self.twin = twin

    def open(self, baud: int = 9600) -> serial.Serial:
        return self.wires.serial("/dev/ttyUSB0", baud)

    def after(self, seconds: float) -> None:
        self.wires.pump()
        self.clock.advance(seconds)


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.wires.close()


def test_an_answer_takes_the_time_that_its_baud_rate_makes_it(line: Line) -> None:
    port = line.open()
    send(port, b"A")
    line.after(0.5)
    assert line.twin.heard == [(100.0, b"A")]
    line.after(2 * 10 / 9600 - 1e-6)
    assert len(receive(port)) < 2
    line.after(1e-6)
    assert port.in_waiting in (1, 2)
    port.close()


def test_what_is_sent_arrives_whole_in_order(line: Line) -> None:
    port = line.open()
    got = b""
    for byte in range(200):
        send(port, bytes([byte]))
        line.after(1.0)
        got += receive(port)
    assert got == b"".join(bytes([byte, byte + 1]) for byte in range(200))
    port.close()


def test_a_wrong_baud_rate_is_heard_wrongly_on_both_ends(line: Line) -> None:
    port = line.open(115200)
    send(port, b"A")
    line.after(1.0)
    assert line.twin.heard[0][1] != b"A"
    assert receive(port) != b"AB"
    port.close()


def test_a_line_that_nobody_has_open_keeps_nothing(line: Line) -> None:
    port = line.open()
    port.close()
    line.twin.stage.line.send(b"lost" * 3000)
    line.after(60.0)
    port = line.open()
    line.twin.stage.line.send(b"kept")
    line.after(1.0)
    assert receive(port) == b"kept"
    port.close()


def test_a_reader_that_does_not_keep_up_loses_bytes_but_no_time(line: Line) -> None:
    port = line.open()
    for _ in range(20):
        line.twin.stage.line.send(bytes(1000))
    line.after(60.0)
    assert 4000 < len(receive(port)) <= 20_000
    port.reset_input_buffer()
    line.twin.stage.line.send(b"again")
    line.after(1.0)
    assert receive(port).endswith(b"again")
    port.close()


def test_an_unplugged_port_is_gone_and_comes_back_as_another(line: Line) -> None:
    port = line.open()
    line.wires.suffer("echo", Trouble.UNPLUGGED)
    with pytest.raises(DeviceFault, match="port is gone"):
        receive(port)
    with pytest.raises(DeviceFault, match="port is gone"):
        line.open()
    line.twin.stage.line.send(b"nobody hears this")
    line.after(1.0)
    line.wires.recover("echo")
    other = line.open()
    send(other, b"C")
    line.after(1.0)
    assert receive(other) == b"CD"
    with pytest.raises(DeviceFault, match="port is gone"):
        send(port, b"to the port that was")
    port.close()
    other.close()


def test_there_is_no_line_where_nothing_is_mounted(line: Line) -> None:
    with pytest.raises(DeviceFault, match="port is gone"):
        line.wires.serial("/dev/ttyUSB7", 9600)


@pytest.mark.parametrize(("trouble", "whole"), [(Trouble.SILENT, b""), (Trouble.GARBLED, None)])
def test_troubles_of_a_line(line: Line, trouble: Trouble, whole: bytes | None) -> None:
    port = line.open()
    send(port, b"E")
    line.after(0.0)
    line.wires.suffer("echo", trouble)
    line.after(1.0)
    got = receive(port)
    assert got == whole if whole is not None else (len(got) == 2 and got != b"EF")
    line.wires.recover("echo")
    send(port, b"G")
    line.after(1.0)
    assert receive(port) == b"GH"
    port.close()


def test_each_byte_is_read_before_time_moves_past_it() -> None:
    """A driver's thread asks once a second and hears the answer at the very instant it is due, for an hour."""
    clock = SimClock()
    wires = FakeWires(clock, seed=1)
    wires.mount(Echo, Entry("echo", "/dev/ttyUSB0"))
    heard: list[tuple[float, bytes]] = []
    bell = clock.bell("driver")

    def drive() -> None:
        port = wires.serial("/dev/ttyUSB0", 9600)
        for second in range(600):
            send(port, bytes([second % 255]))
            got = b""
            while len(got) < 2:
                bell.wait(None, [port.fileno()])
                got += receive(port)
            heard.append((clock.monotonic(), got))
            bell.wait(float(second + 1))
        port.close()
        bell.close()

    with_others = [clock.bell(f"other {number}") for number in range(2)]
    threads = [threading.Thread(target=drive, daemon=True)]
    threads += [threading.Thread(target=_tick, args=(clock, other), daemon=True) for other in with_others]
    conductor = threading.Thread(target=clock.conduct, daemon=True)
    for thread in (conductor, *threads):
        thread.start()
    threads[0].join(SOON_S)
    clock.stop()
    for thread in (conductor, *threads):
        thread.join(SOON_S)
        assert not thread.is_alive()
    wires.close()
    expected = [(second + 0.5 + 2 * 10 / 9600, bytes([second % 255, second % 255 + 1])) for second in range(600)]
    assert [got for _, got in heard] == [got for _, got in expected]
    assert [at for at, _ in heard] == pytest.approx([at for at, _ in expected], abs=1e-9)


def _tick(clock: Clock, bell: SimBell) -> None:
    due = 0.0
    while due < 600.0:
        due += 0.3
        bell.wait(due)
    bell.close()


@pytest.fixture
def bus() -> Callable[..., FakeWires]:
    def make(*addresses: int) -> FakeWires:
        wires = FakeWires(SimClock(), seed=1)
        for address in addresses:
            wires.mount(Word, Entry(f"at-{address}", "i2c-1", address))
        return wires

    return make


def _answers(i2c: Any, address: int) -> bool:
    try:
        i2c.i2c_rdwr(i2c_msg.read(address, 3))
    except OSError as error:
        if error.errno != errno.EREMOTEIO:
            raise
        return False
    return True


def test_a_busy_part_refuses_every_other_transfer_whoever_else_is_on_the_bus(bus: Callable[..., FakeWires]) -> None:
    wires = bus(0x5A, 0x62)
    wires.suffer("at-90", Trouble.BUSY)
    i2c = wires.i2c("i2c-1")
    heard = [(_answers(i2c, 0x5A), _answers(i2c, 0x62)) for _ in range(4)]
    assert heard == [(False, True), (True, True), (False, True), (True, True)]


def test_nobody_answers_for_a_part_that_is_not_there(bus: Callable[..., FakeWires]) -> None:
    wires = bus(0x5A)
    i2c = wires.i2c("i2c-1")
    assert not _answers(i2c, 0x62)
    wires.suffer("at-90", Trouble.UNPLUGGED)
    assert not _answers(i2c, 0x5A)
    wires.recover("at-90")
    assert _answers(i2c, 0x5A)
    assert not _answers(wires.i2c("i2c-2"), 0x5A)


def test_a_garbled_word_has_one_bit_wrong(bus: Callable[..., FakeWires]) -> None:
    wires = bus(0x5A)
    wires.suffer("at-90", Trouble.GARBLED)
    message = i2c_msg.read(0x5A, 3)
    wires.i2c("i2c-1").i2c_rdwr(message)
    assert sum(byte.bit_count() for byte in bytes(message)) == 1


def test_the_same_seed_gives_a_twin_the_same_chances() -> None:
    draws = []
    for _ in range(2):
        wires = FakeWires(SimClock(), seed="hall")
        draws.append(wires.mount(Word, Entry("it", "i2c-1", 0x5A)).stage.random.random())
    assert draws == [Random("hall:it").random()] * 2
