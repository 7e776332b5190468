"""A queue machine's callers as their line sees them: a frame for each thing that happens, if the hall file names its command."""

from typing import Any

from devices.tickets.machine import Machine
from devices.tickets.queue_serial import check_value
from devices.world.twin import Stage, Trouble

_CONTROLLER = 0x00


class QueueSerialTwin(Machine):
    """Stuck, it says its last frame again whatever happens. ``repeats`` is how often it says each."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.baud = settings.baud
        self.repeats = 1
        self._commands = {step: int(byte, 16) for byte, step in settings.commands.items()}
        self._addresses = {counter: int(byte, 16) for byte, counter in settings.counters.items()}
        self._last = b""

    def tell(self, step: str, number: str, service: str, counter: int | None) -> None:
        if step not in self._commands:
            return
        address = _CONTROLLER if counter is None else self._addresses.get(counter, counter)
        sent = frame(address, self._commands[step], self._data(number), self.settings.check)
        if self.trouble is not Trouble.STUCK or not self._last:
            self._last = sent
        for _ in range(self.repeats):
            self.stage.line.send(self._last)

    def say(self, command: int, data: bytes = b"", address: int = _CONTROLLER) -> None:
        """Something else that passes on such a line."""
        self.stage.line.send(frame(address, command, data, self.settings.check))

    def _data(self, number: str) -> bytes:
        digits = "".join(character for character in number if character.isdecimal())
        match self.settings.number_as:
            case "ascii":
                data = number.encode("ascii")
            case "bcd":
                data = bytes.fromhex(digits.zfill(2 * (self.settings.number_bytes or 2)))
            case _:
                data = int(digits).to_bytes(self.settings.number_bytes or 2)
        return bytes(self.settings.number_at) + data


def frame(address: int, command: int, data: bytes, check: str = "sum8") -> bytes:
    body = bytes([address, command]) + data
    return bytes([0xFF, 0x68, len(body), len(body), 0x68]) + body + bytes([check_value(body, check), 0x16])


TWIN = QueueSerialTwin
