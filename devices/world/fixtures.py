"""The hall's devices as the world sees them: what stands there, and which of them answer at present.

The world knows from the beginning what is in the hall file, because people go past a thermometer even while nobody
listens to it. The twins come later, when there is a gateway to talk to; without them the same things happen, unseen.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from devices.part import Settings
from devices.world.twin import Trouble


class Door(Protocol):
    def walk(self, direction: int, *, duration_s: float) -> None: ...

    def turn_back(self, direction: int, *, duration_s: float) -> None: ...


class Thermometer(Protocol):
    ambient_c: float

    def face(self, displayed_c: float, seconds: float) -> None: ...


class AirSensor(Protocol):
    source: Callable[[], tuple[float, float, float]]


class CardReader(Protocol):
    def present(self, card: str, seconds: float) -> None: ...


class TicketColumn(Protocol):
    on_ticket: Callable[[str], None] | None
    cover_open: bool

    def press(self, service: str) -> None: ...

    def call(self, counter: int) -> None: ...

    def load_paper(self, tickets: int) -> None: ...


class Contact(Protocol):
    def press(self, seconds: float) -> None: ...


class Output(Protocol):
    def watch(self, callback: Callable[[bool], None]) -> None: ...


class Wiring(Protocol):
    """Who can unplug a device (:class:`devices.world.wires.FakeWires`)."""

    def suffer(self, device: str, trouble: Trouble) -> None: ...

    def recover(self, device: str) -> None: ...


class Fixtures:
    """``devices``: the class of each and what the hall file says of it, in the order of the hall file."""

    def __init__(self, devices: Sequence[tuple[str, Settings]] = ()) -> None:
        self.wiring: Wiring | None = None
        self._settings: dict[str, list[Any]] = {}
        for kind, settings in devices:
            self._settings.setdefault(kind, []).append(settings)
        self._twins: dict[str, Any] = {}

    def attach(self, twin: Any) -> None:
        self._twins[twin.settings.id] = twin

    def of(self, kind: str) -> list[Any]:
        """The settings of each device of that class."""
        return self._settings.get(kind, [])

    def twin(self, kind: str, place: int = 0) -> Any:
        """The simulator of one of them, counted in the order of the hall file; None while it has none."""
        there = self.of(kind)
        return self._twins.get(there[place].id) if place < len(there) else None
