"""Ticket column: service keys, the counters' call keys and an ESC/POS printer on one serial line.

Wiring: the kiosk board's RS-232 or USB serial port, 9600 8N1. A service key may instead sit on the header, between
its BCM pin and ground (pulled up inside, nothing else on the pin). From the column come::

    A CR          the key of service A      hallgate's own convention for kiosk boards that merge their keys into
    # 7 CR        counter 7 calls (1..99)   the printer's line; the board must pass each of them on in one piece
    0xx1xx10      one byte, the printer's answer to a status request

R, V and Z look like answers, so no key on the line has them; 2 and 6 do as well, but come after a # only. The four
bytes of an Automatic Status Back frame never do. To the printer go whole tickets, and between them ``10 04 n``, one
question at a time; it answers at once, also while off line. Bits of the answers::

    n=1  3 off line                               n=3  3 cutter, 5 unrecoverable, 6 head hot or cover; asked
    n=2  2 cover open, 5 paper-end stop, 6 error       only when n=2 shows an error
    n=4  2 and 3 paper near its end, 5 and 6 no paper (each pair is 00 or 11; without that sensor always 00)

Source: the makers' manuals agree (Epson TM-T88III and TM-L60II, Bixolon SRP-350 and SPP-R300, Citizen CT-S2000);
python-escpos' RT_MASK constants and tests. An answer may come after its question was given up (escpos-rs#18): then
the line is let run dry before the question is asked again.

Chinese: printers for that market take GB18030 (the two-byte part is GBK) after FS & (SPRT, SureMark SP91 and Birch
manuals: the mode of their power-on, too). GS ! doubles ASCII on all of them, Chinese only on some (FS W, FS ! do
there), so only the number is doubled. GB18030 has no byte below 30 behind a lead byte and the words are freed of
control characters: no ``10 04`` can stand inside a ticket.

A ticket counts as printed when a whole round of questions, begun after it must have been cut, finds nothing that
stops the printer; the answers are immediate, so asking sooner would prove nothing. The last ticket of a roll thus
counts as unprinted, and what a printer has kept in its buffer may still come out when the paper is changed: writing
such a ticket by hand is the safe side.
"""

import math
import re
from collections import deque
from collections.abc import Iterable
from typing import Any

import attrs

from devices.faults import DeviceFault, Words, fault
from devices.part import PINS, Driver, Mount, Part, SerialSettings, Wire
from devices.reading import Reading
from devices.serialport import Deframer, receive, send

_ROUND_S = 5.0  # from one round of questions to the next
_ANSWER_S = 1.0  # longer than that is no answer, and as long must the line be quiet afterwards
_UNANSWERED = 3  # in a row: nobody is there
_PRINT_S = 2.0  # from a ticket's last byte to its cut
_PRESS_S = (0.05, 10.0)  # shorter is a bounce, longer a stuck key
_LIKE_AN_ANSWER = "RVZ"

_LINE = re.compile(rb"([A-Z]|#[1-9][0-9]?)\r")
_BEGINNING = re.compile(rb"[A-Z]|#(?:[1-9][0-9]?)?")

_INIT = b"\x1b@\x1c&"  # as at power-on, Chinese
_CENTRE = b"\x1ba\x01"
_DOUBLE, _SINGLE = b"\x1d!\x11", b"\x1d!\x00"
_FEED = b"\x1bd\x05"  # past the cutter, which sits some lines above the head
_CUT = b"\x1dV\x00"


def _is_key_pin(instance: object, attribute: object, pin: int | None) -> None:
    if pin is not None and pin not in PINS:
        raise ValueError(f"must be a BCM pin from {PINS[0]} to {PINS[-1]}: {pin}")


@attrs.frozen(kw_only=True)
class Service:
    """What the customer reads; ``pin`` (BCM) of its key, where that is not on the serial line."""

    zh: str
    en: str
    pin: int | None = attrs.field(default=None, validator=_is_key_pin)


