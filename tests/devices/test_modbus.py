"""A Modbus line: what stands on the wire, what becomes of each way in which it fails, and one line with eight parts."""

import gc
import statistics
import termios
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
import serial
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices import modbus
from devices.faults import DeviceFault
from devices.modbus import Slave
from devices.part import ModbusSettings, Mount, find_part, find_twin
from devices.reading import Reading
from devices.world.lockstep import SimClock
from devices.world.modbus import ModbusTwin, Refusal, crc16, with_crc
from devices.world.twin import Trouble
from devices.world.wires import FakeWires
from edge.hall.flow import Health
from edge.inbox import Inbox
from edge.sampler import Sampler
from tests.devices.modbus_rig import LINE, Line

SOON_S = 60.0


class Registers(ModbusTwin):
    """Sixteen holding registers; says what the test says if it says anything."""

    def __init__(self, settings: Any, stage: Any) -> None:
        super().__init__(settings, stage)
        self.words = list(range(400, 416))
        self.says: list[tuple[float, bytes]] | None = None

    def registers(self, function: int, address: int, count: int) -> list[int]:
        if function != 3 or address + count > len(self.words):
            raise Refusal(2)
        return self.words[address : address + count]

    def write(self, address: int, value: int) -> None:
        if address >= len(self.words):
            raise Refusal(2)
        self.words[address] = value

    def answers(self, question: bytes) -> list[tuple[float, bytes]]:
        if self.says is not None and question[0] == self.slave:
            return self.says
        return super().answers(question)


class Bench(Line):
    """The line with bare slaves on it."""

    def __init__(self) -> None:
        super().__init__()
        self._set: dict[int, ModbusSettings] = {}

    def twin(self, slave: int, **more: Any) -> Registers:
        self._set[slave] = ModbusSettings(id=f"at-{slave}", part="bare", bus=LINE, slave=slave, **more)
        twin = self.wires.mount(Registers, self._set[slave])
        assert isinstance(twin, Registers)
        return twin

    def slave(self, slave: int, **more: Any) -> Slave:
        if self._port is None:
            self._port = self.wires.serial(LINE, more.get("baud", 9600), self.pause)
        mount = Mount(now=self.clock.monotonic, pause=self.pause, wake=lambda: None, serial=self._port)
        return Slave(self._set[slave], mount)

    @property
    def port(self) -> serial.Serial:
        port: serial.Serial = self._port
        return port


@pytest.fixture
def line() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def fault_of(slave: Slave, address: int = 5) -> DeviceFault:
    with pytest.raises(DeviceFault) as caught:
        slave.read(address, 1)
    return caught.value


def outcome(slave: Slave) -> Any:
    """What register 5 says, or what is wrong in words."""
    try:
        return slave.read(5, 1)[0]
    except DeviceFault as fault:
        return fault.text["en"]


@pytest.mark.parametrize(
    ("frame", "source"),
    [
        ("010300050001940b", "aiav, question"),
        ("0103020190b9b8", "400 ppm"),
        ("01030201c3f985", "aiav's example with the CRC it should have"),
        ("010300300002c404", "Ebyte E851-RTU manual, question"),
        ("01030400100003bbf7", "its answer"),
        ("6103002800064c60", "SCD30 interface description, read measurement"),
        ("fe0400000004e5c6", "Senseair S8"),
        ("fe0408000000000000019016e6", "its answer"),
        ("018302c0f1", "illegal data address"),
    ],
)
def test_published_frames_have_the_crc_of_the_twin(frame: str, source: str) -> None:
    assert crc16(bytes.fromhex(frame)) == 0
    assert with_crc(bytes.fromhex(frame)[:-2]).hex() == frame


def test_the_published_answer_of_aiav_is_wrong() -> None:
    assert crc16(bytes.fromhex("01030201c37835")) != 0


def test_what_is_asked_and_answered(line: Bench) -> None:
    twin = line.twin(1)
    slave = line.slave(1)
    asked: list[bytes] = []
    answers = twin.answers
    twin.answers = lambda question: asked.append(question) or answers(question)  # type: ignore[func-returns-value]
    twin.words[5] = 400
    assert slave.read(5, 1) == [400]
    slave.write(7, 1234)
    assert slave.read(6, 2) == [406, 1234]
    assert asked[0].hex() == "010300050001940b"
    assert asked[1][:2].hex() == "0106"


