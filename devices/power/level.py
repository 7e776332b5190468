"""The far end of a yes or no on one pin, for simulators. Unplugged, the board's pull-up has it: high."""

from devices.world.twin import Stage, Trouble, Twin


class Level:
    """``set`` says yes or no; ``chatter`` lets it change its mind for a while."""

    def __init__(self, twin: Twin, stage: Stage, pin: int, yes: str) -> None:
        self._twin = twin
        self._stage = stage
        self._pin = stage.pin(pin)
        self._yes_is_high = yes == "high"
        self._yes = True
        self._chatters = 0
        self._high = self._yes_is_high
        self.drive()

    @property
    def yes(self) -> bool:
        return self._yes

    def set(self, yes: bool) -> None:
        """From now on it is so."""
        self._chatters += 1
        self._yes = yes
        self.drive()

    def chatter(self, seconds: float, every_s: float) -> None:
        """It changes every so often, and then is as it was."""
        self._chatters += 1
        mine, began, was = self._chatters, self._stage.now(), self._yes

        def change() -> None:
            if mine != self._chatters:
                return
            over = self._stage.now() >= began + seconds
            self._yes = was if over else not self._yes
            self.drive()
            if not over:
                self._stage.at(self._stage.now() + every_s, change)

        change()

    def drive(self) -> None:
        """Put the level on the wire, as far as the twin's trouble lets it."""
        if self._twin.trouble is Trouble.UNPLUGGED:
            self._high = True
        elif self._twin.trouble not in (Trouble.STUCK, Trouble.SILENT):
            self._high = self._yes == self._yes_is_high
        if self._high:
            self._pin.drive_high()
        else:
            self._pin.drive_low()


class HeldTwin(Twin):
    """A part that is nothing but such a pin. Begins with yes. Garbled, it chatters at every change."""

    _CHATTER_S, _EVERY_S = 2.0, 0.3

    def __init__(self, settings: object, stage: Stage) -> None:
        super().__init__(settings, stage)
        self._level = Level(self, stage, self.settings.pins[0], self.settings.yes)

    def set(self, yes: bool) -> None:
        """From now on it is so."""
        self._level.set(yes)
        if self.trouble is Trouble.GARBLED:
            self._level.chatter(self._CHATTER_S, self._EVERY_S)

    def chatter(self, seconds: float, every_s: float = 0.3) -> None:
        """It changes every so often, and then is as it was."""
        self._level.chatter(seconds, every_s)

    def suffer(self, trouble: Trouble) -> None:
        super().suffer(trouble)
        self._level.drive()

    def recover(self) -> None:
        super().recover()
        self._level.drive()
