"""A value without a check sum that shuts a hall down if it is wrong: one read alone is not believed."""

TIMES = 3


class Agreeing:
    """A value counts if it lies near the last one that counted, or near those just before it, three in a row."""

    def __init__(self, within: float) -> None:
        self._within = within
        self._believed: float | None = None
        self._doubted: list[float] = []

    def believes(self, value: float) -> bool:
        if self._believed is None or abs(value - self._believed) > self._within:
            self._doubted = [other for other in self._doubted if abs(value - other) <= self._within] + [value]
            if len(self._doubted) < TIMES:
                return False
        self._believed, self._doubted = value, []
        return True
