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
    """``wired`` says what each contact means."""

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


class Buttons(Rule):
    """Emergency keys: a press is over at once, what it raised stands until somebody has taken notice. ``raises`` says
    which code each key calls."""

    name = "buttons"
    quantities = ("button",)

    def __init__(self, raises: Mapping[str, str]) -> None:
        self._raises = raises

    def take(self, reading: Reading, moment: Moment) -> Iterable[Effect]:
        code = self._raises.get(reading.device)
        if code is not None:
            for active in (True, False):
                yield Condition(code, reading.device, active, KINDS[code].text, again=active, latch=True)
