"""A relay board and its load. Unplugged, the load is off; stuck, its contacts are welded and it stays as it was."""

from collections.abc import Callable
from typing import Any

from devices.world.twin import Stage, Trouble, Twin

# gpiozero's mock tells nobody when an output changes, so it is looked at. No fan turns the air round in a second.
_LOOK_S = 1.0


class RelayTwin(Twin):
    """``on`` is the load's state; ``watch`` tells of its changes."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self._pin: Any = stage.pin(settings.pins[0])
        self._welded = False
        self._watchers: list[Callable[[bool], None]] = []
        self._told = False

    @property
    def on(self) -> bool:
        if self.trouble is Trouble.STUCK:
            return self._welded
        # The board's own resistor holds an input that nobody drives at its off side.
        driven = self._pin.function == "output" and self.trouble is not Trouble.UNPLUGGED
        return driven and bool(self._pin.state) != self.settings.active_low

    def watch(self, callback: Callable[[bool], None]) -> None:
        """From now on called with the new state within a second of each change."""
        if not self._watchers:
            self._told = self.on
            self.stage.at(self.stage.now() + _LOOK_S, self._look)
        self._watchers.append(callback)

    def suffer(self, trouble: Trouble) -> None:
        self._welded = self.on
        super().suffer(trouble)

    def _look(self) -> None:
        on = self.on
        if on != self._told:
            self._told = on
            for callback in self._watchers:
                callback(on)
        self.stage.at(self.stage.now() + _LOOK_S, self._look)


TWIN = RelayTwin
