"""PN532: frames, who speaks when, what it does by itself after hours, and one reading for each time a card is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.faults import DeviceFault
from devices.hygiene.pn532 import ACK, POLL, RETRIES, SAM, Frame, Settings, cut_frame, frame_of, uid
from devices.reading import Reading
from devices.serialport import Deframer
from devices.world.twin import Trouble

BUS = "/dev/ttyUSB0"
CARD = "FB0EE20B"
LONG = "043318EA703280"
FOUND = bytes.fromhex("0000ff0cf4d54b010100040804fb0ee20bd800")
FRAMES = {  # logged by others, sums recomputed
    "0000ff02fed4022a00": "d402",  # version; esphome/issues#3281
    "0000ff06fad50332010607e800": "d50332010607",  # its answer, firmware 1.6; the same
    "0000ff05fbd4140114010200": "d414011401",  # SAM; the same
    "0000ff04fcd44a0100e100": "d44a0100",  # poll; techniq/node-pn532#9
    "0000ff0cf4d54b010100040804fb0ee20bd800": "d54b010100040804fb0ee20b",  # one card
    "0000ff03fdd54b00e000": "d54b00",  # none; nfc-tools/libnfc#85
    "0000ff01ff7f8100": "7f",  # no command
}


def reader(rig, **changed):
    """A reader that has answered."""
    it = rig("pn532", bus=BUS, **changed)
    assert shown(it.poll(1.0)) == [("ready", True)]
    return it


def shown(readings: list[Reading]) -> list[tuple[str, object]]:
    return [(reading.quantity, reading.value) for reading in readings]


def badges(readings: list[Reading]) -> list[object]:
    return [reading.value for reading in readings if reading.quantity == "badge"]


def faults(it, seconds: float) -> set[str]:
    """The codes of that long, going on after each."""
    codes, end = set(), it.clock.monotonic() + seconds
    while it.clock.monotonic() < end:
        try:
            it.poll(0.1)
        except DeviceFault as fault:
            codes.add(fault.code)
            it.clock.advance(it.driver.interval_s)
    return codes


@pytest.mark.parametrize(("sent", "data"), FRAMES.items())
def test_frames_that_others_have_logged(sent: str, data: str) -> None:
    body = bytes.fromhex(data)
    assert Deframer(cut_frame).feed(bytes.fromhex(sent)) == [Frame(body)]
    if len(body) > 1:
        assert frame_of(body[0], body[1:]) == bytes.fromhex(sent)


def test_ack_and_nack() -> None:
    assert Deframer(cut_frame).feed(ACK) == [Frame(b"")]
    assert Deframer(cut_frame).feed(bytes.fromhex("0000ffff0000") + ACK) == [Frame(b"")]


@given(
    garbage=st.binary(max_size=30).filter(lambda noise: b"\xff" not in noise),
    parts=st.lists(st.integers(1, 12), max_size=8),
)
def test_a_frame_is_found_behind_any_garbage_in_any_pieces(garbage: bytes, parts: list[int]) -> None:
    frames = Deframer(cut_frame)
    stream, found = garbage + FOUND, []
    for size in parts:
        found += frames.feed(stream[:size])
        stream = stream[size:]
    assert found + frames.feed(stream) == [Frame(FOUND[5:-2])]


def test_every_flipped_bit_is_refused_or_outside_the_frame() -> None:
    for bit in range(len(FOUND) * 8):
        flipped = bytearray(FOUND)
        flipped[bit // 8] ^= 1 << bit % 8
        right = [frame for frame in Deframer(cut_frame).feed(bytes(flipped)) if frame.data is not None]
        outside = bit // 8 in (0, len(FOUND) - 1)  # preamble and postamble may be anything
        assert right == ([Frame(FOUND[5:-2])] if outside else [])


@pytest.mark.parametrize("length", range(1, len(FOUND)))
def test_a_frame_that_broke_off_is_no_card(length: int) -> None:
    right = [frame.data for frame in Deframer(cut_frame).feed(FOUND[:length] + FOUND) if frame.data is not None]
    assert right in ([FOUND[5:-2]], [FOUND[5:-2]] * 2, [])


@pytest.mark.parametrize(
    ("answer", "tag"),
    [
        ("00", None),
        ("010100040804fb0ee20b", CARD),
        ("010100440007" + LONG, LONG),
        ("01010044000a" + "0102030405060708090a", "0102030405060708090A"),
        ("010100040804fb0ee20b0578807002", CARD),  # with an ATS behind it
    ],
)
def test_what_an_answer_says(answer: str, tag: str | None) -> None:
    assert uid(bytes.fromhex(answer)) == tag


@pytest.mark.parametrize("answer", ["", "01", "02", "010100040805fb0ee20b01", "010100040804fb0ee2", "0101000408"])
def test_an_answer_that_is_none(answer: str) -> None:
    with pytest.raises(DeviceFault, match="garbled"):
        uid(bytes.fromhex(answer))


def test_it_is_woken_configured_and_then_asked_again_and_again(rig) -> None:
    it = reader(rig)
    commands = [command[1:] for command in it.twin.commands]
    assert commands[:3] == [SAM, RETRIES, POLL]
    assert len(commands) > 4
    assert set(commands[2:]) == {POLL}


@pytest.mark.parametrize("card", [CARD, LONG, "0102030405060708090A"])
@pytest.mark.parametrize("every", [None, 0.01])
def test_one_reading_for_each_time_a_card_is_shown(rig, card: str, every: float) -> None:
    it = reader(rig)
    it.twin.present(card, 5.0)
    assert shown(it.poll(5.5, every=every)) == [("badge", card)]
    it.twin.present(card, 0.5)  # it was away for less than absence_s
    assert shown(it.poll(3.0, every=every)) == []
    it.twin.present(card, 0.5)
    assert shown(it.poll(3.0, every=every)) == [("badge", card)]


def test_a_card_that_answers_every_other_time(rig) -> None:
    """adafruit/Adafruit-PN532#52"""
    it = reader(rig)
    it.twin.every_other = True
    it.twin.present(LONG, 10.0)
    assert shown(it.poll(12.0)) == [("badge", LONG)]


