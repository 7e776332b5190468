"""PN532 as its line sees it: asleep until woken, idle until configured, one command at a time, each acknowledged."""

from typing import Any

from devices.hygiene.pn532 import ACK, Frame, cut_frame, frame_of
from devices.serialport import Deframer
from devices.world.twin import Stage, Trouble, Twin

_ERROR = bytes.fromhex("0000ff01ff7f8100")
_ACK_S, _WORK_S, _LOOK_S = 0.001, 0.003, 0.03
_VERSION = bytes.fromhex("0332010607")


class Pn532Twin(Twin):
    """``present`` holds a card before it; ``die`` and ``hang`` are what it does by itself.

    ``every_other``  the card answers every other time only, as some do. ``commands`` is what it has been told.
    """

    baud = 115200

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.every_other = False
        self.commands: list[bytes] = []
        self._frames = Deframer(cut_frame)
        self._card = ""
        self._until = 0.0
        self._looks = 0
        self._stuck = b""
        self.power_cycle()

    def present(self, card: str, seconds: float = 1.0) -> None:
        """A card with that UID (8, 14 or 20 hex digits; of any other number of them the last 8) is there for that long."""
        self._card = card.upper() if len(card) in (8, 14, 20) else card.upper()[-8:]
        self._until = self.stage.now() + seconds

    def power_cycle(self) -> None:
        """Its supply was interrupted: it sleeps, and knows no settings."""
        self._awake = self._configured = False
        self._retries = 0xFF
        self._deaf = self._hung = False
        self._task = 0  # counts commands, so that one that was given up stays so
        self._frames.clear()

    def die(self) -> None:
        """It acknowledges, and never answers, until it is told to give up (Tasmota#14236)."""
        self._deaf = True

    def hang(self) -> None:
        """It does nothing any more until its supply is interrupted."""
        self._hung = True

    def answer_late(self, data: bytes) -> None:
        """It still says what it was asked before (esphome/issues#3281)."""
        self.stage.line.send(frame_of(0xD5, data))

    def recover(self) -> None:
        if self.trouble is Trouble.UNPLUGGED:
            self.power_cycle()
        super().recover()

    def received(self, data: bytes) -> None:
        if self._hung:
            return
        if not self._awake:
            if b"\x55" not in data:
                return
            self._awake = True
            data = data[data.rindex(b"\x55") + 1 :]
        for frame in self._frames.feed(data):
            self._take(frame)

    def _take(self, frame: Frame) -> None:
        if frame.data is None:
            return  # it acknowledges nothing that arrived wrong
        self._task += 1
        if not frame.data:
            self._deaf = False
            return
        self.commands.append(frame.data)
        self._later(_ACK_S, ACK)
        if self._deaf:
            return
        answer = self._do(frame.data[1:]) if frame.data[0] == 0xD4 else _ERROR
        if answer is not None:
            self._later(_ACK_S + _WORK_S, answer)

    def _do(self, command: bytes) -> bytes | None:
        if command == b"\x02":
            return frame_of(0xD5, _VERSION)
        if command[0] == 0x14 and len(command) == 4:
            self._configured = True
            return frame_of(0xD5, b"\x15")
        if command[:2] == b"\x32\x05" and len(command) == 5:
            self._retries = command[4]
            return frame_of(0xD5, b"\x33")
        if command == b"\x4a\x01\x00" and self._configured:
            task = self._task
            self.stage.at(self.stage.now() + _ACK_S, lambda: self._look(task))
            return None
        return _ERROR

    def _look(self, task: int) -> None:
        """For a card, until there is one, or for as long as it has been told."""
        if task != self._task:
            return
        there = self.stage.now() < self._until
        self._looks += there
        if there and self.every_other and self._looks % 2 == 0:
            there = False
        if there or self._retries != 0xFF:
            card = bytes.fromhex(self._card) if there else b""
            found = frame_of(0xD5, b"\x4b\x01\x01\x00\x04\x08" + bytes([len(card)]) + card if there else b"\x4b\x00")
            self._later(_LOOK_S, self._same(found))
        else:
            self.stage.at(self.stage.now() + _LOOK_S, lambda: self._look(task))

    def _same(self, answer: bytes) -> bytes:
        if self.trouble is Trouble.STUCK:
            self._stuck = self._stuck or answer
            return self._stuck
        self._stuck = b""
        return answer

    def _later(self, seconds: float, data: bytes) -> None:
        task = self._task
        self.stage.at(self.stage.now() + seconds, lambda: self.stage.line.send(data) if task == self._task else None)


TWIN = Pn532Twin
