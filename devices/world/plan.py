"""What a scenario is made of: quantities over the day, troubles and emergencies, and the bounds of each."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Self

import attrs

from devices.world.twin import Trouble

# The classes of devices that this world knows what to do with.
KINDS = ("door", "thermometer", "air", "disinfection", "tickets", "contact", "output")

A_DAY_S = 86400.0

Check = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def number(low: float, high: float) -> Check:
    def check(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
        if not _is_number(value) or not low <= value <= high:
            raise ValueError(f"{attribute.name} must be a number from {low:g} to {high:g}, not {value!r}")

    return check


def whole(low: int, high: int) -> Check:
    def check(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"{attribute.name} must be a whole number from {low} to {high}, not {value!r}")

    return check


def optional(check: Check) -> Check:
    return lambda instance, attribute, value: None if value is None else check(instance, attribute, value)


def truth(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"{attribute.name} must be true or false, not {value!r}")


def words(pattern: str, example: str) -> Check:
    def check(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(f"{attribute.name} must be {example}, not {value!r}")

    return check


def one_of(values: Sequence[str]) -> Check:
    def check(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
        if value not in values:
            raise ValueError(f"{attribute.name} must be one of {', '.join(values)}, not {value!r}")

    return check


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@attrs.frozen
class Profile:
    """A quantity over the open day: points of (share of the day gone, value), joined by straight lines."""

    points: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, value: Any) -> Self:
        """A number for the whole day, or the points. Raises ValueError."""
        if _is_number(value):
            value = [[0.0, value]]
        try:
            points = tuple((share, height) for share, height in value)
        except (TypeError, ValueError):
            points = ()
        if not points or not all(_is_number(number) for point in points for number in point):
            raise ValueError(f"must be a number, or points like [[0.0, 10], [0.5, 40]], not {value!r}")
        shares = [share for share, _ in points]
        if shares[0] < 0 or shares[-1] > 1 or any(later <= earlier for earlier, later in pairwise(shares)):
            raise ValueError(f"shares of the day must rise from 0 to 1: {shares}")
        if any(not 0 <= height <= 10_000 for _, height in points):
            raise ValueError(f"values must be from 0 to 10000: {[height for _, height in points]}")
        return cls(points)

    @property
    def highest(self) -> float:
        return max(height for _, height in self.points)

    def at(self, share: float) -> float:
        """The value then; before the first point and after the last it stays as it is there."""
        before = self.points[0]
        for point in self.points:
            if point[0] > share:
                if point is self.points[0]:
                    break
                part = (share - before[0]) / (point[0] - before[0])
                return before[1] + part * (point[1] - before[1])
            before = point
        return before[1]


@attrs.frozen(kw_only=True)
class PlannedTrouble:
    """A device of class ``kind`` has that ``trouble``, so long after opening, for so long, every so often."""

    kind: str = attrs.field(validator=one_of(KINDS))
    trouble: str = attrs.field(validator=one_of([trouble.value for trouble in Trouble]))
    after_s: float = attrs.field(validator=number(0, A_DAY_S))
    lasting_s: float = attrs.field(validator=number(1, A_DAY_S))
    repeating_s: float | None = attrs.field(default=None, validator=optional(number(1, A_DAY_S)))


@attrs.frozen(kw_only=True)
class PlannedEmergency:
    """The contact that ``raises`` that alarm leaves its normal state: a press of the panic button, a power cut."""

    raises: str = attrs.field(validator=words(r"[A-Z][A-Z-]*", "an alarm code like PANIC"))
    after_s: float = attrs.field(validator=number(0, A_DAY_S))
    lasting_s: float = attrs.field(default=2.0, validator=number(0.1, A_DAY_S))
    repeating_s: float | None = attrs.field(default=None, validator=optional(number(1, A_DAY_S)))


def profile(value: Any) -> Profile:
    """A profile, whatever form it was written in. Raises ValueError."""
    return value if isinstance(value, Profile) else Profile.of(value)