def test_a_refusal_is_named_and_not_waited_for(line: Bench) -> None:
    line.twin(3)
    slave = line.slave(3)
    began = line.clock.monotonic()
    fault = fault_of(slave, 99)
    assert (fault.code, fault.lost) == ("error-flag", False)
    assert "slave 3: illegal data address" in fault.text["en"]
    assert line.clock.monotonic() - began < 0.06
    with pytest.raises(DeviceFault, match="slave 3: illegal"):
        slave.read(0, 1, function=4)
    with pytest.raises(DeviceFault, match="illegal data address"):
        slave.write(99, 1)


def test_every_flipped_bit_is_refused(line: Bench) -> None:
    twin = line.twin(1)
    slave = line.slave(1)
    good = bytes.fromhex("0103020190b9b8")
    for bit in range(len(good) * 8):
        flipped = bytes(byte ^ (1 << bit % 8 if place == bit // 8 else 0) for place, byte in enumerate(good))
        twin.says = [(0.02, flipped)]
        assert fault_of(slave).code == "garbled"
        twin.says = [(0.02, good)]
        assert slave.read(5, 1) == [400]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=st.binary(min_size=1, max_size=12), split=st.integers(1, 6), late_s=st.floats(0.0, 0.04))
def test_garbage_costs_one_answer_and_a_split_none(line: Bench, garbage: bytes, split: int, late_s: float) -> None:
    """A frame has no mark to find it by; it is the silence between questions that begins anew."""
    twin = line.twin(1) if LINE not in line.wires.twins else line.bus.slaves[0]
    assert isinstance(twin, Registers)
    slave = line.slave(1)
    good = bytes.fromhex("0103020190b9b8")
    twin.says = [(0.02, good[:split]), (0.02 + split * 10 / 9600 + late_s, good[split:])]
    assert slave.read(5, 1) == [400]
    twin.says = [(0.02, garbage + good)]
    assert fault_of(slave).code == "garbled"
    line.pause(0.1)
    twin.says = [(0.02, good)]
    assert slave.read(5, 1) == [400]


def test_half_an_answer_is_garbled(line: Bench) -> None:
    twin = line.twin(1)
    slave = line.slave(1)
    for length in range(1, 7):
        twin.says = [(0.02, bytes.fromhex("0103020190b9b8")[:length])]
        assert fault_of(slave).code == "garbled"


def test_an_answer_of_somebody_else_is_refused(line: Bench) -> None:
    line.twin(1).says = [(0.02, with_crc(bytes.fromhex("0203020190")))]
    assert fault_of(line.slave(1)).code == "garbled"


def test_a_late_answer_is_not_taken_for_the_next(line: Bench) -> None:
    twin = line.twin(1)
    slave = line.slave(1)
    twin.says = [(0.5, bytes.fromhex("0103020190b9b8"))]
    assert fault_of(slave).code == "no-answer"
    line.pause(1.0)
    twin.says = None
    twin.words[5] = 401
    assert slave.read(5, 1) == [401]
    assert slave.read(5, 1) == [401]  # and it is nobody's second answer


def test_between_two_frames_there_are_three_and_a_half_characters(line: Bench) -> None:
    line.twin(1)
    line.twin(2)
    one, two = line.slave(1), line.slave(2)
    for _ in range(20):
        assert one.read(5, 1) == two.read(5, 1) == [405]  # the line is deaf to who does not wait
    heard: list[float] = []
    answers = line.bus.slaves[0].answers
    line.bus.slaves[0].answers = lambda question: heard.append(0.0) or answers(question)  # type: ignore[func-returns-value]
    question = bytes.fromhex("010300050001940b")
    line.pause(1.0)
    line.bus.received(question)
    line.clock.advance(8 * 10 / 9600 + 0.001)
    line.bus.received(question)
    assert len(heard) == 1


def test_a_dead_slave_takes_its_timeout_and_no_more(line: Bench) -> None:
    line.twin(1)
    line.twin(2, timeout_s=0.3)
    line.wires.suffer("at-2", Trouble.UNPLUGGED)
    well, dead = line.slave(1), line.slave(2)
    assert well.read(5, 1) == [405]
    began = line.clock.monotonic()
    fault = fault_of(dead)
    assert fault.code == "no-answer"
    assert "slave 2" in fault.text["zh"]
    assert "swapped" not in fault.text["en"]  # others answer
    assert 0.3 <= line.clock.monotonic() - began < 0.33
    line.wires.recover("at-2")
    assert dead.read(5, 1) == [405]


@pytest.mark.parametrize("how", ["swapped", "baud"])
def test_when_nobody_answers_it_is_the_line(line: Bench, how: str) -> None:
    for slave in (1, 2):
        line.twin(slave)
    if how == "swapped":
        line.bus.swapped = True
    else:
        line.bus.baud = 4800  # all devices are set so, and the hall file says 9600
    for slave in (1, 2):
        fault = fault_of(line.slave(slave))
        assert fault.code == "no-answer"
        assert "A and B swapped? baud rate?" in fault.text["en"]
        assert "A/B接反" in fault.text["zh"]
    line.bus.swapped, line.bus.baud = False, 9600
    assert line.slave(1).read(5, 1) == [405]
    line.bus.swapped = True
    assert "swapped" not in fault_of(line.slave(2)).text["en"]  # it has worked


def test_one_slave_at_another_baud_rate_is_silent(line: Bench) -> None:
    line.twin(1)
    line.twin(2).baud = 19200
    assert line.slave(1).read(5, 1) == [405]
    assert fault_of(line.slave(2)).code == "no-answer"


def test_an_adapter_that_echoes(line: Bench) -> None:
    line.twin(1, echo=True)
    assert line.bus.echo
    slave = line.slave(1)
    assert slave.read(5, 2) == [405, 406]
    slave.write(5, 9)
    assert slave.read(5, 1) == [9]
    line.wires.suffer("at-1", Trouble.SILENT)
    assert fault_of(slave).code == "no-answer"
    line.wires.recover("at-1")
    line.bus.echo = False
    fault = fault_of(slave)
    assert fault.code == "garbled"
    assert "does not echo" in fault.text["en"]
    line.wires.suffer("at-1", Trouble.SILENT)
    line.pause(1.0)
    assert fault_of(slave).code == "no-answer"


def test_an_echo_that_nobody_spoke_of_is_named(line: Bench) -> None:
    line.twin(1)
    line.bus.echo = True
    slave = line.slave(1)
    for trouble in (None, Trouble.SILENT):
        line.bus.slaves[0].trouble = trouble
        fault = fault_of(slave)
        assert fault.code == "garbled"
        assert "set echo: true" in fault.text["en"]
        line.pause(1.0)


@pytest.mark.parametrize("stranger_s", [0.02, 0.0225, 0.026, 0.0281, 0.05, 0.12])
def test_two_devices_at_one_address_are_named(line: Bench, stranger_s: float) -> None:
    """Told of the third in a row at the latest, which is the one that is shown; nobody else is blamed."""
    twins = [line.twin(slave) for slave in (1, 2, 3)]
    slaves = [line.slave(slave) for slave in (1, 2, 3)]
    for slave in slaves:
        assert slave.read(5, 1) == [405]
    twins[1].stranger_s = stranger_s
    said = []
    for _ in range(8):
        for slave in slaves:
            line.pause(0.3)
            found = outcome(slave)
            if found != 405:
                assert slave is slaves[1]
                said.append(found)
    assert all(text.startswith("data arrives garbled") for text in said)
    assert all("two devices seem to answer at address 2" in text for text in said[2:])
    assert len(said) >= 7
    twins[1].stranger_s = None
    line.pause(1.0)
    if stranger_s > 0.0275:  # the last one's second answer was still to come
        fault_of(slaves[1])
    assert slaves[1].read(5, 1) == [405]


def test_when_all_are_garbled_nobody_is_a_double(line: Bench) -> None:
    slaves = []
    for slave in (1, 2):
        line.twin(slave)
        slaves.append(line.slave(slave))
        line.wires.suffer(f"at-{slave}", Trouble.GARBLED)
    for _ in range(5):
        for one in slaves:
            fault = fault_of(one)
            assert fault.code == "garbled"
            assert "two devices" not in fault.text["en"]


def test_a_slave_can_be_garbled_busy_stuck_and_silent(line: Bench) -> None:
    twin = line.twin(1)
    line.twin(2)
    slave, other = line.slave(1), line.slave(2)
    codes = {}
    for trouble in (Trouble.GARBLED, Trouble.SILENT, Trouble.UNPLUGGED):
        line.wires.suffer("at-1", trouble)
        codes[trouble] = fault_of(slave).code
        assert other.read(5, 1) == [405]
        line.wires.recover("at-1")
        assert slave.read(5, 1) == [405]
    assert list(codes.values()) == ["garbled", "no-answer", "no-answer"]
    line.wires.suffer("at-1", Trouble.STUCK)
    twin.words[5] = 7
    assert slave.read(5, 1) == [405]
    line.wires.recover("at-1")
    assert slave.read(5, 1) == [7]
    line.wires.suffer("at-1", Trouble.BUSY)
    outcomes = [outcome(slave) for _ in range(4)]
    assert outcomes.count(7) == 2
    assert sum("device busy" in str(found) for found in outcomes) == 2


def test_the_adapter_is_pulled_out_and_put_back(line: Bench) -> None:
    line.twin(1)
    slave = line.slave(1)
    assert slave.read(5, 1) == [405]
    line.wires.suffer(LINE, Trouble.UNPLUGGED)
    fault = fault_of(slave)
    assert (fault.code, fault.lost) == ("unplugged", True)
    with pytest.raises(DeviceFault, match="port is gone"):
        line.slave(1)
    line.hang_up()
    with pytest.raises(DeviceFault, match="port is gone"):
        line.slave(1)
    line.wires.recover(LINE)
    assert line.slave(1).read(5, 1) == [405]


def test_it_is_pulled_out_while_an_answer_is_waited_for(line: Bench) -> None:
    line.twin(1)
    slave = line.slave(1)
    line.clock.agenda.at(line.clock.monotonic() + 0.015, lambda: line.wires.suffer(LINE, Trouble.UNPLUGGED))
    fault = fault_of(slave)
    assert (fault.code, fault.lost) == ("unplugged", True)


def test_the_line_is_set_as_the_hall_file_says(line: Bench) -> None:
    line.twin(1, parity="even", stop_bits=2)
    line.slave(1)
    assert (line.port.parity, line.port.stopbits) == (serial.PARITY_EVEN, serial.STOPBITS_TWO)


def test_an_adapter_that_cannot_do_parity_says_so(line: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    line.twin(1)
    line.slave(1)
    line.twin(2, parity="odd")

    def refuse(port: Any, value: str) -> None:
        raise termios.error(22, "Invalid argument")

    monkeypatch.setattr(type(line.port), "parity", property(lambda port: "N", refuse))
    with pytest.raises(DeviceFault, match="parity odd, 1 stop") as caught:
        line.slave(2)
    assert (caught.value.code, caught.value.lost) == ("error-flag", True)


def test_a_port_that_is_gone_is_forgotten(line: Bench) -> None:
    line.twin(1)
    slave = line.slave(1)
    slave.kept["x"] = 1
    port = weakref.ref(line.port)
    assert line.port in modbus._lines
    line.hang_up()
    line.bus.stage.line.port = None  # type: ignore[attr-defined]
    del slave
    gc.collect()
    assert port() is None
    assert line.slave(1).kept == {}


@pytest.mark.parametrize(
    "changed",
    [
        {"slave": 0},
        {"slave": 248},
        {"bus": "ttyUSB2"},
        {"baud": 9601},
        {"parity": "mark"},
        {"stop_bits": 3},
        {"timeout_s": 0.01},
        {"timeout_s": 3.0},
    ],
)
def test_wrong_settings_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changed))):
        ModbusSettings(**{"id": "it", "part": "bare", "bus": LINE, "slave": 7} | changed)


