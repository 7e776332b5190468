"""RDM6300: the frame of a card, what is no card, and one reading for each time a card is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.faults import DeviceFault
from devices.hygiene.rdm6300 import Settings, cut_frame, is_right
from devices.hygiene.rdm6300_twin import frame
from devices.reading import Reading
from devices.serialport import Deframer
from devices.world.twin import Trouble

BUS = "/dev/ttyUSB0"
CARD = "67003B51C6"
FRAMES = {
    "67003B51C6": "0236373030334235314336434203",  # card 3887558, mad-tinkerer/python-rdm6300 test_reader.py
    "67003BA867": "0236373030334241383637393303",  # card 3909735, the same
    "62E3086CED": "0236324533303836434544303803",  # Seeed's 125 kHz module, wiki example
    "1F00644BB6": "0231463030363434424236383603",  # jp112sdl/HB-UNI-Sen-RFID-RC#3, tag 6572982
    "000414CD7E": "0230303034313443443745413303",  # a card with version byte 00, check value A3
}
FRAME = bytes.fromhex(FRAMES[CARD])
tags = st.integers(0, 2**40 - 1).map(lambda number: f"{number:010X}")


def shown(readings: list[Reading]) -> list[tuple[str, object]]:
    return [(reading.quantity, reading.value) for reading in readings]


def hear(reader, data: bytes) -> list[tuple[str, object]]:
    """What the driver makes of these bytes, sent at the line's pace."""
    reader.twin.stage.line.send(data)
    return shown(reader.poll(0.1, every=0.01))


def hear_or_fault(reader, data: bytes) -> tuple[list[tuple[str, object]], DeviceFault | None]:
    try:
        return hear(reader, data), None
    except DeviceFault as fault:
        return [], fault


@pytest.mark.parametrize(("tag", "sent"), FRAMES.items())
def test_frames_that_others_have_logged(rig, tag: str, sent: str) -> None:
    assert hear(rig("rdm6300", bus=BUS), bytes.fromhex(sent)) == [("badge", tag)]
    assert frame(tag) == bytes.fromhex(sent)


@given(tag=tags, garbage=st.binary(max_size=40), parts=st.lists(st.integers(1, 20), max_size=8))
def test_a_frame_is_found_behind_any_garbage_in_any_pieces(tag: str, garbage: bytes, parts: list[int]) -> None:
    frames = Deframer(cut_frame)
    stream, found = garbage + frame(tag), []
    for size in parts:
        found += frames.feed(stream[:size])
        stream = stream[size:]
    found += frames.feed(stream)
    assert found[-1][:10] == tag
    assert is_right(found[-1])


def test_a_frame_may_be_split_anywhere(rig) -> None:
    reader = rig("rdm6300", bus=BUS)
    for split in range(1, len(FRAME)):
        assert hear(reader, FRAME[:split]) == []
        assert hear(reader, FRAME[split:]) == [("badge", CARD)]
        assert shown(reader.poll(2.0)) == []  # until the card is away