def test_the_allow_list(rig) -> None:
    it = reader(rig, cards={CARD.lower(): "王芳"})
    it.twin.present(CARD, 0.5)
    assert shown(it.poll(1.0)) == [("badge", "王芳")]
    it.twin.present(LONG, 0.5)
    assert shown(it.poll(1.0)) == [("stranger", LONG)]


def test_a_telephone_is_always_a_stranger(rig) -> None:
    it = reader(rig)
    it.twin.present("0812AB34", 0.5)
    assert shown(it.poll(1.0)) == [("stranger", "0812AB34")]


def test_what_a_simulated_hall_shows_it_without_an_allow_list(rig) -> None:
    it = reader(rig)
    it.twin.present("0A00C0FFEE", 0.5)
    assert badges(it.poll(1.0)) == ["00C0FFEE"]


def test_it_dies_after_hours_and_is_brought_back(rig) -> None:
    """Tasmota#14236"""
    it = reader(rig)
    it.twin.die()
    gone = it.fault(seconds=3.0)
    assert gone.code == "no-answer"
    assert "4A done" in gone.text["en"]
    it.twin.present(CARD, 2.0)
    assert shown(it.poll(1.0)) == [("ready", True), ("badge", CARD)]


def test_one_that_hangs_stays_a_fault_until_its_power_was_off(rig) -> None:
    it = reader(rig)
    it.twin.hang()
    assert faults(it, 10.0) == {"no-answer"}
    it.twin.power_cycle()
    faults(it, 2.0)
    it.twin.present(CARD, 0.5)
    assert badges(it.poll(1.0)) == [CARD]


