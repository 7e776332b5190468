"""PATROL: staff walk the hall at least every two hours (domain: business hours).

What is recorded now is that somebody was at a point: a button there, or its code scanned. Whether a patrol is overdue is
not judged yet; ``every_h`` is kept for that.
"""

from collections.abc import Iterable, Mapping

import attrs
from attrs import validators

from devices.reading import Reading
from edge.hall.flow import Effect, Moment, Rule
from edge.hall.site import ZONES
from mqtt.messages import Patrol


@attrs.frozen(kw_only=True)
class Settings:
    """``every_h``  hours between two patrols at the most."""

    every_h: float = attrs.field(default=2.0, validator=[validators.gt(0), validators.le(12)])


class Patrols(Rule):
    """``points`` says where each button hangs; a code says itself where it is."""

    name = "patrols"
    quantities = ("button", "code")

    def __init__(self, points: Mapping[str, str]) -> None:
        self._points = points

    def take(self, reading: Reading, moment: Moment) -> Iterable[Effect]:
        if reading.quantity == "button":
            point = self._points.get(reading.device)
            if point is not None:
                yield Patrol(point=point, by=reading.device)
            return
        where, _, who = str(reading.value).partition(" ")
        if where not in ZONES:  # a zone's code is its disinfection
            yield Patrol(point=where, by=who)
