"""Another maker's queue machine on its serial line: frames, what the hall file says of them, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.faults import DeviceFault
from devices.reading import Reading
from devices.serialport import Deframer
from devices.tickets.queue_serial import Settings, cut_frame, number_of
from devices.tickets.queue_serial_twin import frame
from devices.tickets.ticketing import Service
from devices.world.twin import Trouble

BUS = "/dev/ttyUSB0"
SERVICES = {"A": Service(zh="保全", en="policy service"), "B": Service(zh="理赔", en="claims")}
COMMANDS = {"0x31": "issued", "0x32": "called", "0x33": "served"}
CALLED = bytes.fromhex("ff680606680332413031320916")  # counter 3 calls A012; sum computed by hand


def machine(rig, **changed):
    return rig("queue-serial", bus=BUS, services=SERVICES, **{"commands": COMMANDS, **changed})


def told(readings: list[Reading]) -> list[object]:
    assert {reading.quantity for reading in readings} <= {"ticket"}
    return [reading.value for reading in readings]


def hear(it, data: bytes) -> list[object]:
    it.twin.stage.line.send(data)
    return told(it.poll(0.5, every=0.02))


def test_a_worked_example(rig) -> None:
    assert sum(CALLED[5:-2]) & 0xFF == CALLED[-2] == 0x09
    assert frame(3, 0x32, b"A012") == CALLED
    assert hear(machine(rig), CALLED) == ["called A012 A 3"]


def test_what_customers_and_clerks_do(rig) -> None:
    it = machine(rig)
    numbers: list[str] = []
    it.twin.on_ticket = numbers.append
    for step in (lambda: it.twin.press("B"), lambda: it.twin.press("A"), lambda: it.twin.call(3)):
        step()
        it.clock.advance(0.1)
    it.clock.advance(2.0)
    it.twin.call(3)
    it.twin.load_paper(100)
    assert numbers == ["B001", "A001"]
    assert told(it.poll(1.0, every=0.02)) == [
        "issued B001 B -",
        "issued A001 A -",
        "called B001 B 3",
        "served B001 B 3",
        "called A001 A 3",
    ]


@pytest.mark.parametrize(
    ("settings", "sent", "value"),
    [
        ({"number_as": "bcd"}, frame(3, 0x32, b"\x01\x23"), "called 0123 - 3"),
        ({"number_as": "binary"}, frame(3, 0x32, b"\x01\x00"), "called 256 - 3"),
        ({"number_at": 1, "number_bytes": 4}, frame(3, 0x32, b"\x07B017xx"), "called B017 B 3"),
        ({"check": "xor8"}, frame(3, 0x32, b"A012", "xor8"), "called A012 A 3"),
        ({"counters": {"0x11": 5}}, frame(0x11, 0x32, b"A012"), "called A012 A 5"),
        ({}, frame(200, 0x32, b"A012"), "called A012 A -"),
        ({}, frame(3, 0x32, b""), "called - - 3"),
        ({}, frame(3, 0x32, b"\0\0"), "called - - 3"),
        ({}, frame(3, 0x32, b"Z9"), "called Z9 - 3"),
        ({}, frame(3, 0x33, b"13800138000-13800138000"), "served - - 3"),
        ({"number_as": "bcd"}, frame(3, 0x32, b"\xff\xff"), "called - - 3"),
    ],
)
def test_the_hall_file_says_where_things_stand(rig, settings: dict, sent: bytes, value: str) -> None:
    assert hear(machine(rig, **settings), sent) == [value]


@pytest.mark.parametrize("kind", ["ascii", "bcd", "binary"])
def test_the_twin_speaks_as_the_hall_file_says(rig, kind: str) -> None:
    it = machine(rig, number_as=kind, number_at=2, counters={"0x21": 7})
    it.twin.press("A")
    it.poll(0.2, every=0.02)
    it.twin.call(7)
    (call,) = told(it.poll(0.5, every=0.02))
    assert call.endswith(" 7")
    assert number_of(b"\0\0", "binary") == ""


def test_other_commands_are_none_of_our_business(rig) -> None:
    it = machine(rig, commands={"0x32": "called"})
    it.twin.say(0x99, b"hello")
    it.twin.press("A")
    assert told(it.poll(1.0, every=0.02)) == []
    it.twin.say(0x32)  # neither a ticket nor a counter: address 0
    assert told(it.poll(1.0, every=0.02)) == []


def test_a_frame_that_is_repeated_is_told_once(rig) -> None:
    it = machine(rig)
    it.twin.repeats = 3
    it.twin.press("A")
    assert told(it.poll(1.0, every=0.02)) == ["issued A001 A -"]
    it.clock.advance(2.0)
    it.twin.stage.line.send(CALLED)
    it.poll(0.5, every=0.02)
    it.clock.advance(2.0)
    assert hear(it, CALLED) == ["called A012 A 3"]  # called again


def test_a_frame_may_be_split_anywhere(rig) -> None:
    it = machine(rig)
    for split in range(1, len(CALLED)):
        assert hear(it, b"") == []
        it.clock.advance(2.0)
        it.twin.stage.line.send(CALLED[:split])
        assert told(it.poll(0.1, every=0.02)) == []
        assert hear(it, CALLED[split:]) == ["called A012 A 3"]


@given(
    garbage=st.binary(max_size=30).filter(lambda noise: b"\xff" not in noise),
    parts=st.lists(st.integers(1, 12), max_size=8),
)
def test_a_frame_is_found_behind_any_garbage_in_any_pieces(garbage: bytes, parts: list[int]) -> None:
    frames = Deframer(cut_frame)
    stream, found = garbage + CALLED, []
    for size in parts:
        found += frames.feed(stream[:size])
        stream = stream[size:]
    (last,) = found + frames.feed(stream)
    assert last.is_right("sum8")
    assert last.body == CALLED[5:-2]


@pytest.mark.parametrize("length", range(1, len(CALLED)))
def test_a_frame_that_broke_off_hides_none(rig, length: int) -> None:
    assert hear(machine(rig), CALLED[:length] + CALLED) == ["called A012 A 3"]


def test_a_false_beginning_holds_a_frame_up_only_until_the_line_is_quiet(rig) -> None:
    it = machine(rig)
    it.twin.stage.line.send(bytes.fromhex("ff68fafa68") + CALLED)
    assert told(it.poll(0.2, every=0.02)) == []
    assert told(it.poll(0.4, every=0.02)) == ["called A012 A 3"]


@given(st.binary(max_size=600))
def test_no_bytes_can_stop_it(data: bytes) -> None:
    frames = Deframer(cut_frame)
    frames.feed(data)
    frames.feed(bytes(600))
    assert frames.feed(CALLED)[-1].body == CALLED[5:-2]


def test_every_flipped_bit_is_refused(rig) -> None:
    it = machine(rig)
    for bit in range(len(CALLED) * 8):
        flipped = bytearray(CALLED)
        flipped[bit // 8] ^= 1 << bit % 8
        assert hear(it, bytes(flipped)) == []
        it.clock.advance(20)


@pytest.mark.parametrize("trouble", ["baud", Trouble.GARBLED])
def test_a_line_that_does_not_work_is_told(rig, trouble: object) -> None:
    it = machine(rig)
    if trouble == "baud":
        it.twin.baud = 19200
    else:
        it.wires.suffer("it", Trouble.GARBLED)
    faults = []
    for _ in range(30):
        it.twin.press("A")
        try:
            assert told(it.poll(0.5, every=0.02)) == []
        except DeviceFault as fault:
            faults.append(fault.code)
    assert set(faults) == {"garbled"}


def test_silent_is_no_fault_stuck_says_one_thing_again(rig) -> None:
    it = machine(rig)
    it.wires.suffer("it", Trouble.SILENT)
    it.twin.press("A")
    assert told(it.poll(100.0)) == []
    it.wires.recover("it")
    it.wires.suffer("it", Trouble.STUCK)
    for _ in range(2):
        it.twin.press("B")
        assert told(it.poll(2.0, every=0.05)) == ["issued A001 A -"]


def test_unplugged_and_plugged_in_again(rig) -> None:
    it = machine(rig)
    it.wires.suffer("it", Trouble.UNPLUGGED)
    gone = it.fault()
    assert (gone.code, gone.lost) == ("unplugged", True)
    it.driver.close()
    it.wires.recover("it")
    it.driver = it.build()
    it.driver.open()
    assert hear(it, CALLED) == ["called A012 A 3"]


def test_what_was_said_before_we_came_is_old(rig) -> None:
    it = machine(rig)
    it.twin.stage.line.send(CALLED[:8])
    it.poll(0.1, every=0.02)
    it.driver.open()
    assert hear(it, CALLED[8:]) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("commands", {}),
        ("commands", {"0x132": "called"}),
        ("commands", {"50": "called"}),
        ("commands", {"0x3A": "called", "0x3a": "issued"}),
        ("commands", {"0x32": "no-show"}),
        ("services", {}),
        ("services", {"a": Service(zh="保全", en="x")}),
        ("counters", {"0x03": 100}),
        ("counters", {"-1": 3}),
        ("baud", 1),
        ("check", "crc16"),
        ("number_as", "hex"),
        ("number_bytes", 13),
    ],
)
def test_wrong_settings_are_refused(name: str, value: object) -> None:
    good = {"id": "it", "part": "queue-serial", "bus": BUS, "services": SERVICES, "commands": COMMANDS}
    Settings(**good)
    with pytest.raises(ValueError):
        Settings(**{**good, name: value})
