"""Gathers measured readings into one entry per device and minute, to spare the card and the line."""

import math
from collections.abc import Iterable

from devices.reading import Reading
from edge.hall.flow import Effect, Moment, Rule
from mqtt.messages import Spread, Telemetry

SPAN_S = 60


class Gatherer(Rule):
    """Spans are aligned to the wall clock's minutes; what a crash interrupts is one part of a minute."""

    name = "telemetry"

    def __init__(self) -> None:
        self._ends = -math.inf  # wall seconds
        self._due: float | None = None
        self._devices: dict[str, dict[str, list[float]]] = {}

    def take(self, reading: Reading, moment: Moment) -> Iterable[Effect]:
        # The caller has ticked us before, so the reading belongs to the span that runs.
        quantities = self._devices.setdefault(reading.device, {})
        value = float(reading.value)
        spread = quantities.get(reading.quantity)
        if spread is None:
            quantities[reading.quantity] = [value, value, value, value, 1]
        else:
            spread[0] += value
            spread[1] = min(spread[1], value)
            spread[2] = max(spread[2], value)
            spread[3] = value
            spread[4] += 1
        if self._due is None:
            self._start(moment)
        return ()

    def tick(self, moment: Moment) -> Iterable[Effect]:
        if moment.wall < self._ends:
            self._due = moment.mono + self._ends - moment.wall
            return ()
        entries = self._close()
        self._due = None
        return entries

    def end_day(self, moment: Moment) -> Iterable[Effect]:
        entries = self._close()
        self._due = None
        return entries

    def due(self) -> float | None:
        return self._due

    def _start(self, moment: Moment) -> None:
        self._ends = (moment.wall // SPAN_S + 1) * SPAN_S
        self._due = moment.mono + self._ends - moment.wall

    def _close(self) -> list[Effect]:
        entries: list[Effect] = [
            Telemetry(device=device, span_s=SPAN_S, values={q: _spread(s) for q, s in quantities.items()})
            for device, quantities in self._devices.items()
        ]
        self._devices.clear()
        return entries


def _spread(sums: list[float]) -> Spread:
    total, low, high, last, n = sums
    return {
        "mean": round(total / n, 2),
        "min": round(low, 2),
        "max": round(high, 2),
        "last": round(last, 2),
        "n": int(n),
    }
