"""A people counter of any make that gives a pulse for each passage: one pin for in, another for out if it has one.

Wiring: the counter's open collector (NPN) or relay contact between the pin and GND, the board's own pull-up (some
50 kOhm) above it; a cable that leaves the room, or an output with a voltage of its own, goes through an optocoupler::

    3V3 --[pull-up]--+-- pin       ------+      +-----   high: at rest
                     |                   |      |
                 [contact] -- GND        +------+        low: the pulse (``pulse: low``), 50 ms to a second long
                                         at    width

A line is read and debounced as every contact here (:class:`devices.lines.Line`). A pulse is the span between two
changes: too short is a spike, too long is a contact that hangs or a line that is short. What software makes of pulses
elsewhere is why: filters that count the first edge of a spike and look away afterwards (esphome/issues#2823), noise on
40 cm of wire counted as pulses (letscontrolit/ESPEasy#3065), polled inputs that missed them (esphome/issues#1349).

No doorway lets more than a few people a second through. A line that says so all the same is noise: it is not believed
until it is calm again. Where even its edges come by the hundred, the pins are let go for a while, so that a broken
cable costs the board nothing.
"""

from collections import deque
from collections.abc import Iterable
from typing import Literal, NamedTuple

import attrs
from attrs import validators

from devices.faults import DeviceFault, fault
from devices.lines import Edge, Line
from devices.part import Driver, Mount, Part, PinSettings, Wire
from devices.reading import Reading

_WINDOW_S = 2.0  # over which pulses are reckoned
_EDGES = 500  # so many between two polls are no pulses, however they bounce
_LET_GO_S = 10.0


@attrs.frozen(kw_only=True)
class Settings(PinSettings):
    """``pins`` are ``[in]`` or ``[in, out]``; ``pulse`` is the line's level during one.

    A pulse is ``min_pulse_s`` to ``max_pulse_s`` long and stands for ``people``; ``debounce_s`` is what a contact
    bounces. More than ``most_per_s`` of them are a storm.
    """

    pulse: Literal["low", "high"] = attrs.field(default="low", validator=validators.in_(("low", "high")))
    debounce_s: float = attrs.field(default=0.005, validator=[validators.ge(0.001), validators.le(0.1)])
    min_pulse_s: float = attrs.field(default=0.02, validator=[validators.ge(0.001), validators.le(1.0)])
    max_pulse_s: float = attrs.field(default=10.0, validator=[validators.ge(0.1), validators.le(3600.0)])
    people: int = attrs.field(default=1, validator=[validators.ge(1), validators.le(100)])
    most_per_s: float = attrs.field(default=5.0, validator=[validators.ge(1.0), validators.le(50.0)])
    interval_s: float = attrs.field(default=1.0, validator=[validators.ge(0.1), validators.le(60.0)])

    def __attrs_post_init__(self) -> None:
        if len(self.pins) not in (1, 2):
            raise ValueError(f"'pins' must be [in] or [in, out]: {self.pins}")
        if self.min_pulse_s >= self.max_pulse_s:
            raise ValueError(f"'min_pulse_s' must be less than 'max_pulse_s': {self.min_pulse_s}")
        if self.debounce_s > self.min_pulse_s:
            raise ValueError(f"'debounce_s' must not be more than 'min_pulse_s': {self.debounce_s}")


class Pulse(NamedTuple):
    """One that has ended, at that time; ``good`` if it was not too long."""

    at: float
    good: bool


