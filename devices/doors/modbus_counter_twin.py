"""A counter as its line sees it: two totals that go on while nobody asks, and are lost with its power or are not."""

from typing import Any

from devices.world.modbus import ModbusTwin, Refusal
from devices.world.twin import Stage, Trouble

_ILLEGAL_ADDRESS = 2
_APART_S = 0.05  # as close as one can follow another without being one to the counter


class ModbusCounterTwin(ModbusTwin):
    """``walk`` and the rest are a doorway's; ``totals`` may be set: people in, people out."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.busy_until = stage.now()
        self.totals = [0, 0]
        self._blocked_until = stage.now()

    def walk(self, direction: int, *, duration_s: float = 0.6) -> None:
        """Somebody goes in (+1) or out (-1), beginning now; counted when through."""
        self.stage.at(self.stage.now() + duration_s, lambda: self.count(direction))
        self._busy(duration_s)

    def turn_back(self, direction: int, *, duration_s: float = 0.8) -> None:
        """Somebody begins to go in or out and goes back: such a counter says nothing of it."""
        self._busy(duration_s)

    def block(self, seconds: float, beam: int = 0) -> None:
        """Something stands in the doorway for so long: nobody is counted, and the counter says nothing of it."""
        self._blocked_until = max(self._blocked_until, self.stage.now() + seconds)

    def count(self, direction: int) -> None:
        if self.trouble is Trouble.UNPLUGGED or self.stage.now() < self._blocked_until:
            return
        way = 0 if direction > 0 else 1
        self.totals[way] = (self.totals[way] + 1) % self.settings.top

    def clear(self) -> None:
        """Somebody sets it to nothing, or its power was gone."""
        self.totals = [0, 0]

    def recover(self) -> None:
        if self.trouble is Trouble.UNPLUGGED and self.settings.lost_without_power:
            self.clear()
        super().recover()

    def registers(self, function: int, address: int, count: int) -> list[int]:
        there = self._words() if function == self.settings.function else {}
        if not all(place in there for place in range(address, address + count)):
            raise Refusal(_ILLEGAL_ADDRESS)
        return [there[place] for place in range(address, address + count)]

    def _busy(self, seconds: float) -> None:
        self.busy_until = max(self.busy_until, self.stage.now() + seconds + _APART_S)

    def _words(self) -> dict[int, int]:
        there: dict[int, int] = {}
        for first, total in zip((self.settings.enter, self.settings.leave), self.totals, strict=True):
            if first is None:
                continue
            words = [total] if self.settings.bits == 16 else [total >> 16, total & 0xFFFF]
            if self.settings.word_order == "low-first":
                words.reverse()
            there.update(enumerate(words, first))
        return there


TWIN = ModbusCounterTwin
