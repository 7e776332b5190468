"""Two break beams as bodies break them: a beam is broken while at least one body stands in it.

Unplugged and silent are the same cut cable: both lines float up. With ``broken: low`` that looks like a doorway
nobody uses, with ``broken: high`` like one that is blocked. Stuck lines stay as they are; garbled ones bounce at
every edge.
"""

from typing import Any

from devices.world.twin import Stage, Trouble, Twin

_BOUNCE_S = 0.001
_APART_S = 0.05  # as close as one can follow another without touching


class BeamsTwin(Twin):
    """``busy_until`` is when the next one can set out: people queue single file by it."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.busy_until = stage.now()
        self._bodies = [0, 0]
        self._bounced = [False, False]
        self._levels = [True, True]
        self._pins: list[Any] = [stage.pin(number) for number in settings.pins]
        self._drive()

    def walk(self, direction: int, *, duration_s: float = 0.6) -> None:
        """Somebody goes in (+1) or out (-1), beginning now."""
        first, last = _order(direction)
        third = duration_s / 3
        self._stand(first, 0.0, 2 * third)
        self._stand(last, third, duration_s)
        self._busy(duration_s)

    def turn_back(self, direction: int, *, duration_s: float = 0.8) -> None:
        """Somebody begins to go in (+1) or out (-1), stands in both beams, and goes back."""
        first, last = _order(direction)
        self._stand(first, 0.0, duration_s)
        self._stand(last, duration_s / 4, duration_s * 3 / 4)
        self._busy(duration_s)

    def block(self, seconds: float, beam: int = 0) -> None:
        """Something is left in a beam (0 outer, 1 inner) for so long."""
        self._stand(beam, 0.0, seconds)

    def chatter(self, beam: int = 0) -> None:
        """That beam's output bounces twice, now; it ends as it was."""
        for bounce in range(1, 5):
            self.stage.at(self.stage.now() + bounce * _BOUNCE_S, lambda: self._bounce(beam))

    def suffer(self, trouble: Trouble) -> None:
        super().suffer(trouble)
        self._drive()

    def recover(self) -> None:
        super().recover()
        self._drive()

    def _stand(self, beam: int, begin_s: float, end_s: float) -> None:
        now = self.stage.now()
        self.stage.at(now + begin_s, lambda: self._enter(beam, 1))
        self.stage.at(now + end_s, lambda: self._enter(beam, -1))

    def _busy(self, seconds: float) -> None:
        self.busy_until = max(self.busy_until, self.stage.now() + seconds + _APART_S)

    def _enter(self, beam: int, bodies: int) -> None:
        self._bodies[beam] += bodies
        self._drive()
        if self.trouble is Trouble.GARBLED:
            self.chatter(beam)

    def _bounce(self, beam: int) -> None:
        self._bounced[beam] = not self._bounced[beam]
        self._drive()

    def _drive(self) -> None:
        if self.trouble is not Trouble.STUCK:
            self._levels = [self._level(beam) for beam in (0, 1)]
        for pin, high in zip(self._pins, self._levels, strict=True):
            if high:
                pin.drive_high()
            else:
                pin.drive_low()

    def _level(self, beam: int) -> bool:
        if self.trouble in (Trouble.UNPLUGGED, Trouble.SILENT):
            return True
        broken = (self._bodies[beam] > 0) != self._bounced[beam]
        high: bool = broken == (self.settings.broken == "high")
        return high


def _order(direction: int) -> tuple[int, int]:
    return {1: (0, 1), -1: (1, 0)}[direction]


TWIN = BeamsTwin
