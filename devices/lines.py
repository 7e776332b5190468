"""An input pin whose level counts once it has lasted, each change dated to the edge that began it.

Edges are stamped where they happen, without gpiozero's ``bounce_time`` (it drops edges: gpiozero#550). They get lost
below gpiozero as well (joan2937/lg#18) or come from nowhere (gpiozero#1090): so every poll reads the pin, and the pin
is right.
"""

from collections import deque
from itertools import count
from typing import NamedTuple

from gpiozero import InputDevice

from devices.part import Mount

# A stamp further off is of another clock: kernels before 5.7 stamped edges with the time of day.
_LAG_S = 1.0
_MOST_EDGES = 4096
_arrivals = count()


class Edge(NamedTuple):
    """From ``at`` on a line is high or not.

    ``arrival``  numbers edges as they came, for those of one instant.
    ``after``    when the line was last known to be otherwise; before ``at`` if the edge itself was never told.
    """

    at: float
    arrival: int
    high: bool
    after: float


class Debounce:
    """``high`` follows the line once the line has stayed elsewhere for ``lasting_s``."""

    def __init__(self, high: bool, lasting_s: float) -> None:
        self.high = high
        self._lasting_s = lasting_s
        self._line = Edge(0.0, 0, high, 0.0)

    def edge(self, edge: Edge) -> list[Edge]:
        """The change that this edge shows to have lasted, if there was one."""
        changed = self.settle(edge.at)
        told, polled = edge.after == edge.at, self._line.after < self._line.at
        # The kernel looks at the level some time after the interrupt, so a bounce tells the same edge twice: that is
        # nothing new. But an edge that comes after the poll that was ahead of it has the better stamp.
        if edge.high != self._line.high or (told and polled):
            self._line = edge
        return changed

    def settle(self, now: float) -> list[Edge]:
        """The change that has lasted by now, if one has."""
        if self._line.high == self.high or self.unsettled(now):
            return []
        self.high = self._line.high
        return [self._line]

    def unsettled(self, now: float) -> float:
        """Seconds until the line's present state counts; 0 when it does."""
        return 0.0 if self._line.high == self.high else max(0.0, self._line.at + self._lasting_s - now)


class Line:
    """A pin with the pull-up on, and its changes that have lasted."""

    def __init__(self, pin: int, lasting_s: float, mount: Mount) -> None:
        self._mount = mount
        self._edges: deque[Edge] = deque(maxlen=_MOST_EDGES)  # a storm between two polls is not worth more
        self._input = InputDevice(pin, pull_up=True, pin_factory=mount.pins)
        self._input.pin.edges = "both"
        self._input.pin.when_changed = self._told  # held weakly by gpiozero, so this object has to live
        self._looked = mount.now()
        self._debounce = Debounce(bool(self._input.pin.state), lasting_s)

    @property
    def high(self) -> bool:
        return self._debounce.high

    def changes(self, now: float) -> list[Edge]:
        """What has changed since the last call, each dated to its edge."""
        edges = [self._edges.popleft() for _ in range(len(self._edges))]
        edges.sort()
        edges.append(Edge(now, next(_arrivals), bool(self._input.pin.state), self._looked))
        self._looked = now
        return [change for edge in edges for change in self._debounce.edge(edge)] + self._debounce.settle(now)

    def unsettled(self, now: float) -> float:
        """Seconds until there may be a change to tell; 0 when it is quiet."""
        wait_s = self._debounce.unsettled(now)
        return max(0.001, wait_s) if wait_s else 0.0

    def close(self) -> None:
        self._input.pin.when_changed = None  # closing alone leaves lgpio's callback running
        self._input.close()

    def _told(self, ticks: float, state: int) -> None:
        """In the thread that makes the edge: stamp it, queue it, and leave."""
        assert self._mount.pins is not None
        lag = self._mount.pins.ticks_diff(self._mount.pins.ticks(), ticks)
        at = self._mount.now() - (lag if 0 <= lag <= _LAG_S else 0.0)
        self._edges.append(Edge(at, next(_arrivals), bool(state), at))
        self._mount.wake()