def _are_services(instance: object, attribute: object, services: dict[str, Service]) -> None:
    if not services:
        raise ValueError("needs at least one service")
    for letter, service in services.items():
        if not re.fullmatch("[A-Z]", letter):
            raise ValueError(f"a service's key is one capital letter: {letter!r}")
        if letter in _LIKE_AN_ANSWER and service.pin is None:
            raise ValueError(f"{letter} on the serial line looks like the printer's answer: another letter, or a pin")
    pins = [service.pin for service in services.values() if service.pin is not None]
    if len(set(pins)) != len(pins):
        raise ValueError(f"each key needs a pin of its own: {pins}")


@attrs.frozen(kw_only=True)
class Settings(SerialSettings):
    """``services``  by their keys' letters."""

    services: dict[str, Service] = attrs.field(validator=_are_services)

    def claims(self) -> list[str]:
        pins = [service.pin for service in self.services.values() if service.pin is not None]
        return [self.bus, *(f"pin {pin}" for pin in pins)]


class EscPos(Driver):
    """Readings: ``key`` (a service's letter), ``call`` (a counter's number), ``paper`` (``ok``, ``near-end`` or
    ``out``: at first, on change, and when a fault is over), and one for each ticket that :meth:`act` took:
    ``printed`` or ``unprinted`` (its number).

    Keys and calls go before faults: a poll that has readings returns them, asks to be polled again at once, and that
    poll raises what is wrong, as does every other while it lasts.
    """

    interval_s = 1.0  # how often a time-out is judged; keys and answers are polled for as they come
    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.serial is not None
        self._device = settings.id
        self._port = mount.serial
        self._mount = mount
        self._on_line = {letter for letter, service in settings.services.items() if service.pin is None}
        self._pins = {letter: service.pin for letter, service in settings.services.items() if service.pin is not None}
        self._keys: list[Key] = []
        self._words = Deframer(cut_word)
        self._printer = Printer()
        self._readings: list[Reading] = []
        self._noise = 0  # since the last answer
        self._paper = ""
        self._told = ""  # the code of the fault that was raised last
        self._tickets: list[tuple[str, float]] = []  # number, and when it must have been cut
        self._line_free_at = -math.inf  # when the last ticket's bytes have gone out

    def open(self) -> None:
        if self._pins:
            assert self._mount.pins is not None
            self._keys = [Key(letter, self._mount.pins.pin(pin), self._mount) for letter, pin in self._pins.items()]
        receive(self._port)  # a key pressed before we were here has no customer waiting any more
        self._words.clear()
        send(self._port, _INIT)

    def poll(self) -> Iterable[Reading]:
        now = self._mount.now()
        for key in self._keys:
            self._readings += [Reading(self._device, "key", key.letter, now)] * key.presses(now)
        try:
            self._listen(now)
            self._ask(now)
        except DeviceFault as gone:
            self._end_tickets("unprinted", math.inf)  # nobody will ever know
            if not self._readings:
                self._told = gone.code
                raise
            self._mount.wake()  # a port that is gone is still gone then
        readings, self._readings = self._readings, []
        wrong = self._what_is_wrong()
        if readings and wrong:
            self._mount.wake()
        elif wrong:
            self._told = wrong.code
            raise wrong
        return readings

    def act(self, verb: str, args: dict[str, Any]) -> None:
        """``print`` a ticket; ``args`` are those of :func:`ticket_bytes`. A printer that is known to be stopped is
        sent nothing, and that ticket is ``unprinted`` at the next poll. Raises DeviceFault when the port is gone."""
        if verb != "print":
            super().act(verb, args)
        ticket = ticket_bytes(**args)
        now = self._mount.now()
        wrong = self._what_is_wrong()
        if wrong and not wrong.degraded:
            self._readings.append(Reading(self._device, "unprinted", args["number"], now))
            self._mount.wake()
            return
        send(self._port, ticket)
        self._line_free_at = max(now, self._line_free_at) + len(ticket) * 10 / self._port.baudrate
        printing_from = max([self._line_free_at, *(cut_at for _, cut_at in self._tickets)])
        self._tickets.append((args["number"], printing_from + _PRINT_S))

    def close(self) -> None:
        for key in self._keys:
            key.release()
        self._keys = []

    def _listen(self, now: float) -> None:
        for word in self._words.feed(receive(self._port)):
            if is_answer(word[0]):
                if self._printer.hear(word[0]):
                    self._noise = 0
                    self._judge(now)
            elif word.startswith(b"#"):
                self._readings.append(Reading(self._device, "call", int(word[1:]), now))
            elif word.decode() in self._on_line:
                self._readings.append(Reading(self._device, "key", word.decode(), now))
        self._noise += self._words.noise

    def _ask(self, now: float) -> None:
        if now < self._line_free_at:
            return  # a question behind a ticket would seem to be answered late
        cut = any(cut_at <= now for _, cut_at in self._tickets)
        if question := self._printer.question(now, early=cut):
            send(self._port, bytes([0x10, 0x04, question]))
        if self._printer.gone:
            self._end_tickets("unprinted", math.inf)

    def _judge(self, now: float) -> None:
        """After each answer: what a round that is now complete means."""
        state = self._printer.state
        if state is None:
            return
        wrong = state.fault()
        stopped = wrong is not None and not wrong.degraded
        self._end_tickets("unprinted" if stopped else "printed", state.begun_at)
        over = self._told and (wrong is None or wrong.code != self._told)
        if state.paper != self._paper or over:
            self._readings.append(Reading(self._device, "paper", state.paper, now))
            self._paper, self._told = state.paper, ""

    def _end_tickets(self, how: str, begun_at: float) -> None:
        now = self._mount.now()
        cut = [number for number, cut_at in self._tickets if cut_at <= begun_at]
        self._readings += [Reading(self._device, how, number, now) for number in cut]
        self._tickets = self._tickets[len(cut) :]

    def _what_is_wrong(self) -> DeviceFault | None:
        if self._printer.gone:
            return fault("garbled") if self._noise else fault("offline", detail="no answer")
        return self._printer.state.fault() if self._printer.state else None


