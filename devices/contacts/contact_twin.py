"""A contact loop and the hand on its button. Unplugged is a cut loop: open. Stuck and silent: it stays as it is."""

from typing import Any

from devices.world.twin import Stage, Trouble, Twin

_BOUNCE_S = 0.001


class ContactTwin(Twin):
    """Begins in its normal state. Garbled, it bounces at every change."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self._normal = settings.normally == "closed"
        self._closed = self._normal
        self._bounced = False
        self._level = True
        self._pressed = 0
        self._pin = stage.pin(settings.pins[0])
        self._drive()

    def set(self, closed: bool) -> None:
        """From now on the contact is so."""
        self._pressed += 1
        self._change(closed)

    def press(self, seconds: float) -> None:
        """The contact leaves its normal state for so long; what is done to it after that, wins."""
        self.set(not self._normal)
        mine = self._pressed
        self.stage.at(self.stage.now() + seconds, lambda: self._release(mine))

    def suffer(self, trouble: Trouble) -> None:
        super().suffer(trouble)
        self._drive()

    def recover(self) -> None:
        super().recover()
        self._drive()

    def _release(self, press: int) -> None:
        if press == self._pressed:
            self._change(self._normal)

    def _change(self, closed: bool) -> None:
        self._closed = closed
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
            self._level = self._closed == self._bounced
        if self._level:
            self._pin.drive_high()
        else:
            self._pin.drive_low()


TWIN = ContactTwin
