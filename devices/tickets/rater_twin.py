"""Satisfaction keypads as their line sees them. Stuck, a key repeats for ever."""

from typing import Any

from devices.world.twin import Stage, Trouble, Twin

_REPEAT_S = 0.2


class RaterTwin(Twin):
    """``rate`` is what a customer does."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.end = b"\r"
        self._presses = 0

    def rate(self, counter: int, score: int) -> None:
        """A customer presses that key (1 to 5) at that counter."""
        self._presses += 1
        self._press(f"{counter}:{score}".encode("ascii"), self._presses)

    def _press(self, line: bytes, press: int) -> None:
        self.stage.line.send(line + self.end)
        self.stage.at(self.stage.now() + _REPEAT_S, lambda: self._hold(line, press))

    def _hold(self, line: bytes, press: int) -> None:
        if self.trouble is Trouble.STUCK and press == self._presses:
            self._press(line, press)


TWIN = RaterTwin