@attrs.frozen
class State:
    """What one whole round of questions found; ``answers`` by question."""

    begun_at: float
    answers: dict[int, int]

    @property
    def paper(self) -> str:
        if self.answers[4] & 0x60 == 0x60 or self.answers[2] & 0x20:
            return "out"
        return "near-end" if self.answers[4] & 0x0C == 0x0C else "ok"

    def fault(self) -> DeviceFault | None:
        """The one that a person has to see to first; everything that stops the printer also takes it off line."""
        why = self.answers.get(3, 0)
        if self.answers[2] & 0x04:
            return fault("cover-open")
        if self.paper == "out":
            return fault("paper-out")
        if why & 0x08:
            return fault("offline", detail="cutter")
        if self.answers[2] & 0x40:
            return fault("offline", detail="unrecoverable error" if why & 0x20 else "error")
        if self.answers[1] & 0x08:
            return fault("offline")
        return fault("paper-near-end", degraded=True) if self.paper == "near-end" else None


class Printer:
    """Whose turn it is to speak. It does no I/O: it says what to ask, and is told the answers.

    ``state``  of the last complete round; None before the first, and since an answer stayed out for good.
    ``gone``   three questions in a row stayed unanswered, and no round has been complete since.
    """

    def __init__(self) -> None:
        self.state: State | None = None
        self.gone = False
        self._round: list[int] = []  # the questions still to ask
        self._answers: dict[int, int] = {}
        self._begun_at = -math.inf
        self._asked_at: float | None = None
        self._quiet_until = -math.inf
        self._unanswered = 0

    def question(self, now: float, *, early: bool) -> int | None:
        """The ``n`` to ask now, if any. ``early``: let the next round not wait for its time."""
        if self._asked_at is not None:
            if now - self._asked_at < _ANSWER_S:
                return None
            self._asked_at = None
            self._quiet_until = now + _ANSWER_S
            self._unanswered += 1
            if self._unanswered >= _UNANSWERED:
                self.gone, self.state, self._round = True, None, []
        if now < self._quiet_until:
            return None
        if not self._round:
            if now - self._begun_at < _ROUND_S and not early:
                return None
            self._round, self._answers, self._begun_at = [1, 2, 4], {}, now
        self._asked_at = now
        return self._round[0]

    def hear(self, answer: int) -> bool:
        """Whether that answer was waited for; a straggler is not."""
        if self._asked_at is None:
            return False
        self._asked_at = None
        self._unanswered = 0
        question = self._round.pop(0)
        self._answers[question] = answer
        if question == 2 and answer & 0x40:
            self._round.insert(0, 3)
        if not self._round:
            self.state, self.gone = State(self._begun_at, self._answers), False
        return True


