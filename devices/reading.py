"""The one value type that travels from a wire to the hall's rules."""

from enum import StrEnum
from typing import NamedTuple


class Quality(StrEnum):
    """How far a reading can be believed."""

    GOOD = "good"
    SUSPECT = "suspect"


class Reading(NamedTuple):
    """What one device said at one instant. A failed reading is no Reading but a ``DeviceFault``.

    ``quantity``  carries its unit in its name where the name alone doesn't tell (``co2_ppm``).
    ``value``     a ``float`` is a measured quantity and is gathered into telemetry; an ``int``,
                  ``bool`` or ``str`` is an event or a state (a passage, a card, a contact) and is not.
    ``at``        monotonic seconds of the board's present boot.
    ``raw``       what stood on the wire, where a rule may have to fall back on it.
    """

    device: str
    quantity: str
    value: float | int | bool | str
    at: float
    quality: Quality = Quality.GOOD
    raw: int | None = None
