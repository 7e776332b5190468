"""CROWD: the hall is full; people are held at the door until there is room again."""

from collections.abc import Iterable

import attrs
from attrs import validators

from edge.hall.doorway import Doorway
from edge.hall.flow import Condition, Effect, Moment, Rule


@attrs.frozen(kw_only=True)
class Settings:
    """Shares of capacity: ``full`` raises the alarm, below ``warn`` it is over."""

    warn: float = attrs.field(default=0.8, validator=[validators.gt(0), validators.le(2)])
    full: float = attrs.field(default=1.0, validator=[validators.gt(0), validators.le(2)])


class Crowd(Rule):
    """Judged after every passage, so it is never late. The gap between the shares keeps the alarm from flapping."""

    name = "crowd"

    def __init__(self, settings: Settings, doorway: Doorway, capacity: int) -> None:
        self._doorway = doorway
        self._capacity = capacity
        self._full = settings.full * capacity
        self._warn = settings.warn * capacity
        self._judged = -1

    def tick(self, moment: Moment) -> Iterable[Effect]:
        inside = self._doorway.occupancy
        if inside == self._judged:
            return
        self._judged = inside
        if inside >= self._full or inside < self._warn:
            yield Condition(
                "CROWD",
                "hall",
                inside >= self._full,
                {
                    "zh": f"厅内 {inside} 人，可容纳 {self._capacity} 人：请在门口限流，出一人进一人",
                    "en": f"{inside} people inside, room for {self._capacity}: hold people at the door, "
                    "one in for one out",
                },
                value=inside,
                limit=self._full,
            )