def test_what_it_takes_of_the_hall() -> None:
    settings = ModbusSettings(id="it", part="bare", bus=LINE, slave=7)
    assert (settings.bus_name, settings.claims()) == (LINE, ["/dev/ttyUSB2 slave 7"])


# --- eight parts on one line, with the worker that serves them -----------------------------------------------------


class Hall:
    """Five transmitters and three counters on one line, and the real worker in simulated time."""

    AIR_S, DOOR_S = 5.0, 2.0

    def __init__(self) -> None:
        self.clock = SimClock(start=0.0)
        self.wires = FakeWires(self.clock, seed="eight")
        rows = [("modbus-air", "elt"), ("modbus-air", "aiav"), ("modbus-air", "adtek")]
        self.settings: list[Any] = [
            find_part(part).settings(id=f"air-{slave}", part=part, bus=LINE, slave=slave, map=name)
            for slave, (part, name) in enumerate([*rows, *rows[:2]], 1)
        ]
        counter = find_part("modbus-counter")
        self.settings += [
            counter.settings(id=f"door-{slave}", part="modbus-counter", bus=LINE, slave=slave, interval_s=self.DOOR_S)
            for slave in (6, 7, 8)
        ]
        for each in self.settings:
            self.wires.mount(find_twin(each.part), each)
        self.bell = self.clock.bell("test")
        self.inbox = Inbox(self.clock.bell("inbox"))
        self.inbox._bell.close()  # type: ignore[attr-defined]  # nobody sleeps there
        self.sampler = Sampler(self.settings, self.wires, self.clock, self.inbox)
        self.conductor = threading.Thread(target=self.clock.conduct, daemon=True)
        self.readings: list[Reading] = []
        self.health: list[Health] = []

    def start(self) -> None:
        self.sampler.start()
        self.conductor.start()

    def until(self, instant: float) -> None:
        self.bell.wait(instant)
        for item in self.inbox.take():
            (self.readings if isinstance(item, Reading) else self.health).append(item)  # type: ignore[attr-defined]

    def gaps(self, device: str, begin: float = 0.0) -> list[float]:
        """By how much each poll's readings came later than its interval after those before."""
        interval_s = self.AIR_S if device.startswith("air") else self.DOOR_S
        times = sorted({reading.at for reading in self.readings if reading.device == device and reading.at >= begin})
        by_poll = [at for at, before in zip(times[1:], times, strict=False) if at - before > 0.5]
        return [at - before - interval_s for at, before in zip(by_poll[1:], by_poll, strict=False)]

    def close(self) -> None:
        for worker in self.sampler.workers:
            worker.stop()
        self.bell.close()
        self.sampler.workers[0].thread.join(SOON_S)
        self.clock.stop()
        self.conductor.join(SOON_S)
        self.wires.close()
        assert not self.sampler.workers[0].thread.is_alive()


