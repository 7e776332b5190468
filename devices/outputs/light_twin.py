"""An entry light and who looks at it. Unplugged, it is dark; stuck, it shows what it showed."""

from collections.abc import Callable
from typing import Any

from devices.world.twin import Stage, Trouble, Twin

_COLOURS = ("green", "amber", "red")
# As long as somebody at the door needs to see it.
_LOOK_S = 1.0


class LightTwin(Twin):
    """``colours`` are those that are lit; ``watch`` tells of changes. ``burnt`` lamps light no more."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.burnt: set[str] = set()
        self._pins: dict[str, Any] = dict(zip(_COLOURS, map(stage.pin, settings.pins), strict=True))
        self._stuck: tuple[str, ...] = ()
        self._watchers: list[Callable[[str], None]] = []
        self._told = self.colour

    @property
    def colours(self) -> tuple[str, ...]:
        if self.trouble is Trouble.STUCK:
            return self._stuck
        return tuple(colour for colour, pin in self._pins.items() if colour not in self.burnt and self._is_driven(pin))

    @property
    def colour(self) -> str:
        """As a visitor would say it."""
        return " and ".join(self.colours) or "off"

    def watch(self, callback: Callable[[str], None]) -> None:
        """From now on called with the new colour within a second of each change."""
        if not self._watchers:
            self._told = self.colour
            self.stage.at(self.stage.now() + _LOOK_S, self._look)
        self._watchers.append(callback)

    def suffer(self, trouble: Trouble) -> None:
        self._stuck = self.colours
        super().suffer(trouble)

    def _is_driven(self, pin: Any) -> bool:
        # The board's own resistor holds an input that nobody drives at its off side.
        driven = pin.function == "output" and self.trouble is not Trouble.UNPLUGGED
        return bool(driven and bool(pin.state) != self.settings.active_low)

    def _look(self) -> None:
        colour = self.colour
        if colour != self._told:
            self._told = colour
            for callback in self._watchers:
                callback(colour)
        self.stage.at(self.stage.now() + _LOOK_S, self._look)


TWIN = LightTwin
