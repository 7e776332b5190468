"""Ticket column as its line sees it: keys that speak by themselves and a printer that is strict about its commands.

What arrives is cut into text and commands as it comes. DLE EOT is answered at once, whatever the printer is doing;
but inside another command those bytes are that command's parameters, as on a Partner RP-330. All else waits in the
buffer while there is no paper or the cover is open, and is printed when that is over.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from devices.world.twin import Stage, Trouble, Twin

_PRESS_S = 0.2
_NEAR_END = 10
_DLE_EOT = b"\x10\x04"
_CUT = b"\x1dV"
# How many parameters follow the two bytes of a command.
_COMMANDS = {_DLE_EOT: 1, b"\x1b@": 0, b"\x1ba": 1, b"\x1bd": 1, b"\x1c&": 0, b"\x1d!": 1, _CUT: 1}
_LEADS = frozenset(command[0] for command in _COMMANDS)


class EscPosTwin(Twin):
    """``press`` and ``call`` are what customers and clerks do.

    ``printed``    the texts of the tickets that came out.
    ``on_ticket``  is called with the number of each (what stood on it in double size).
    ``errors``     what no printer would have understood.
    ``paper``      tickets left on the roll. ``cover_open`` and ``cutter_stuck`` stop the printer as well.
    ``answer_s``   makes its answers late.
    """

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.printed: list[str] = []
        self.errors: list[str] = []
        self.on_ticket: Callable[[str], None] | None = None
        self.answer_s = 0.0
        self._paper = 500
        self._cover_open = False
        self._cutter_stuck = False
        self._command = b""  # as far as it has come
        self._buffer: deque[bytes] = deque()  # commands, and text byte by byte
        self._text = b""
        self._number = b""
        self._double = False
        self._chinese = False
        self._stuck: dict[int, int] = {}

    @property
    def paper(self) -> int:
        return self._paper

    @paper.setter
    def paper(self, tickets: int) -> None:
        self.load_paper(tickets)

    def load_paper(self, tickets: int) -> None:
        """A roll for so many tickets is in it now."""
        self._paper = tickets
        self._work()

    @property
    def cover_open(self) -> bool:
        return self._cover_open

    @cover_open.setter
    def cover_open(self, is_open: bool) -> None:
        self._cover_open = is_open
        self._work()

    @property
    def cutter_stuck(self) -> bool:
        return self._cutter_stuck

    @cutter_stuck.setter
    def cutter_stuck(self, is_stuck: bool) -> None:
        self._cutter_stuck = is_stuck
        self._work()

    def press(self, service: str) -> None:
        """A customer presses that service's key."""
        number = self.settings.services[service].pin
        if number is None:
            self.stage.line.send(f"{service}\r".encode("ascii"))
            return
        pin = self.stage.pin(number)
        pin.drive_low()
        self.stage.at(self.stage.now() + _PRESS_S, pin.drive_high)

    def call(self, counter: int) -> None:
        """A clerk presses the call key of that counter."""
        self.stage.line.send(f"#{counter}\r".encode("ascii"))

    def received(self, data: bytes) -> None:
        for byte in data:
            self._take(bytes([byte]))
        self._work()

    def _take(self, byte: bytes) -> None:
        if not self._command and byte[0] not in _LEADS:
            self._buffer.append(byte)
            return
        self._command += byte
        if len(self._command) < 2:
            return
        parameters = _COMMANDS.get(self._command[:2])
        if self._command.startswith((_CUT + b"A", _CUT + b"B")):
            parameters = 2  # these feed first, and say how far
        if parameters is None:
            self.errors.append(f"unknown command {self._command.hex()}")
            self._command = b""
        elif len(self._command) == 2 + parameters:
            command, self._command = self._command, b""
            if command.startswith(_DLE_EOT):
                self._answer(command[2])
            else:
                self._buffer.append(command)

    def _answer(self, question: int) -> None:
        if question not in (1, 2, 3, 4):
            self.errors.append(f"no such status {question}")
            return
        answer = self._status(question)
        if self.trouble is Trouble.STUCK:
            answer = self._stuck.setdefault(question, answer)
        else:
            self._stuck.clear()
        self.stage.at(self.stage.now() + self.answer_s, lambda: self.stage.line.send(bytes([answer])))

    def _status(self, question: int) -> int:
        no_paper = self._paper == 0
        bits = {
            1: 0x08 * (not self._works()),
            2: 0x04 * self._cover_open | 0x20 * no_paper | 0x40 * self._cutter_stuck,
            3: 0x08 * self._cutter_stuck,
            4: 0x0C * (self._paper < _NEAR_END) | 0x60 * no_paper,
        }
        return 0x12 | bits[question]

    def _works(self) -> bool:
        return self._paper > 0 and not self._cover_open and not self._cutter_stuck

    def _work(self) -> None:
        while self._buffer and self._works():
            self._do(self._buffer.popleft())

    def _do(self, what: bytes) -> None:
        name, parameter = what[:2], what[2:]
        if len(what) == 1:
            self._put(what)
        elif name == b"\x1b@":
            self._text, self._number, self._double, self._chinese = b"", b"", False, False
        elif name == b"\x1c&":
            self._chinese = True
        elif name == b"\x1d!":
            self._double = self._known(what, parameter, b"\x00\x11") == b"\x11"
        elif name == b"\x1ba":
            self._known(what, parameter, b"\x00\x01\x02")
        elif name == _CUT:
            self._known(what, parameter[:1], b"\x00\x01AB")
            self._cut()

    def _known(self, command: bytes, parameter: bytes, known: bytes) -> bytes:
        if parameter not in known:
            self.errors.append(f"bad parameter {command.hex()}")
        return parameter

    def _put(self, byte: bytes) -> None:
        if byte < b" " and byte != b"\n":
            self.errors.append(f"control character {byte.hex()}")
            return
        if byte >= b"\x80" and not self._chinese:
            self.errors.append(f"not in Chinese mode: {byte.hex()}")
        self._text += byte
        if self._double:
            self._number += byte

    def _cut(self) -> None:
        try:
            text = self._text.decode("gb18030")
        except UnicodeDecodeError as error:
            self.errors.append(str(error))
            text = self._text.decode("gb18030", "replace")
        number = self._number.decode("ascii", "replace").strip()
        self._text, self._number = b"", b""
        self._paper -= 1
        self.printed.append(text)
        if self.on_ticket is not None:
            self.on_ticket(number)


TWIN = EscPosTwin
