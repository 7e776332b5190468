"""An RS-485 line with several Modbus slaves on it: who hears a question, when each answers, and what a collision leaves.

The line is the twin that a pty has; its slaves have no wire of their own. An adapter that is pulled out is the line's
trouble (:class:`devices.world.wires.FakeWires` knows it by the name of its port), a slave without power is the slave's.
"""

from typing import Any

from devices.world.twin import Stage, Trouble, Twin

_GAP_CHARACTERS = 3.5
_ILLEGAL_FUNCTION, _ILLEGAL_ADDRESS, _BUSY = 1, 2, 6


class Refusal(Exception):
    """The slave answers with an exception code."""


class ModbusTwin(Twin):
    """One slave. Parts say what stands in their registers; the rest is the same for all.

    ``delay_s``  between question and answer; ``baud``  as the device itself is set;
    ``stranger_s``  somebody else has the same address, and answers with other words after that long.
    """

    delay_s = 0.02
    stranger_s: float | None = None

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.slave: int = settings.slave
        self.baud = settings.baud
        self._questions = 0
        self._stuck: dict[bytes, list[int]] = {}

    def registers(self, function: int, address: int, count: int) -> list[int]:
        """What stands there, 0 to 65535 each. Raises Refusal."""
        raise Refusal(_ILLEGAL_ADDRESS)

    def write(self, address: int, value: int) -> None:
        """A register is written. Raises Refusal."""
        raise Refusal(_ILLEGAL_ADDRESS)

    def recover(self) -> None:
        super().recover()
        self._stuck.clear()

    def answers(self, question: bytes) -> list[tuple[float, bytes]]:
        """What is heard of its address after a question, each with the seconds until it begins."""
        if question[0] != self.slave or self.trouble in (Trouble.UNPLUGGED, Trouble.SILENT):
            return []
        answer = with_crc(self._answer(question))
        if self.trouble is Trouble.GARBLED:
            bit = self.stage.random.randrange(len(answer) * 8)
            answer = bytes(byte ^ (1 << bit % 8 if place == bit // 8 else 0) for place, byte in enumerate(answer))
        if self.stranger_s is None:
            return [(self.delay_s, answer)]
        other = bytes(byte ^ 0x15 if place >= 3 else byte for place, byte in enumerate(answer[:-2]))
        return [(self.delay_s, answer), (self.stranger_s, with_crc(other))]

    def _answer(self, question: bytes) -> bytes:
        function, address, value = question[1], int.from_bytes(question[2:4]), int.from_bytes(question[4:6])
        self._questions += 1
        try:
            if self.trouble is Trouble.BUSY and self._questions % 2:
                raise Refusal(_BUSY)
            if function in (3, 4):
                words = self._read(question, function, address, value)
                return question[:2] + bytes([2 * len(words)]) + b"".join(word.to_bytes(2) for word in words)
            if function == 6:
                self.write(address, value)
                return question[:6]
            raise Refusal(_ILLEGAL_FUNCTION)
        except Refusal as refusal:
            return bytes([question[0], function | 0x80, refusal.args[0]])

    def _read(self, question: bytes, function: int, address: int, count: int) -> list[int]:
        if self.trouble is Trouble.STUCK and question in self._stuck:
            return self._stuck[question]
        words = self.registers(function, address, count)
        self._stuck[question] = words
        return words


class Rs485(Twin):
    """The pair of wires and its adapter. ``echo``: the adapter hears itself; ``swapped``: A is on B."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.baud = settings.baud
        self.echo: bool = settings.echo
        self.swapped = False
        self.slaves: list[ModbusTwin] = []
        self._question = b""
        self._came_at = -1.0
        self._busy_until = -1.0

    def received(self, data: bytes) -> None:
        now, character_s = self.stage.now(), 10 / self.baud
        if self.echo:
            self.stage.line.send(data)
        too_soon = now < self._busy_until + _GAP_CHARACTERS * character_s
        self._question = data if now != self._came_at else self._question + data
        self._came_at = now
        ends = now + len(data) * character_s
        self._busy_until = max(self._busy_until, ends)
        if too_soon or self.swapped or len(self._question) < 4 or crc16(self._question):
            return
        heard = [twin for twin in self.slaves if twin.baud == self.baud]
        answers = [
            (round((ends + delay_s - now) / character_s), answer)
            for twin in heard
            for delay_s, answer in twin.answers(self._question)
        ]
        for begins, frame in _on_one_pair(answers):
            at = now + begins * character_s
            self.stage.at(at, lambda frame=frame: self.stage.line.send(frame))  # type: ignore[misc]  # mypy cannot type a default
            self._busy_until = max(self._busy_until, at + len(frame) * character_s)


def _on_one_pair(answers: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """What is heard, by the character at which it begins: where two speak at once, a zero wins (the stronger level)."""
    heard: dict[int, int] = {}
    for begins, answer in answers:
        for place, byte in enumerate(answer, begins):
            heard[place] = heard.get(place, 0xFF) & byte
    runs: list[tuple[int, bytes]] = []
    for place in sorted(heard):
        if runs and runs[-1][0] + len(runs[-1][1]) == place:
            runs[-1] = (runs[-1][0], runs[-1][1] + bytes([heard[place]]))
        else:
            runs.append((place, bytes([heard[place]])))
    return runs


def crc16(data: bytes) -> int:
    """CRC-16/MODBUS: A001 reflected, from FFFF; over a whole frame it is 0."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def with_crc(body: bytes) -> bytes:
    """The frame: its check value behind it, the low byte first."""
    return body + crc16(body).to_bytes(2, "little")
