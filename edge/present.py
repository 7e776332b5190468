"""The present of the hall as it was last committed: one message a topic below now/, for all who show it."""

import threading
from collections.abc import Callable, Mapping


class Present:
    """Thread-safe. Each change gets a version; whoever follows asks for what came after the one it has seen.

    A topic that is over is b"" until the broker has confirmed that it forgot it. ``retained`` are the topics that
    the broker may hold from an earlier run: those that do not come back are over.
    """

    def __init__(self, retained: frozenset[str] = frozenset()) -> None:
        self._changed = threading.Condition()
        self._version = 1 if retained else 0
        self._topics: dict[str, tuple[int, bytes]] = dict.fromkeys(retained, (1, b""))
        self._cleared: set[str] = set()
        self._watchers: list[Callable[[], None]] = []

    def watch(self, call: Callable[[], None]) -> None:
        """Call that after each change, from the thread that made it; it only hands on."""
        self._watchers.append(call)

    def tell(self, messages: Mapping[str, bytes]) -> None:
        """New messages; b"" for what is over."""
        if not messages:
            return
        with self._changed:
            self._version += 1
            for topic, message in messages.items():
                self._topics[topic] = (self._version, message)
            self._changed.notify_all()
        for call in self._watchers:
            call()

    def since(self, version: int) -> tuple[int, dict[str, bytes]]:
        """The present version, and what changed after that one."""
        with self._changed:
            if version >= self._version:
                return version, {}
            changed = {topic: message for topic, (at, message) in self._topics.items() if at > version}
            return self._version, changed

    def wait(self, version: int, timeout: float) -> None:
        """Until there is something after that version, or that many seconds have passed."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > version, timeout)

    def all(self) -> dict[str, bytes]:
        """Everything that stands now."""
        with self._changed:
            return {topic: message for topic, (_, message) in self._topics.items() if message}

    def cleared(self, topic: str) -> None:
        """The broker has forgotten that topic."""
        with self._changed:
            _, message = self._topics.get(topic, (0, b""))
            if not message:
                self._topics.pop(topic, None)
                self._cleared.add(topic)

    def take_cleared(self) -> set[str]:
        """Topics confirmed as forgotten since the last call."""
        with self._changed:
            cleared, self._cleared = self._cleared, set()
            return {topic for topic in cleared if topic not in self._topics}