@pytest.fixture
def hall() -> Iterator[Hall]:
    made = Hall()
    yield made
    made.close()


def test_one_worker_serves_the_line(hall: Hall) -> None:
    assert len(hall.sampler.workers) == 1
    hall.start()
    hall.until(20.0)
    assert {health.device for health in hall.health if health.health == "ok"} == {each.id for each in hall.settings}


def test_two_dead_parts_of_eight_do_not_hold_up_the_others(hall: Hall) -> None:
    dead = {"air-2", "door-7"}
    for device in dead:
        hall.wires.suffer(device, Trouble.UNPLUGGED)
    hall.start()
    hall.until(900.0)
    assert {health.device for health in hall.health if health.health == "failed"} == dead
    lateness = [gap for each in hall.settings if each.id not in dead for gap in hall.gaps(each.id)]
    assert len(lateness) > 1500
    p50, p99 = statistics.quantiles(lateness, n=100)[49], statistics.quantiles(lateness, n=100)[98]
    # 0.04, 0.18 and 0.28 simulated seconds: the second dead one's timeout is the most that one can meet besides the queue.
    assert p50 < 0.05
    assert p99 < 0.25
    assert max(lateness) < 0.5
    for device in dead:
        hall.wires.recover(device)
    hall.until(925.0)
    assert {health.device for health in hall.health[-2:] if health.health == "ok"} == dead