def test_a_stale_answer_after_a_restart_is_no_card(rig) -> None:
    """esphome/issues#3281: it still says what it was asked before."""
    it = rig("pn532", bus=BUS, opened=False)
    it.twin.answer_late(FOUND[6:-2])
    it.driver.open()
    it.twin.answer_late(FOUND[6:-2])
    assert shown(it.poll(2.0)) == [("ready", True)]
    for _ in range(20):  # and at any moment later on: before the ACK, or between two questions
        it.clock.advance(0.013)
        it.twin.answer_late(bytes.fromhex("0332010607"))
        faults(it, 0.1)
    faults(it, 2.0)
    it.twin.present(CARD, 0.5)
    assert badges(it.poll(1.0)) == [CARD]


def test_a_late_ack_is_waited_for(rig, monkeypatch) -> None:
    """nfc-tools/libnfc#742"""
    monkeypatch.setattr("devices.hygiene.pn532_twin._ACK_S", 0.2)
    it = rig("pn532", bus=BUS)
    it.twin.present(CARD, 3.0)
    assert shown(it.poll(4.0)) == [("ready", True), ("badge", CARD)]


def test_it_lost_its_power_and_its_settings(rig) -> None:
    it = reader(rig)
    it.twin.power_cycle()
    assert it.fault(seconds=2.0).code == "no-answer"
    it.twin.present(CARD, 2.0)
    assert shown(it.poll(1.0)) == [("ready", True), ("badge", CARD)]


def test_it_is_configured_anew_every_hour(rig) -> None:
    it = reader(rig)
    assert it.poll(3700.0, every=0.5) == []
    assert [command[1:] for command in it.twin.commands].count(SAM) == 2


def test_flipped_bits_on_the_line_are_told(rig) -> None:
    it = reader(rig)
    it.wires.suffer("it", Trouble.GARBLED)
    it.twin.present(CARD, 60.0)
    assert faults(it, 10.0) <= {"garbled", "no-answer"}
    it.wires.recover("it")
    assert "ready" in dict(shown(it.poll(3.0)))


@pytest.mark.parametrize("trouble", [Trouble.SILENT, "baud"])
def test_nobody_answers(rig, trouble: object) -> None:
    it = reader(rig)
    if trouble == "baud":
        it.twin.baud = 9600
    else:
        it.wires.suffer("it", trouble)
    assert "no-answer" in faults(it, 10.0)
    it.twin.baud = 115200
    it.wires.recover("it")
    faults(it, 2.0)
    it.twin.present(CARD, 1.0)
    assert badges(it.poll(2.0)) == [CARD]


def test_a_stuck_reader_shows_its_card_once(rig) -> None:
    it = reader(rig)
    it.twin.present(CARD, 1.0)
    it.wires.suffer("it", Trouble.STUCK)
    assert badges(it.poll(60.0)) == [CARD]


def test_unplugged_and_plugged_in_again(rig) -> None:
    it = reader(rig)
    it.wires.suffer("it", Trouble.UNPLUGGED)
    gone = it.fault(seconds=1.0)
    assert (gone.code, gone.lost) == ("unplugged", True)
    it.driver.close()
    it.wires.recover("it")
    it.driver = it.build()
    it.driver.open()
    it.twin.present(CARD, 1.0)
    assert shown(it.poll(2.0)) == [("ready", True), ("badge", CARD)]


def test_the_twin_is_strict(rig) -> None:
    it = rig("pn532", bus=BUS, opened=False)
    it.twin.received(frame_of(0xD4, POLL))
    assert it.twin.commands == []  # it sleeps
    it.twin.received(b"\x55\x55" + frame_of(0xD4, POLL) + frame_of(0xD4, b"\x02") + frame_of(0xD4, b"\x99"))
    assert len(it.twin.commands) == 3


@pytest.mark.parametrize(
    ("cards", "why"),
    [
        ({"FB0EE2": "王芳"}, "hex digits"),
        ({"FB0EE20": "王芳"}, "hex digits"),
        ({"FB 0E E2": "王芳"}, "hex digits"),
        ({"08123456": "王芳"}, "telephone"),
        ({CARD: " "}, "needs a name"),
        ({CARD: "王芳", CARD.lower(): "李明"}, "twice"),
    ],
)
def test_an_allow_list_that_cannot_work_is_refused(cards: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Settings(id="it", part="pn532", bus=BUS, cards=cards)
