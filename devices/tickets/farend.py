"""Where a device on the network really is: where the hall file says, unless a simulator has been put in its place.

A bus of a simulated hall is handed to the driver with a twin at its far end. Files and web addresses are in no
driver's :class:`~devices.part.Mount`, so a twin names its own place here, by the very settings object that the driver
of the same device gets.
"""

import weakref

import attrs

from devices.part import NetworkSettings

_instead: dict[int, str] = {}


@attrs.frozen(kw_only=True)
class FarEndSettings(NetworkSettings):
    """A device on the network that a twin can stand in for."""


def far_end(settings: FarEndSettings, stated: str) -> str:
    """``stated`` is the path or address that the hall file gives."""
    return _instead.get(id(settings), stated)


def stand_in(settings: FarEndSettings, place: str) -> None:
    """From now on, and as long as those settings live, that device is there."""
    if id(settings) not in _instead:
        weakref.finalize(settings, _instead.pop, id(settings), None)
    _instead[id(settings)] = place
