"""A queue machine of another maker, for the twins of the parts that listen to one.

It gives its own numbers, calls in order and ends a service with the counter's next call, whoever listens.
"""

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from devices.world.twin import Stage, Twin


class Machine(Twin):
    """``press`` and ``call`` are what customers and clerks do; ``on_ticket`` hears the number of each ticket.

    Its paper and its cover are its own affair: it prints whatever the gateway sees.
    """

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.on_ticket: Callable[[str], None] | None = None
        self.cover_open = False
        self._issued: Counter[str] = Counter()
        self._waiting: deque[tuple[str, str]] = deque()  # number, service
        self._serving: dict[int, tuple[str, str]] = {}

    def load_paper(self, tickets: int) -> None:
        """Nothing that the gateway could see."""

    def press(self, service: str) -> None:
        """A customer takes a number for that service."""
        self._issued[service] += 1
        number = f"{service}{self._issued[service]:03d}"
        self._waiting.append((number, service))
        self.tell("issued", number, service, None)
        if self.on_ticket is not None:
            self.on_ticket(number)

    def call(self, counter: int) -> None:
        """A clerk presses the call key of that counter: this ends the service before."""
        if counter in self._serving:
            number, service = self._serving.pop(counter)
            self.tell("served", number, service, counter)
        if self._waiting:
            self._serving[counter] = self._waiting.popleft()
            number, service = self._serving[counter]
            self.tell("called", number, service, counter)

    def tell(self, step: str, number: str, service: str, counter: int | None) -> None:
        """Say so, in this machine's own way."""
        raise NotImplementedError
