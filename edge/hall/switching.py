"""What the hall switches by itself: an output is on while an alarm of its code is active."""

from collections.abc import Iterable, Mapping

from edge.hall.alarms import Alarms
from edge.hall.flow import Action, Effect, Health, Moment, Rule


class Switching(Rule):
    """``outputs`` says which code each output follows. Its state is told again when it comes back."""

    name = "switching"

    def __init__(self, outputs: Mapping[str, str], alarms: Alarms) -> None:
        self._outputs = outputs
        self._alarms = alarms
        self._told: dict[str, bool] = {}

    def report(self, health: Health) -> None:
        """An output that failed or has just come back is in its safe state: tell it anew."""
        if health.device in self._outputs:
            self._told.pop(health.device, None)

    def tick(self, moment: Moment) -> Iterable[Effect]:
        for device, code in self._outputs.items():
            on = self._alarms.is_active(code)
            if self._told.get(device) != on:
                self._told[device] = on
                yield Action(device, "switch", {"on": on})
