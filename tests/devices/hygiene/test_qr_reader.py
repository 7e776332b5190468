"""QR scanner: where a scan ends, which scans are for us, and one reading for each."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.faults import DeviceFault
from devices.hygiene.qr_reader import Scans, Settings, where_and_who
from devices.reading import Reading
from devices.world.twin import Trouble

BUS = "/dev/ttyACM0"
CODE = "HG1:waiting:王芳"


def shown(readings: list[Reading]) -> list[tuple[str, object]]:
    return [(reading.quantity, reading.value) for reading in readings]


def hear(reader, data: bytes) -> list[tuple[str, object]]:
    """What the driver makes of these bytes, sent at the line's pace."""
    reader.twin.stage.line.send(data)
    return shown(reader.poll(1.0, every=0.01))


@pytest.mark.parametrize("suffix", [b"\r", b"\n", b"\r\n", b""])
@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_a_scan_is_where_and_who(rig, suffix: bytes, encoding: str) -> None:
    reader = rig("qr-reader", bus=BUS)
    reader.twin.suffix, reader.twin.encoding = suffix, encoding
    reader.twin.present(CODE)
    assert shown(reader.poll(1.0, every=0.05)) == [("code", "waiting 王芳")]
    reader.twin.present("HG1:back-door:0042")
    assert shown(reader.poll(1.0, every=0.05)) == [("code", "back-door 0042")]


def test_a_scan_without_an_end_is_over_when_the_line_is_idle(rig) -> None:
    reader = rig("qr-reader", bus=BUS)
    reader.twin.stage.line.send(b"HG1:waiting:0042")
    reader.clock.advance(0.02)
    assert reader.driver.interval_s == 1.0
    assert reader.poll() == []
    assert reader.driver.interval_s == 0.1
    assert shown(reader.poll(0.11, every=0.11)) == [("code", "waiting 0042")]
    assert reader.driver.interval_s == 1.0


@given(parts=st.lists(st.integers(1, 20), max_size=12), suffix=st.sampled_from([b"\r", b"\n", b"\r\n"]))
def test_pieces_that_come_in_time_are_one_scan(parts: list[int], suffix: bytes) -> None:
    scans, stream, found, now = Scans(), CODE.encode() + suffix + b"HG1:vip:7" + suffix, [], 0.0
    for size in parts:
        found += scans.feed(stream[:size], now)
        stream, now = stream[size:], now + 0.09
    found += scans.feed(stream, now) + scans.feed(b"", now + 1)
    assert found == [CODE.encode(), b"HG1:vip:7"]


@given(garbage=st.binary(max_size=700))
def test_what_came_before_the_last_line_end_harms_no_scan(garbage: bytes) -> None:
    scans = Scans()
    scans.feed(garbage + b"\r", 0.0)
    assert scans.feed(CODE.encode() + b"\r", 0.05) == [CODE.encode()]


@given(garbage=st.binary(max_size=700))
def test_nor_what_came_before_the_line_was_idle(garbage: bytes) -> None:
    scans = Scans()
    scans.feed(garbage, 0.0)
    assert scans.feed(CODE.encode() + b"\r", 0.1)[-1] == CODE.encode()


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/pay?id=1",
        "HG1:waiting:https://example.com",
        "http://HG1:waiting:0042",
        "weixin://wxpay/bizpayurl?pr=x",
        "6901234567892",
        "hg1:waiting:0042",
        "HG2:waiting:0042",
        "HG1:waiting",
        "HG1:waiting:",
        "HG1::0042",
        "HG1:Waiting:0042",
        "HG1:-x:0042",
        "HG1:waiting:0042:x",
        "HG1:waiting:00 42",
        " HG1:waiting:0042",
        "HG1:waiting:0042 ",
        "]Q1HG1:waiting:0042",
        "HG1：waiting：0042",
        "HG1:waiting:<b>x</b>",
        "HG1:waiting:-0042",
        "HG1:waiting:004２",
        "HG1:" + "a" * 33 + ":0042",
        "HG1:waiting:" + "a" * 33,
        "HG1:waiting:\u202e0042",
    ],
)
def test_whatever_else_is_held_before_it_is_refused_and_counted(rig, text: str) -> None:
    reader = rig("qr-reader", bus=BUS)
    assert hear(reader, text.encode() + b"\r") == [("refused", 1)]
    assert hear(reader, CODE.encode() + b"\r" + text.encode() + b"\r") == [("code", "waiting 王芳"), ("refused", 2)]


@given(text=st.text(max_size=60))
def test_no_other_text_ever_becomes_a_code(text: str) -> None:
    for encoding in ("utf-8", "gb18030"):
        with suppress(DeviceFault):
            code = where_and_who(text.encode(encoding, "ignore"))
            assert code is None or text.startswith("HG1:")


@pytest.mark.parametrize(
    "data", [b"HG1:waiting:00\x0042", b"HG1:waiting:0042\x1b", b"\x7f", b"\xff\xfe\xff", b"HG1:\x81"]
)
def test_control_characters_and_what_is_no_text_are_garbled(rig, data: bytes) -> None:
    reader = rig("qr-reader", bus=BUS)
    reader.twin.stage.line.send(data + b"\r")
    assert reader.fault(seconds=1).code == "garbled"
    assert hear(reader, b"x\r") == [("refused", 2)]
    reader.twin.stage.line.send(data + b"\r" + CODE.encode() + b"\r")
    reader.clock.advance(0.09)
    assert shown(reader.poll()) == [("code", "waiting 王芳")]  # a good one beside it is the better news


