"""Ticket column: keys, calls and the printer's answers on one line; tickets, and whether they came out."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serial import SerialTimeoutException

from devices.faults import DeviceFault
from devices.part import find_part
from devices.reading import Reading
from devices.serialport import Deframer
from devices.tickets.escpos import Printer, Service, Settings, State, cut_word, is_answer, ticket_bytes
from devices.world.twin import Trouble

BUS = "/dev/ttyUSB1"
SERVICES = {"A": Service(zh="保全", en="policy service"), "B": Service(zh="理赔", en="claims")}
ON_PINS = {**SERVICES, "R": Service(zh="咨询", en="questions", pin=22), "C": Service(zh="贵宾", en="VIP", pin=23)}
TICKET = {
    "number": "A012",
    "service": {"zh": "保全", "en": "policy service"},
    "ahead": 3,
    "wait_min": 12,
    "hall": {"zh": "静安营业厅", "en": "Jing'an hall"},
    "at": "2026-03-02 10:15",
}


def told(readings: list[Reading]) -> list[tuple[str, object]]:
    return [(reading.quantity, reading.value) for reading in readings]


def about(quantity: str, readings: list[Reading]) -> list[object]:
    return [reading.value for reading in readings if reading.quantity == quantity]


def watch(column, seconds: float, every: float = 0.05) -> tuple[list[tuple[str, object]], list[str]]:
    """What the sampler would see: readings, and the codes of faults (each once while it lasts)."""
    readings, codes = [], []
    end = column.clock.monotonic() + seconds
    while column.clock.monotonic() < end:
        try:
            readings += column.poll()
        except DeviceFault as bad:
            column.wires.pump()
            if codes[-1:] != [bad.code]:
                codes.append(bad.code)
        column.clock.advance(every)
    return told(readings), codes


def settled(rig, **settings):
    """A column whose first round of questions is over."""
    column = rig("escpos", bus=BUS, **({"services": SERVICES} | settings))
    assert told(column.poll(1.0, every=0.05)) == [("paper", "ok")]
    return column


# Words on the line.


@pytest.mark.parametrize(
    ("byte", "good"),
    [(0x12, True), (0x1E, True), (0x72, True), (0x01, False), (0x02, False)],  # python-escpos test_function_status.py
)
def test_an_answer_has_its_fixed_bits(byte: int, good: bool) -> None:
    assert is_answer(byte) is good


words = st.one_of(
    st.sampled_from([letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if letter not in "RVZ"]),
    st.integers(1, 99).map(lambda counter: f"#{counter}"),
).map(lambda word: word.encode("ascii"))


@given(word=words, garbage=st.binary(max_size=20).filter(lambda noise: b"\r" not in noise), data=st.data())
def test_a_line_is_found_behind_any_garbage_in_any_pieces(word: bytes, garbage: bytes, data) -> None:
    stream, found, frames = garbage + word + b"\r", [], Deframer(cut_word)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8).map(sorted))
    for begin, end in pairwise([0, *cuts, len(stream)]):
        found += frames.feed(stream[begin:end])
    assert found[-1] == word
    assert all(is_answer(other[0]) for other in found[:-1])


def test_a_line_may_be_split_anywhere_with_answers_around_it(rig) -> None:
    column = settled(rig)
    for line, reading in ((b"A\r", ("key", "A")), (b"#2\r", ("call", 2)), (b"#26\r", ("call", 26))):
        for split in range(1, len(line)):
            column.twin.stage.line.send(b"\x12" + line[:split])
            assert told(column.poll(0.2, every=0.05)) == []
            column.twin.stage.line.send(line[split:] + b"\x12")
            assert told(column.poll(0.2, every=0.05)) == [reading]


@pytest.mark.parametrize(
    "line", [b"#0\r", b"#100\r", b"#\r", b"#1a\r", b"a\r", b"Q\r", b"\r", b"A", b"A\n", b"#12", b"R\r"]
)
def test_what_is_no_key_of_this_hall_is_nothing(rig, line: bytes) -> None:
    column = settled(rig)
    column.twin.stage.line.send(line)
    assert told(column.poll(10.0, every=0.05)) == []


def test_keys_and_calls(rig) -> None:
    column = settled(rig)
    column.twin.press("A")
    column.twin.call(7)
    column.twin.press("B")
    column.twin.call(99)
    assert told(column.poll(1.0, every=0.05)) == [("key", "A"), ("call", 7), ("key", "B"), ("call", 99)]


def test_a_key_pressed_before_we_came_is_not_heard_now(rig) -> None:
    column = rig("escpos", bus=BUS, services=SERVICES, opened=False)
    column.twin.press("A")
    column.clock.advance(5.0)
    column.driver.open()
    assert told(column.poll(1.0, every=0.05)) == [("paper", "ok")]


def test_opening_forgets_half_a_line(rig) -> None:
    column = settled(rig)
    column.twin.stage.line.send(b"#1")
    column.poll(0.5, every=0.05)
    column.driver.open()
    column.twin.stage.line.send(b"2\r")
    assert about("call", column.poll(0.5, every=0.05)) == []


# Keys on pins.


def test_keys_on_pins_are_heard_once_each(rig) -> None:
    column = settled(rig, services=ON_PINS)
    for letter in "RCRA":
        column.twin.press(letter)
        woken = column.woken
        assert about("key", column.poll(1.0)) == [letter]
        assert (column.woken > woken) is (letter != "A")  # an edge rings, the line has its own bell


@pytest.mark.parametrize(
    ("held", "presses"),
    [
        ([0.049], 0),
        ([0.051], 1),
        ([9.9], 1),
        ([10.1], 0),  # stuck
        ([0.002, 0.003, 0.3, 0.002, 0.004], 1),  # bounces on the way down and up, 2 ms apart
        ([0.1, 0.1], 1),  # one press with a gap of 2 ms
    ],
)
def test_how_long_a_key_is_held(rig, held: list[float], presses: int) -> None:
    column = settled(rig, services=ON_PINS)
    pin, clock = column.twin.stage.pin(22), column.clock
    for seconds in held:
        pin.drive_low()
        clock.advance(seconds)
        pin.drive_high()
        clock.advance(0.002)
    assert about("key", column.poll(1.0)) == ["R"] * presses
    column.twin.press("R")
    assert about("key", column.poll(1.0)) == ["R"]  # whatever it was, the next press counts


@pytest.mark.parametrize("lost", ["down", "up"])
def test_an_edge_that_the_backend_lost_is_made_up_for(rig, lost: str) -> None:
    column = settled(rig, services=ON_PINS)
    pin = column.twin.stage.pin(22)
    pin.edges = "rising" if lost == "down" else "falling"
    pin.drive_low()
    assert about("key", column.poll(0.2, every=0.1)) == []
    pin.drive_high()
    assert about("key", column.poll(1.0)) == ["R"]


def test_a_key_that_is_down_when_we_come_is_no_press(rig, monkeypatch) -> None:
    column = rig("escpos", bus=BUS, services=ON_PINS, opened=False)
    pin = column.twin.stage.pin(22)
    pin.drive_low()
    monkeypatch.setattr(pin, "input_with_pull", lambda pull: None)  # a mock pin springs up when pulled, a key does not
    column.driver.open()
    column.poll(1.0)
    pin.drive_high()
    assert about("key", column.poll(1.0)) == []
    column.twin.press("R")
    assert about("key", column.poll(1.0)) == ["R"]


def test_closing_lets_go_of_the_pins(rig) -> None:
    column = settled(rig, services=ON_PINS)
    keys = list(column.driver._keys)  # gpiozero forgets listeners that nobody else knows
    column.driver.close()
    column.driver.close()
    woken = column.woken
    column.twin.press("R")
    column.clock.advance(1.0)
    assert column.woken == woken
    assert len(keys) == 2


# The printer's state.


def test_one_question_at_a_time_a_round_every_five_seconds(rig) -> None:
    column = rig("escpos", bus=BUS, services=SERVICES)
    asked, outstanding = [], []
    answer = column.twin._answer

    def overhear(question: int) -> None:
        outstanding.append(question)
        assert len(outstanding) == 1
        asked.append((round(column.clock.monotonic() - 1000.0), question))
        column.twin.stage.at(column.clock.monotonic() + 0.3, lambda: (outstanding.clear(), answer(question)))

    column.twin._answer = overhear
    column.poll(11.5, every=0.05)
    assert asked == [(0, 1), (0, 2), (1, 4), (5, 1), (5, 2), (6, 4), (10, 1), (10, 2), (11, 4)]


@pytest.mark.parametrize(
    ("happens", "code", "degraded", "detail"),
    [
        ({"cover_open": True}, "cover-open", False, ""),
        ({"paper": 0}, "paper-out", False, ""),
        ({"paper": 0, "cover_open": True}, "cover-open", False, ""),
        ({"paper": 9}, "paper-near-end", True, ""),
        ({"cutter_stuck": True}, "offline", False, "(cutter)"),
    ],
)
def test_what_is_wrong_is_named_lasts_and_ends(
    rig, happens: dict[str, object], code: str, degraded: bool, detail: str
) -> None:
    column = settled(rig)
    before = {name: getattr(column.twin, name) for name in happens}
    for name, value in happens.items():
        setattr(column.twin, name, value)
    fault = column.fault(seconds=10)
    assert (fault.code, fault.degraded, fault.lost) == (code, degraded, False)
    assert fault.text["en"].endswith(detail)
    readings, codes = watch(column, 12.0, every=0.5)
    assert codes == [code]
    for name, value in before.items():
        setattr(column.twin, name, value)
    readings, _ = watch(column, 8.0)
    assert readings[-1] == ("paper", "ok")  # a sign of life when a fault is over
    assert watch(column, 12.0) == ([], [])


@pytest.mark.parametrize(
    ("answers", "code", "detail"),
    [
        ({1: 0x12, 2: 0x12, 4: 0x12}, None, ""),
        ({1: 0x16, 2: 0x12, 4: 0x12}, None, ""),  # the drawer's pin
        ({1: 0x1A, 2: 0x16, 4: 0x12}, "cover-open", ""),
        ({1: 0x1A, 2: 0x32, 4: 0x12}, "paper-out", ""),
        ({1: 0x1A, 2: 0x12, 4: 0x72}, "paper-out", ""),
        ({1: 0x1A, 2: 0x32, 4: 0x7E}, "paper-out", ""),
        ({1: 0x12, 2: 0x12, 4: 0x1E}, "paper-near-end", ""),
        ({1: 0x1A, 2: 0x52, 3: 0x1A, 4: 0x12}, "offline", "cutter"),
        ({1: 0x1A, 2: 0x52, 3: 0x32, 4: 0x12}, "offline", "unrecoverable error"),
        ({1: 0x1A, 2: 0x52, 3: 0x52, 4: 0x12}, "offline", "error"),
        ({1: 0x1A, 2: 0x12, 4: 0x12}, "offline", ""),
        ({1: 0x12, 2: 0x12, 4: 0x52}, None, ""),  # bit 6 alone is a PPU-231's presenter
        ({1: 0x12, 2: 0x1A, 4: 0x12}, None, ""),  # the feed button
    ],
)
def test_the_meaning_of_the_bits(answers: dict[int, int], code: str | None, detail: str) -> None:
    fault = State(0.0, answers).fault()
    assert (fault.code if fault else None) == code
    assert detail == "" or fault.text["en"].endswith(f"({detail})")


def test_paper_is_told_on_change(rig) -> None:
    column = settled(rig)
    column.twin.paper = 9
    assert watch(column, 8.0) == ([("paper", "near-end")], ["paper-near-end"])
    column.twin.paper = 0
    assert watch(column, 8.0) == ([("paper", "out")], ["paper-near-end", "paper-out"])
    column.twin.load_paper(300)
    assert watch(column, 8.0) == ([("paper", "ok")], ["paper-out"])


def test_nobody_there_is_a_fault_after_three_questions(rig) -> None:
    column = rig("escpos", bus=BUS, services=SERVICES)
    column.wires.suffer("it", Trouble.SILENT)
    assert column.poll(4.9, every=0.1) == []
    readings, codes = watch(column, 20.0)
    assert (readings, codes) == ([], ["offline"])
    column.wires.recover("it")
    readings, _ = watch(column, 8.0)
    assert readings == [("paper", "ok")]
    assert watch(column, 12.0) == ([], [])


def test_an_answer_that_comes_late_is_not_taken_for_the_next(rig) -> None:
    column = rig("escpos", bus=BUS, services=SERVICES)
    column.twin.answer_s = 1.5  # escpos-rs#18
    column.twin.paper = 0
    column.poll(2.0, every=0.05)
    column.twin.answer_s = 0.0
    readings, codes = watch(column, 5.0)
    assert (readings, codes) == ([("paper", "out")], ["paper-out"])


@given(answers=st.lists(st.sampled_from([None, 0.2, 0.8, 1.5, 1.9]), min_size=12, max_size=12))
def test_no_answer_is_taken_for_another_while_they_are_less_than_two_seconds_late(answers: list[float | None]) -> None:
    printer, now, due, patience = Printer(), 0.0, [], list(answers)
    while now < 60.0:
        for item in [item for item in due if item[0] <= now]:
            due.remove(item)
            printer.hear({1: 0x12, 2: 0x1A, 4: 0x1E}[item[1]])
        if question := printer.question(now, early=False):
            late = patience.pop(0) if patience else 0.1
            if late is not None:
                due.append((now + late, question))
        if printer.state:
            assert printer.state.answers == {1: 0x12, 2: 0x1A, 4: 0x1E}
        now = round(now + 0.1, 6)
    assert printer.state
    assert not printer.gone


def test_an_answer_to_a_question_given_up_is_none() -> None:
    printer = Printer()
    assert not printer.hear(0x12)  # nobody has asked
    assert printer.question(0.0, early=False) == 1
    assert printer.question(0.9, early=False) is None
    assert printer.question(1.0, early=False) is None  # given up; now the line runs dry
    assert not printer.hear(0x12)
    assert printer.question(2.0, early=False) == 1
    assert printer.hear(0x12)
    assert not printer.hear(0x12)


def test_old_noise_does_not_blame_the_line_for_a_dead_printer(rig) -> None:
    column = settled(rig)
    column.twin.stage.line.send(b"\x00\xff")
    column.poll(6.0, every=0.05)
    column.wires.suffer("it", Trouble.SILENT)
    assert watch(column, 15.0) == ([], ["offline"])


def test_a_port_that_takes_nothing_is_a_fault_that_ends(rig, monkeypatch) -> None:
    column = settled(rig)
    column.driver.act("print", TICKET)

    def stuck(data: bytes) -> int:
        raise SerialTimeoutException("Write timeout")

    with monkeypatch.context() as full:
        full.setattr(column.driver._port, "write", stuck)
        assert watch(column, 6.0) == ([("unprinted", "A012")], ["offline"])
        with pytest.raises(DeviceFault, match="write timeout"):
            column.driver.act("print", TICKET)
    assert watch(column, 8.0)[0] == [("paper", "ok")]


def test_a_fault_loses_no_key_and_a_key_hides_no_fault(rig) -> None:
    column = settled(rig)
    column.twin.paper = 0
    assert watch(column, 8.0)[1] == ["paper-out"]
    column.twin.press("A")
    column.twin.call(3)
    column.clock.advance(0.1)
    woken = column.woken
    assert told(column.poll()) == [("key", "A"), ("call", 3)]
    assert column.woken > woken  # so that the fault is not a second late
    assert column.fault().code == "paper-out"
    assert column.fault().code == "paper-out"


def test_a_wrong_baud_rate_is_no_printer(rig) -> None:
    column = rig("escpos", bus=BUS, services=SERVICES)
    column.twin.baud = 19200
    column.twin.press("A")  # and what arrives of it is rubbish
    _, codes = watch(column, 20.0)
    assert codes == ["garbled"]
    column.twin.baud = 9600
    readings, _ = watch(column, 8.0)
    assert ("paper", "ok") in readings


def test_unplugged_and_plugged_in_again(rig) -> None:
    column = settled(rig, services=ON_PINS)
    column.driver.act("print", TICKET)
    column.wires.pump()
    column.twin.press("R")
    column.clock.advance(0.5)
    column.wires.suffer("it", Trouble.UNPLUGGED)
    woken = column.woken
    assert told(column.poll()) == [("key", "R"), ("unprinted", "A012")]  # what we know goes first
    assert column.woken > woken
    gone = column.fault()
    assert (gone.code, gone.lost) == ("unplugged", True)
    with pytest.raises(DeviceFault, match="port is gone"):
        column.driver.act("print", TICKET)
    column.driver.close()
    column.wires.recover("it")
    column.driver = column.build()
    column.driver.open()
    column.twin.press("R")
    column.twin.press("A")
    assert about("key", column.poll(1.0, every=0.05)) == ["A", "R"]


# Tickets.


def test_a_ticket_byte_by_byte() -> None:
    # The Chinese as iconv gives it in GB18030; commands as the printers' manuals write them.
    assert ticket_bytes(**TICKET) == bytes.fromhex(
        "1b40 1c26 1b6101"
        "beb2b0b2d3aad2b5ccfc 0a 4a696e67 27 616e2068616c6c 0a"  # 静安营业厅, Jing'an hall
        "1d2111 41303132 0a 1d2100"  # A012
        "b1a3c8ab 0a 706f6c6963792073657276696365 0a"  # 保全, policy service
        "c7b0c3e6b5c8baf2203320c8cb 0a 3320616865616420 6f6620796f75 0a"  # 前面等候 3 人, 3 ahead of you
        "d4a4bcc6b5c8baf220313220b7d6d6d3 0a 61626f7574203132206d696e 0a"  # 预计等候 12 分钟, about 12 min
        "323032362d30332d30322031303a3135 0a"
        "1b6405 1d5600"
    )


@given(
    words=st.fixed_dictionaries({"zh": st.text(max_size=30), "en": st.text(max_size=30)}),
    number=st.from_regex(r"[A-Z][0-9]{3}", fullmatch=True),
    wait_min=st.none() | st.integers(0, 600),
)
def test_no_words_can_be_a_command(words, number: str, wait_min: int | None) -> None:
    plain = ticket_bytes(**TICKET | {"number": "A000"})
    ticket = ticket_bytes(**TICKET | {"number": number, "service": words, "hall": words, "wait_min": wait_min})
    controls = re.compile(rb"[\x00-\x1f\x7f]")
    assert b"\x10" not in ticket
    assert [c for c in controls.findall(ticket) if c != b"\n"] == [c for c in controls.findall(plain) if c != b"\n"]


def test_a_ticket_comes_out_and_is_confirmed_after_its_cut(rig) -> None:
    column = settled(rig)
    seen = []
    column.twin.on_ticket = seen.append
    column.driver.act("print", TICKET)
    assert column.poll(1.9, every=0.05) == []  # so soon it may still be printing
    assert told(column.poll(2.0, every=0.05)) == [("printed", "A012")]
    assert seen == ["A012"]
    (text,) = column.twin.printed
    assert text == (
        "静安营业厅\nJing'an hall\nA012\n保全\npolicy service\n前面等候 3 人\n3 ahead of you\n"
        "预计等候 12 分钟\nabout 12 min\n2026-03-02 10:15\n"
    )
    assert column.twin.errors == []
    assert column.poll(30.0, every=0.05) == []


def test_no_question_is_asked_while_a_ticket_is_on_the_line(rig) -> None:
    column = settled(rig)
    asked = []
    answer = column.twin._answer
    column.twin._answer = lambda question: (asked.append(column.clock.monotonic()), answer(question))
    while not asked:  # until the next round has begun
        column.clock.advance(0.01)
        column.poll()
    for _ in range(3):
        column.driver.act("print", TICKET)
    begun, free_at = column.clock.monotonic(), column.clock.monotonic() + 3 * len(ticket_bytes(**TICKET)) / 960
    column.poll(2.0, every=0.01)
    assert [at for at in asked if begun < at < free_at] == []
    assert min(at for at in asked if at > begun) == pytest.approx(free_at, abs=0.02)


@pytest.mark.parametrize(("wait_min", "zh", "en"), [(None, "分钟", "min"), (0, "0 分钟", "0 min")])
def test_no_wait_and_no_promise(rig, wait_min: int | None, zh: str, en: str) -> None:
    column = settled(rig)
    column.driver.act("print", TICKET | {"wait_min": wait_min})
    column.poll(4.0, every=0.05)
    (text,) = column.twin.printed
    assert zh not in text
    assert en not in text
    assert ("无需等候\nno waiting\n" in text) is (wait_min == 0)


def test_many_tickets_at_once_are_each_confirmed_in_their_order(rig) -> None:
    column = settled(rig)
    numbers = [f"A{number:03d}" for number in range(1, 9)]
    for number in numbers:
        column.driver.act("print", TICKET | {"number": number})
    column.twin.press("B")
    readings = column.poll(30.0, every=0.05)
    assert about("printed", readings) == numbers
    assert about("key", readings) == ["B"]
    assert len(column.twin.printed) == 8
    assert column.twin.errors == []


@pytest.mark.parametrize("happens", [{"paper": 0}, {"cover_open": True}, {"cutter_stuck": True}])
def test_a_ticket_that_did_not_come_out_is_told(rig, happens: dict[str, object]) -> None:
    column = settled(rig)
    for name, value in happens.items():
        setattr(column.twin, name, value)
    column.driver.act("print", TICKET)  # nobody knows yet
    readings, codes = watch(column, 6.0)
    assert about("unprinted", [Reading("it", *reading, 0.0) for reading in readings]) == ["A012"]
    assert len(codes) == 1
    assert column.twin.printed == []


def test_a_stopped_printer_is_sent_no_ticket(rig) -> None:
    column = settled(rig)
    column.twin.cover_open = True
    watch(column, 8.0)
    woken = column.woken
    column.driver.act("print", TICKET)
    assert column.woken > woken
    assert told(column.poll()) == [("unprinted", "A012")]
    assert column.fault().code == "cover-open"
    column.twin.cover_open = False
    watch(column, 8.0)
    assert column.twin.printed == []  # nor does it come out later
    column.driver.act("print", TICKET)
    assert told(column.poll(5.0, every=0.05)) == [("printed", "A012")]


def test_paper_near_its_end_still_prints(rig) -> None:
    column = settled(rig)
    column.twin.paper = 5
    assert watch(column, 8.0)[1] == ["paper-near-end"]
    column.driver.act("print", TICKET)
    assert watch(column, 6.0) == ([("printed", "A012")], ["paper-near-end"])


def test_the_last_ticket_of_a_roll_counts_as_unprinted(rig) -> None:
    column = settled(rig)
    column.twin.paper = 1
    watch(column, 8.0)
    column.driver.act("print", TICKET)
    readings, codes = watch(column, 6.0)
    assert sorted(readings) == [("paper", "out"), ("unprinted", "A012")]
    assert codes == ["paper-near-end", "paper-out"]


def test_a_dead_printer_has_printed_nothing(rig) -> None:
    column = settled(rig)
    column.wires.suffer("it", Trouble.SILENT)
    column.driver.act("print", TICKET)
    readings, codes = watch(column, 15.0)
    assert (readings, codes) == ([("unprinted", "A012")], ["offline"])


def test_another_verb_is_refused(rig) -> None:
    with pytest.raises(ValueError, match="cannot blink"):
        settled(rig).driver.act("blink", {})


# The twin is as strict as a printer.


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ("1b58", "unknown command 1b58"),
        ("1d21 100401", "bad parameter 1d2110"),  # a question inside a command: Partner RP-330 takes it as parameter
        ("1b40 c8ab", "not in Chinese mode: c8"),
        ("1b40 1c26 c8 0a 1d5600", "illegal multibyte"),
        ("10 04 07", "no such status 7"),
        ("07", "control character 07"),
    ],
)
def test_the_twin_names_what_a_printer_would_not_understand(rig, sent: str, error: str) -> None:
    column = settled(rig)
    column.twin.received(bytes.fromhex(sent))
    assert error in column.twin.errors[0]


def test_the_twin_answers_in_the_middle_of_a_text_and_prints_what_it_kept(rig) -> None:
    column = settled(rig)
    column.twin.paper = 0
    column.twin.received(b"A0\x10\x04\x0401\n\x1dVA\x03")
    column.clock.advance(0.1)
    assert column.driver._port.read(9) == b"\x7e"
    assert column.twin.printed == []
    column.twin.load_paper(5)
    assert column.twin.printed == ["A001\n"]
    assert column.twin.errors == []


def test_a_stuck_printer_says_the_same_for_ever(rig) -> None:
    column = settled(rig)
    column.wires.suffer("it", Trouble.STUCK)
    column.poll(10.0, every=0.05)
    column.twin.cover_open = True
    assert watch(column, 20.0) == ([], [])
    column.wires.recover("it")
    assert watch(column, 8.0) == ([], ["cover-open"])


# Settings.


@pytest.mark.parametrize(
    ("services", "why"),
    [
        ({}, "at least one"),
        ({"a": Service(zh="", en="")}, "one capital letter"),
        ({"AB": Service(zh="", en="")}, "one capital letter"),
        ({"R": Service(zh="", en="")}, "looks like the printer's answer"),
        ({"V": Service(zh="", en="")}, "looks like the printer's answer"),
        ({"Z": Service(zh="", en="")}, "looks like the printer's answer"),
        ({"A": Service(zh="", en="", pin=5), "B": Service(zh="", en="", pin=5)}, "pin of its own"),
    ],
)
def test_services_that_cannot_work_are_refused(services: dict[str, Service], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Settings(id="it", part="escpos", bus=BUS, services=services)


@pytest.mark.parametrize("pin", [0, 1, 28])
def test_a_pin_that_is_none_is_refused(pin: int) -> None:
    with pytest.raises(ValueError, match="BCM pin"):
        Service(zh="", en="", pin=pin)


def test_letters_on_the_line_and_answers_have_nothing_in_common() -> None:
    refused = set()
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        try:
            Settings(id="it", part="escpos", bus=BUS, services={letter: Service(zh="", en="")})
        except ValueError:
            refused.add(letter)
    assert refused == {letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if is_answer(ord(letter))}


def test_it_claims_its_line_and_its_pins() -> None:
    settings = find_part("escpos").settings(id="it", part="escpos", bus=BUS, services=ON_PINS)
    assert settings.claims() == [BUS, "pin 22", "pin 23"]
