"""A people counter's pulse outputs: one pulse for each who has gone through, on the pin of their direction.

Unplugged and silent are the same cut cable: the lines float up. With ``pulse: low`` that looks like a doorway nobody
uses, with ``pulse: high`` like contacts that hang. Stuck lines stay as they are; garbled ones bounce at every edge.
"""

from typing import Any

from devices.world.twin import Stage, Trouble, Twin

_BOUNCE_S = 0.0005
_APART_S = 0.05  # as close as one can follow another without touching


class PulseCounterTwin(Twin):
    """Its counting is right; ``spike``, ``storm`` and ``block`` are what its cable does to it."""

    def __init__(self, settings: Any, stage: Stage, pulse_s: float = 0.1) -> None:
        super().__init__(settings, stage)
        self.pulse_s = pulse_s
        self.busy_until = stage.now()
        self._pins: list[Any] = [stage.pin(number) for number in settings.pins]
        self._held = [0] * len(self._pins)  # how many hold that contact closed
        self._bounced = [False] * len(self._pins)
        self._levels = [True] * len(self._pins)
        self._free_at = [stage.now()] * len(self._pins)  # when its last pulse is over
        self._owed = [0] * len(self._pins)  # passages on the way to a pulse of several
        self._drive()

    def walk(self, direction: int, *, duration_s: float = 0.6) -> None:
        """Somebody goes in (+1) or out (-1), beginning now; the pulse comes when they are through."""
        self.busy_until = max(self.busy_until, self.stage.now() + duration_s + _APART_S)
        number = {1: 0, -1: 1}[direction]
        if number < len(self._pins):
            self.stage.at(self.stage.now() + duration_s, lambda: self._count(number))

    def turn_back(self, direction: int, *, duration_s: float = 0.8) -> None:
        """Somebody begins to go in (+1) or out (-1) and goes back: that, it knows by itself."""
        self.busy_until = max(self.busy_until, self.stage.now() + duration_s + _APART_S)

    def block(self, seconds: float, number: int = 0) -> None:
        """That contact hangs for so long."""
        self._hold(number, self.stage.now(), seconds)

    def spike(self, seconds: float, number: int = 0) -> None:
        """That line is disturbed for so long, now."""
        self._hold(number, self.stage.now(), seconds)

    def storm(self, pulses: int, per_s: float, number: int = 0) -> None:
        """So many pulses that are none, half on and half off."""
        for pulse in range(pulses):
            self._hold(number, self.stage.now() + pulse / per_s, 0.5 / per_s)

    def suffer(self, trouble: Trouble) -> None:
        super().suffer(trouble)
        self._drive()

    def recover(self) -> None:
        super().recover()
        self._drive()

    def _count(self, number: int) -> None:
        self._owed[number] += 1
        if self._owed[number] < self.settings.people:
            return
        self._owed[number] = 0
        begin = max(self.stage.now(), self._free_at[number])
        self._hold(number, begin, self.pulse_s)
        self._free_at[number] = begin + 2 * self.pulse_s

    def _hold(self, number: int, begin: float, seconds: float) -> None:
        self.stage.at(begin, lambda: self._contact(number, 1))
        self.stage.at(begin + seconds, lambda: self._contact(number, -1))

    def _contact(self, number: int, change: int) -> None:
        self._held[number] += change
        self._drive()
        if self.trouble is Trouble.GARBLED:
            for bounce in range(1, 5):
                self.stage.at(self.stage.now() + bounce * _BOUNCE_S, lambda: self._bounce(number))

    def _bounce(self, number: int) -> None:
        self._bounced[number] = not self._bounced[number]
        self._drive()

    def _drive(self) -> None:
        if self.trouble is not Trouble.STUCK:
            self._levels = [self._level(number) for number in range(len(self._pins))]
        for pin, high in zip(self._pins, self._levels, strict=True):
            if high:
                pin.drive_high()
            else:
                pin.drive_low()

    def _level(self, number: int) -> bool:
        if self.trouble in (Trouble.UNPLUGGED, Trouble.SILENT):
            return True
        pulse = (self._held[number] > 0) != self._bounced[number]
        high: bool = pulse == (self.settings.pulse == "high")
        return high


TWIN = PulseCounterTwin