class Key:
    """A key between a pin and ground: one press for each time it was held, however its contacts bounce.

    Edges come on gpiozero's thread, which only notes them, by the board's own clock: which clock a backend's ticks
    belong to depends on the kernel (joan2937/lg#19). An edge that the backend lost (joan2937/lg#18) is made up for
    from the pin's level at the next poll.
    """

    def __init__(self, letter: str, pin: Any, mount: Mount) -> None:
        self.letter = letter
        self._pin = pin
        self._mount = mount
        self._edges: deque[tuple[float, bool]] = deque()
        # A key that is already down was pressed long ago, and is no press of ours.
        self._down_at = self._pressed_at = self._up_at = -math.inf
        self._counted = False
        pin.input_with_pull("up")
        self._down = not pin.state
        pin.when_changed = self._changed

    def presses(self, now: float) -> int:
        """How many presses have ended since the last call."""
        ended = 0
        while self._edges:
            ended += self._step(*self._edges.popleft())
        return ended + self._step(now, not self._pin.state)

    def release(self) -> None:
        self._pin.when_changed = None  # it stays an input

    def _changed(self, ticks: float, state: Any) -> None:
        self._edges.append((self._mount.now(), not state))
        self._mount.wake()

    def _step(self, at: float, down: bool) -> bool:
        if down == self._down:
            return False
        self._down = down
        shortest, longest = _PRESS_S
        if down:
            self._down_at = at
            if at - self._up_at >= shortest:
                self._pressed_at, self._counted = at, False
            return False
        self._up_at = at
        if self._counted or at - self._down_at < shortest or at - self._pressed_at > longest:
            return False
        self._counted = True
        return True


def cut_word(buffer: bytes) -> tuple[int, bytes | None]:
    """An answer, or a key's line without its CR (for a :class:`Deframer`)."""
    if is_answer(buffer[0]):
        return 1, buffer[:1]
    if line := _LINE.match(buffer):
        return line.end(), line[1]
    return (0, None) if _BEGINNING.fullmatch(buffer) else (1, None)


def is_answer(byte: int) -> bool:
    """Whether the bits that every answer to DLE EOT has are as they must be."""
    return byte & 0x93 == 0x12


def ticket_bytes(*, number: str, service: Words, ahead: int, wait_min: int | None, hall: Words, at: str) -> bytes:
    """One whole ticket, cut included; ``wait_min`` None: no promise. Lines fit 58 mm paper (32 columns)."""
    lines = [f"前面等候 {ahead} 人", f"{ahead} ahead of you"]
    if wait_min is not None:
        lines += [f"预计等候 {wait_min} 分钟", f"about {wait_min} min"] if wait_min else ["无需等候", "no waiting"]
    return b"".join(
        (
            _INIT,
            _CENTRE,
            _printed(hall["zh"], hall["en"]),
            _DOUBLE,
            _printed(number),
            _SINGLE,
            _printed(service["zh"], service["en"]),
            _printed(*lines, at),
            _FEED,
            _CUT,
        )
    )


def _printed(*lines: str) -> bytes:
    """Lines as the printer takes them; what could be a command in a hall's own words becomes a blank."""
    text = "".join("".join(c if c.isprintable() else " " for c in line) + "\n" for line in lines)
    return text.encode("gb18030")


PART = Part(
    name="escpos",
    kind="tickets",
    says={"zh": "取号机（按键与热敏打印）", "en": "ticket column: keys and ESC/POS printer"},
    wires=(Wire.SERIAL, Wire.PINS),
    settings=Settings,
    driver=EscPos,
)
