"""A push button, the hand on it, and its lamp.

Unplugged is a cut cable: never pressed, and dark. Stuck and silent: it stays as it is, whatever is done to it. Garbled:
it bounces at every change.
"""

from typing import Any

from devices.world.twin import Stage, Trouble, Twin

_BOUNCE_S = 0.001


class ButtonTwin(Twin):
    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self._pin = stage.pin(settings.pins[0])
        self._lamp: Any = None if settings.lamp is None else stage.pin(settings.lamp)
        self._down = False
        self._bounced = False
        self._level = True
        self._hands = 0
        self._drive()

    @property
    def lamp(self) -> bool:
        """Whether it lights."""
        if self._lamp is None or self.trouble is Trouble.UNPLUGGED:
            return False
        return self._lamp.function == "output" and bool(self._lamp.state)

    def set(self, down: bool) -> None:
        """From now on it is held down, or let go."""
        self._hands += 1
        self._change(down)

    def press(self, seconds: float = 0.3) -> None:
        """Somebody holds it for so long; what is done to it after that, wins."""
        self.set(True)
        mine = self._hands
        self.stage.at(self.stage.now() + seconds, lambda: self._let_go(mine))

    def suffer(self, trouble: Trouble) -> None:
        super().suffer(trouble)
        self._drive()

    def recover(self) -> None:
        super().recover()
        self._drive()

    def _let_go(self, hand: int) -> None:
        if hand == self._hands:
            self._change(False)

    def _change(self, down: bool) -> None:
        self._down = down
        self._drive()
        if self.trouble is Trouble.GARBLED:
            for bounce in range(1, 5):
                self.stage.at(self.stage.now() + bounce * _BOUNCE_S, self._bounce)

    def _bounce(self) -> None:
        self._bounced = not self._bounced
        self._drive()

    def _drive(self) -> None:
        if self.trouble is Trouble.UNPLUGGED:
            self._level = True
        elif self.trouble not in (Trouble.STUCK, Trouble.SILENT):
            self._level = self._down == self._bounced
        if self._level:
            self._pin.drive_high()
        else:
            self._pin.drive_low()


TWIN = ButtonTwin