def test_the_adapter_is_pulled_out_of_a_hall_and_put_back(hall: Hall) -> None:
    hall.start()
    hall.until(30.0)
    hall.health.clear()
    hall.wires.suffer(LINE, Trouble.UNPLUGGED)
    hall.until(60.0)
    assert {(health.device, health.code) for health in hall.health} == {(e.id, "unplugged") for e in hall.settings}
    hall.health.clear()
    hall.wires.recover(LINE)
    hall.until(90.0)
    assert {(health.device, health.health) for health in hall.health} == {(each.id, "ok") for each in hall.settings}


def test_a_double_in_a_hall_is_told_by_name_and_fails_nobody_else(hall: Hall) -> None:
    hall.wires.twins["air-2"].stranger_s = 0.0225  # type: ignore[attr-defined]
    hall.start()
    hall.until(60.0)
    failed = [health for health in hall.health if health.health != "ok"]
    assert [(health.device, health.code) for health in failed] == [("air-2", "garbled")]
    assert failed[0].text is not None
    assert "two devices seem to answer at address 2" in failed[0].text["en"]
    assert "地址 2 疑有两台设备" in failed[0].text["zh"]


def test_a_wrong_baud_rate_fails_all_and_says_so(hall: Hall) -> None:
    hall.wires.twins[LINE].baud = 4800
    hall.start()
    hall.until(60.0)
    assert {(health.device, health.code) for health in hall.health} == {(e.id, "no-answer") for e in hall.settings}
    assert all(health.text is not None and "baud rate?" in health.text["en"] for health in hall.health)
    assert not hall.readings
    hall.wires.twins[LINE].baud = 9600
    hall.until(90.0)
    assert {health.device for health in hall.health if health.health == "ok"} == {each.id for each in hall.settings}