def test_every_flipped_bit_is_refused(rig) -> None:
    reader = rig("rdm6300", bus=BUS)
    wrong_sums = 0
    for bit in range(len(FRAME) * 8):
        flipped = bytearray(FRAME)
        flipped[bit // 8] ^= 1 << bit % 8
        readings, fault = hear_or_fault(reader, bytes(flipped))
        assert readings == []
        assert fault is None or fault.code == "garbled"
        wrong_sums += fault is not None and "checksum" in fault.text["en"]
        reader.clock.advance(20)  # these are clicks on the line, not a line that is broken
    assert wrong_sums > 12  # those that left a digit a digit; the others left no frame at all


@pytest.mark.parametrize("tag", ["0000000000", "00F00000F0", "FFFFFFFFFF"])  # esp-rfid#411, Tasmota#9522
def test_ghosts_have_good_checksums_and_are_dropped(rig, tag: str) -> None:
    reader = rig("rdm6300", bus=BUS)
    assert is_right(frame(tag)[1:13].decode())
    reader.twin.ghost(tag)
    assert reader.poll(1.0, every=0.01) == []
    reader.twin.present(CARD, 0.1)
    assert shown(reader.poll(1.0, every=0.01)) == [("badge", CARD)]


def test_a_ghost_that_looks_like_a_card_is_a_stranger_to_the_allow_list(rig) -> None:
    reader = rig("rdm6300", bus=BUS, cards={CARD.lower(): "王芳"})
    reader.twin.ghost("B59A99E5A9")  # Tasmota#9522
    assert shown(reader.poll(1.0, every=0.01)) == [("stranger", "B59A99E5A9")]
    reader.twin.present(CARD)
    assert shown(reader.poll(1.0, every=0.01)) == [("badge", "王芳")]


def test_one_reading_for_each_time_a_card_is_shown(rig) -> None:
    reader = rig("rdm6300", bus=BUS)
    reader.twin.present(CARD, 5.0)
    assert shown(reader.poll(5.9, every=0.05)) == [("badge", CARD)]
    reader.twin.present(CARD, 0.2)  # it was away for less than a second
    assert shown(reader.poll(2.0, every=0.05)) == []
    reader.twin.present(CARD, 0.2)
    assert shown(reader.poll(2.0, every=0.05)) == [("badge", CARD)]


def test_cards_shown_together_are_both_read_once(rig) -> None:
    reader = rig("rdm6300", bus=BUS)
    assert hear(reader, frame(CARD) + frame("1F00644BB6") + frame(CARD) + frame("1F00644BB6")) == [
        ("badge", CARD),
        ("badge", "1F00644BB6"),
    ]


def test_a_wrong_checksum_is_a_fault_once(rig) -> None:
    reader = rig("rdm6300", bus=BUS)
    damaged = FRAME.replace(b"CB", b"CA")
    reader.twin.stage.line.send(damaged)
    assert reader.fault(seconds=1).code == "garbled"
    assert reader.poll(1.0) == []
    assert hear(reader, FRAME) == [("badge", CARD)]


def test_a_damaged_frame_beside_a_good_one_costs_nothing(rig) -> None:
    reader = rig("rdm6300", bus=BUS)
    damaged = FRAME.replace(b"CB", b"CA")
    reader.twin.stage.line.send(damaged + FRAME + damaged)
    reader.clock.advance(0.1)
    assert shown(reader.poll(0.5, every=0.5)) == [("badge", CARD)]
    assert hear(reader, damaged) == []
    reader.poll(3.0)
    reader.twin.stage.line.send(damaged)
    assert reader.fault(seconds=1).code == "garbled"


def test_a_good_frame_is_not_lost_among_many_damaged_ones(rig) -> None:
    reader = rig("rdm6300", bus=BUS)
    reader.twin.stage.line.send(FRAME + FRAME.replace(b"CB", b"CA") * 5)
    reader.clock.advance(0.2)
    assert shown(reader.driver.poll()) == [("badge", CARD)]
    assert reader.fault().code == "garbled"


def test_clicks_on_the_line_never_add_up_to_a_fault(rig) -> None:
    reader = rig("rdm6300", bus=BUS)
    for _ in range(40):
        assert hear(reader, b"\xff\x00\x02") == []
        reader.poll(12.0)


def test_an_overrun_frame_hides_no_card(rig) -> None:
    reader = rig("rdm6300", bus=BUS)
    reader.twin.overrun(CARD)
    assert shown(reader.poll(1.0, every=0.01)) == [("badge", CARD)]


def test_half_a_frame_and_silence_are_no_fault(rig) -> None:
    reader = rig("rdm6300", bus=BUS)
    assert hear(reader, FRAME[:7]) == []
    assert reader.poll(600.0) == []
    assert hear(reader, FRAME) == [("badge", CARD)]


def test_a_wrong_baud_rate_is_garbled_and_shows_no_card(rig) -> None:
    reader = rig("rdm6300", bus=BUS)
    reader.twin.baud = 19200
    reader.twin.present(CARD, 5.0)
    assert reader.fault(seconds=5).code == "garbled"
    reader.twin.baud = 9600
    reader.clock.advance(10)
    reader.fault()  # what had still arrived
    reader.poll(2.0)
    reader.twin.present(CARD)
    assert shown(reader.poll(1.0, every=0.01)) == [("badge", CARD)]


def test_flipped_bits_on_the_line_are_named(rig) -> None:
    reader = rig("rdm6300", bus=BUS, cards={CARD: "王芳"})
    reader.wires.suffer("it", Trouble.GARBLED)
    reader.twin.present(CARD)
    assert reader.fault(seconds=1).code == "garbled"


def test_a_stuck_reader_shows_its_card_once(rig) -> None:
    reader = rig("rdm6300", bus=BUS)
    reader.wires.suffer("it", Trouble.STUCK)
    reader.twin.present(CARD)
    assert shown(reader.poll(60.0, every=0.5)) == [("badge", CARD)]


def test_unplugged_and_plugged_in_again(rig) -> None:
    reader = rig("rdm6300", bus=BUS)
    reader.wires.suffer("it", Trouble.UNPLUGGED)
    gone = reader.fault()
    assert (gone.code, gone.lost) == ("unplugged", True)
    with pytest.raises(DeviceFault):
        reader.build()
    reader.driver.close()
    reader.wires.recover("it")
    reader.driver = reader.build()
    reader.driver.open()
    reader.twin.present(CARD)
    assert shown(reader.poll(1.0, every=0.01)) == [("badge", CARD)]


def test_what_was_shown_before_we_came_is_not_shown_now(rig) -> None:
    reader = rig("rdm6300", bus=BUS, opened=False)
    reader.twin.present(CARD, 0.2)
    reader.clock.advance(5.0)
    reader.driver.open()
    assert reader.poll(1.0) == []
    hear(reader, FRAME[:7])
    reader.driver.open()
    assert hear(reader, FRAME[7:]) == []


@pytest.mark.parametrize(
    ("cards", "why"),
    [
        ({"6700 3B51C6": "王芳"}, "10 hex digits"),
        ({"3887558": "王芳"}, "10 hex digits"),
        ({"00000000F0": "王芳"}, "no card"),
        ({CARD: " "}, "needs a name"),
        ({CARD: "王芳", CARD.lower(): "李明"}, "twice"),
    ],
)
def test_an_allow_list_that_cannot_work_is_refused(cards: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Settings(id="it", part="rdm6300", bus=BUS, cards=cards)
