"""Dry contacts: each change is an entry, and a contact that leaves its normal state raises what it stands for."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from devices.reading import Reading
from edge.hall.alarms import KINDS
from edge.hall.flow import Condition, Effect, Moment, Rule
from mqtt.messages import Contact


@attrs.frozen
class Wired:
    """What a contact means: its code (None: only recorded) and the state in which all is well."""

    raises: str | None
    normally_closed: bool


class Contacts(Rule):
    name = "contacts"
    quantities = ("closed",)

    def __init__(self, wired: Mapping[str, Wired]) -> None:
        self._wired = wired
        self._closed: dict[str, bool] = {}

    def take(self, reading: Reading, moment: Moment) -> Iterable[Effect]:
        closed = bool(reading.value)
        if self._closed.get(reading.device) == closed:
            return
        self._closed[reading.device] = closed
        yield Contact(device=reading.device, closed=closed)
        wired = self._wired.get(reading.device)
        if wired is not None and wired.raises is not None:
            yield Condition(
                wired.raises,
                reading.device,
                closed != wired.normally_closed,
                KINDS[wired.raises].text,
                value="closed" if closed else "open",
            )

    def save(self) -> Any:
        return {"closed": self._closed}

    def restore(self, state: Any) -> None:
        self._closed = dict(state["closed"])
