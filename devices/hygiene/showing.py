"""One reading for each time a thing is shown to a reader that tells of it again and again."""

import math
from collections.abc import Mapping

from devices.reading import Reading


class Showing:
    """What has been away for longer than ``absence_s`` is shown anew when it comes back."""

    def __init__(self, absence_s: float) -> None:
        self._absence_s = absence_s
        self._seen: dict[str, float] = {}

    def is_new(self, thing: str, now: float) -> bool:
        """It is there now: whether that begins a new showing."""
        here = now - self._seen.get(thing, -math.inf) <= self._absence_s
        self._seen = {other: at for other, at in self._seen.items() if now - at <= self._absence_s}
        self._seen[thing] = now
        return not here


class Badges:
    """What a card that lies before a reader means: ``badge`` (the name; without an allow-list the tag) or ``stranger``
    (the tag of a card that the allow-list does not know), once for each showing.

    ``cards``  tag in capital hex digits to name.
    """

    def __init__(self, device: str, cards: Mapping[str, str], absence_s: float) -> None:
        self._device = device
        self._cards = cards
        self._showing = Showing(absence_s)

    def show(self, tag: str, now: float, *, known: bool = True) -> list[Reading]:
        """``known`` False: whatever the allow-list says, nobody's."""
        if not self._showing.is_new(tag, now):
            return []
        name = self._cards.get(tag) if self._cards else tag
        if name is None or not known:
            return [Reading(self._device, "stranger", tag, now)]
        return [Reading(self._device, "badge", name, now)]