@pytest.mark.parametrize("ending", [b"\r", b""])
def test_a_scan_of_more_than_512_bytes_is_refused_once(rig, ending: bytes) -> None:
    reader = rig("qr-reader", bus=BUS)
    for piece in [b"HG1:waiting:", *[b"a" * 30] * 100, ending]:
        reader.twin.stage.line.send(piece)
    assert shown(reader.poll(4.0, every=0.05)) == [("refused", 1)]
    assert hear(reader, CODE.encode() + b"\r") == [("code", "waiting 王芳")]
    assert Scans().feed(b"a" * 512 + b"\r", 0.0) == [b"a" * 512]
    assert Scans().feed(b"a" * 513 + b"\r", 0.0) == [None]


def test_double_scans_are_one(rig) -> None:
    reader = rig("qr-reader", bus=BUS)
    reader.twin.present(CODE, 10.0)
    assert shown(reader.poll(12.0, every=0.1)) == [("code", "waiting 王芳")]
    reader.twin.scan(CODE)
    assert shown(reader.poll(0.5, every=0.05)) == []
    reader.twin.scan("HG1:vip:王芳")
    assert shown(reader.poll(0.5, every=0.05)) == [("code", "vip 王芳")]
    reader.clock.advance(3.1)
    reader.twin.scan(CODE)
    assert shown(reader.poll(0.5, every=0.05)) == [("code", "waiting 王芳")]


def test_a_scanner_set_to_one_encoding_is_read_in_that(rig) -> None:
    water = "HG1:hall:水水".encode()  # three characters in GBK, and right in both
    assert where_and_who(water) == "hall 水水"
    assert where_and_who(water, ("gbk",)) == "hall " + "水水".encode().decode("gbk")
    reader = rig("qr-reader", bus=BUS, encoding="gbk")
    reader.twin.present(CODE)
    assert shown(reader.poll(1.0, every=0.05)) == [("code", "waiting 王芳")]


def test_a_wrong_baud_rate_reads_nothing(rig) -> None:
    reader = rig("qr-reader", bus=BUS)
    reader.twin.baud = 115200
    codes, faults = [], 0
    for _ in range(20):
        reader.twin.scan(CODE)
        try:
            codes += [value for quantity, value in shown(reader.poll(1.0, every=0.05)) if quantity == "code"]
        except DeviceFault as fault:
            faults += fault.code == "garbled"
            reader.clock.advance(1.0)
    assert codes == []
    assert faults > 10


def test_flipped_bits_never_name_another_grammar(rig) -> None:
    """A scan has no check value: a flipped bit may change a letter of a name, but not make a code of what is none."""
    for bit in range(len(CODE.encode()) * 8):
        flipped = bytearray(CODE.encode())
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            code = where_and_who(bytes(flipped))
        except DeviceFault:
            continue
        assert code is None or flipped.startswith(b"HG1:")


def test_a_silent_scanner_is_no_fault_and_a_stuck_one_tells_its_code_once(rig) -> None:
    reader = rig("qr-reader", bus=BUS)
    reader.wires.suffer("it", Trouble.SILENT)
    reader.twin.present(CODE)
    assert reader.poll(600.0, every=5.0) == []
    reader.wires.recover("it")
    reader.wires.suffer("it", Trouble.STUCK)
    reader.twin.present("HG1:vip:7")
    assert shown(reader.poll(60.0, every=0.5)) == [("code", "vip 7")]


def test_a_garbled_line_is_told_or_refused(rig) -> None:
    reader = rig("qr-reader", bus=BUS)
    reader.wires.suffer("it", Trouble.GARBLED)
    reader.twin.scan(b"\x00\x00\x00")
    with pytest.raises(DeviceFault, match="garbled"):
        reader.poll(1.0, every=0.05)


def test_unplugged_and_plugged_in_again(rig) -> None:
    reader = rig("qr-reader", bus=BUS)
    reader.wires.suffer("it", Trouble.UNPLUGGED)
    gone = reader.fault()
    assert (gone.code, gone.lost) == ("unplugged", True)
    reader.driver.close()
    reader.wires.recover("it")
    reader.driver = reader.build()
    reader.driver.open()
    reader.twin.present(CODE)
    assert shown(reader.poll(1.0, every=0.05)) == [("code", "waiting 王芳")]


def test_what_was_scanned_before_we_came_is_not_scanned_now(rig) -> None:
    reader = rig("qr-reader", bus=BUS, opened=False)
    reader.twin.present(CODE)
    reader.clock.advance(1.0)
    reader.driver.open()
    assert reader.poll(1.0) == []
    reader.twin.stage.line.send(b"HG1:waiting:1")
    reader.poll(0.03, every=0.01)
    reader.driver.open()
    assert hear(reader, b"23\r") == [("refused", 1)]


@pytest.mark.parametrize(
    ("name", "value"), [("baud", 1200), ("encoding", "latin-1"), ("again_s", 0.1), ("bus", "ttyACM0")]
)
def test_wrong_settings_are_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        Settings(**{"id": "it", "part": "qr-reader", "bus": BUS, name: value})
