"""The one place where everything arrives: readings, health, the line and commands, for the hall's thread."""

import threading
from collections.abc import Iterable

from devices.clock import Bell
from devices.reading import Reading
from edge.hall.flow import Input

# A hall reads some hundred values a second; this is minutes of them.
_LIMIT = 50_000


class Inbox:
    """Many threads put, one takes. If the taker stalls, measured readings are dropped first and counted."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._lock = threading.Lock()
        self._items: list[Input] = []
        self.dropped = 0

    def put(self, items: Iterable[Input]) -> None:
        with self._lock:
            for item in items:
                if len(self._items) >= _LIMIT and isinstance(item, Reading) and isinstance(item.value, float):
                    self.dropped += 1
                else:
                    self._items.append(item)
        self._bell.ring()

    def take(self) -> list[Input]:
        """Everything there is, in the order it came."""
        with self._lock:
            items, self._items = self._items, []
        return items