class Pulses:
    """The pulses of one line, and whether they can be believed."""

    def __init__(self, settings: Settings, active: bool) -> None:
        self._settings = settings
        # When it began, and when at the earliest; one that was there before us counts as too long.
        self._began: tuple[float, float] | None = (float("-inf"),) * 2 if active else None
        self._opened_at: float | None = None
        self._recent: deque[float] = deque()
        self._stormy = False

    def change(self, edge: Edge) -> Pulse | None:
        """The pulse that has ended with this change, unless it was a spike or part of a storm."""
        if edge.high == (self._settings.pulse == "high"):
            self._began = edge.at, edge.after
            return None
        if self._began is None:
            return None
        (_, earliest), self._began = self._began, None
        # Of an edge that the poll found instead, only the bounds are known: for want of it nobody is left out.
        if edge.at - earliest < self._settings.min_pulse_s:
            return None
        self._recent.append(edge.at)
        if self.storm(edge.at):
            return None
        return Pulse(edge.at, edge.at - earliest <= self._settings.max_pulse_s)

    def storm(self, now: float) -> int:
        """How many there were lately, if that is too many; it takes half as many to be believed again."""
        while self._recent and now - self._recent[0] > _WINDOW_S:
            self._recent.popleft()
        limit = self._settings.most_per_s * _WINDOW_S
        self._stormy = len(self._recent) > (limit / 2 if self._stormy else limit)
        return len(self._recent) if self._stormy else 0

    def hangs(self, now: float) -> bool:
        """Whether the line has been in a pulse for longer than one is."""
        if self._opened_at is None:
            self._opened_at = now
        if self._began is None:
            return False
        return now - max(self._began[0], self._opened_at) > self._settings.max_pulse_s


class PulseCounter(Driver):
    """Readings: ``passage`` +people or -people when a pulse ends, ``aborted`` 1 when one ends that was too long."""

    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        self._settings = settings
        self._mount = mount
        self._lines: list[Line] = []
        self._pulses: list[Pulses] = []
        self._edges = 0  # since the last poll
        self._let_go_at: float | None = None
        self.interval_s = settings.interval_s

    def open(self) -> None:
        self.close()
        self._edges, self._let_go_at = 0, None
        mount = attrs.evolve(self._mount, wake=self._woken)
        for pin in self._settings.pins:
            line = Line(pin, self._settings.debounce_s, mount)
            self._lines.append(line)
            self._pulses.append(Pulses(self._settings, line.high == (self._settings.pulse == "high")))

    def poll(self) -> Iterable[Reading]:
        now = self._mount.now()
        edges, self._edges = self._edges, 0
        if edges > _EDGES:
            self.close()
            self._let_go_at = now
            self.interval_s = self._settings.interval_s
        if self._let_go_at is not None:
            if now - self._let_go_at < _LET_GO_S:
                raise fault("garbled", detail="edges without end on " + self._names())
            self.open()
        readings = [reading for number in range(len(self._lines)) for reading in self._read(number, now)]
        waits_s = [wait_s for line in self._lines if (wait_s := line.unsettled(now))]
        self.interval_s = min(waits_s, default=self._settings.interval_s)
        trouble = self._trouble(now)
        if trouble is not None and not readings:  # the fault can wait for the next poll, readings cannot
            raise trouble
        return sorted(readings, key=lambda reading: reading.at)

    def close(self) -> None:
        self._pulses.clear()
        while self._lines:
            self._lines.pop().close()

    def _woken(self) -> None:
        """In the thread of an edge. In a storm nobody is woken: the next poll is soon enough."""
        self._edges += 1
        if self._edges <= _EDGES:
            self._mount.wake()

    def _read(self, number: int, now: float) -> Iterable[Reading]:
        direction = -1 if number else 1
        for edge in self._lines[number].changes(now):
            pulse = self._pulses[number].change(edge)
            if pulse is not None:
                quantity, value = ("passage", direction * self._settings.people) if pulse.good else ("aborted", 1)
                yield Reading(self._settings.id, quantity, value, pulse.at)

    def _trouble(self, now: float) -> DeviceFault | None:
        for pin, pulses in zip(self._settings.pins, self._pulses, strict=True):
            if count := pulses.storm(now):
                return fault("garbled", detail=f"GPIO {pin}: {count} pulses in {_WINDOW_S:g} s")
            if pulses.hangs(now):
                return fault("blocked", detail=f"GPIO {pin}")
        return None

    def _names(self) -> str:
        return ", ".join(f"GPIO {pin}" for pin in self._settings.pins)


PART = Part(
    name="pulse-counter",
    kind="door",
    says={"zh": "脉冲输出客流计数器", "en": "people counter with pulse outputs"},
    wires=(Wire.PINS,),
    settings=Settings,
    driver=PulseCounter,
)
