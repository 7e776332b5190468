"""The contact on the mains side. A cut cable reads as the board's pull-up has it."""

from devices.power.level import HeldTwin


class MainsTwin(HeldTwin):
    """``set(False)`` is a power cut; ``chatter`` a supply at its limit (buyapi/ups#4)."""


TWIN = MainsTwin
