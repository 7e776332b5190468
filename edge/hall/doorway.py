"""Passages through the doors, and from them the occupancy: how many visitors are in the hall."""

from collections.abc import Iterable
from typing import Any

from devices.reading import Reading
from edge.hall.flow import Day, Effect, Moment, Rule
from mqtt.messages import Passage


class Doorway(Rule):
    """All doors of the hall together. Every passage is one entry, at its own instant.

    ``span_s`` of an entry is the time since the door's entry before it, so that the spans tile the day and sums and
    rates come out right for whoever adds them up. Doors miscount; the occupancy never goes below zero, and begins at
    zero each local day.
    """

    name = "doorway"
    quantities = ("passage",)

    def __init__(self) -> None:
        self.occupancy = 0
        self.entered_today = 0
        self.left_today = 0
        self._last_wall: dict[str, float] = {}
        self._day_began = 0.0

    def take(self, reading: Reading, moment: Moment) -> Iterable[Effect]:
        people = int(reading.value)  # a counter that is read now and then tells several at once
        came, went = max(0, people), max(0, -people)
        self.entered_today += came
        self.left_today += went
        self.occupancy = max(0, self.occupancy + people)
        since = self._last_wall.get(reading.device, self._day_began)
        self._last_wall[reading.device] = moment.wall
        yield Passage(
            device=reading.device,
            span_s=round(max(0.0, moment.wall - since), 1),
            in_=came,
            out=went,
            occupancy=self.occupancy,
        )

    def begin_day(self, day: Day) -> None:
        self.occupancy = self.entered_today = self.left_today = 0
        self._last_wall.clear()
        self._day_began = day.begins

    def save(self) -> Any:
        return {
            "occupancy": self.occupancy,
            "entered": self.entered_today,
            "left": self.left_today,
            "last": self._last_wall,
            "began": self._day_began,
        }

    def restore(self, state: Any) -> None:
        self.occupancy = state["occupancy"]
        self.entered_today = state["entered"]
        self.left_today = state["left"]
        self._last_wall = dict(state["last"])
        self._day_began = state["began"]
