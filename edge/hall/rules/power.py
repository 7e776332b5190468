"""POWER: the mains are out."""

from collections.abc import Iterable

from devices.reading import Reading
from edge.hall.alarms import KINDS
from edge.hall.flow import Condition, Effect, Moment, Rule


class Power(Rule):
    """Whoever watches the mains has held them long enough to be sure."""

    name = "power"
    quantities = ("mains",)

    def take(self, reading: Reading, moment: Moment) -> Iterable[Effect]:
        there = bool(reading.value)
        yield Condition("POWER", reading.device, not there, KINDS["POWER"].text, value="mains" if there else "no mains")
