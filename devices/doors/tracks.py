"""People followed as points on a floor, and the line they cross; pure geometry, for sensors that see positions.

A sensor's own numbering of its targets cannot be relied on (csRon/HLK-LD2450#5: when the first leaves, the second is
called the first), so points are followed by where they are: each to the nearest track that it can belong to. A track
that is not seen for a while is kept where it was, longest near the line: somebody who stands still there vanishes from
a radar (TillFleisch/ESPHome-HLK-LD2450#14) and is the same person when they walk on.

Nothing is counted that was not seen on both sides, twice on each, beyond the hysteresis::

    outside      -hysteresis   line   +hysteresis      inside
    ---1---2---3------|---------|---------|---4---5---------      counted with 5, dated to 4
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

# How far a point may be from where a track is thought to be: at once, for each second unseen, and at the most.
_GATE_MM, _GATE_MM_S, _GATE_TOP_MM = 700.0, 1000.0, 1500.0
_STALE_MM_S = 300.0  # a track just seen comes before one that is only remembered
_COAST_S = 0.5  # a track unseen goes on as it went for this long, and then waits
_SPEED_TOP_MM_S = 3000.0
_TWICE = 2
_NEAR_MM = 1000.0  # of the line: there a lost track is held
_FORGOTTEN_S = 1.0  # elsewhere
_BESIDE_MM = 300.0  # past the line's ends still counts


class Point(NamedTuple):
    """Millimetres on the floor, as the sensor has its axes."""

    x: float
    y: float


class Line:
    """From one end to the other, and which side of it is inside."""

    def __init__(self, ends: Sequence[float], inside: Sequence[float]) -> None:
        self._ax, self._ay, bx, by = ends
        self.length = math.hypot(bx - self._ax, by - self._ay)
        if not self.length:
            raise ValueError("the line's two ends are the same point")
        self._ux, self._uy = (bx - self._ax) / self.length, (by - self._ay) / self.length
        self._sign = 1.0
        self._sign = math.copysign(1.0, self.depth(Point(*inside)))

    def depth(self, point: Point) -> float:
        """How far inside a point is; negative outside."""
        return self._sign * (self._ux * (point.y - self._ay) - self._uy * (point.x - self._ax))

    def along(self, point: Point) -> float:
        """How far along the line, from its first end."""
        return self._ux * (point.x - self._ax) + self._uy * (point.y - self._ay)

    def point(self, along: float, depth: float) -> Point:
        """The point that far along and inside."""
        return Point(
            self._ax + self._ux * along - self._sign * self._uy * depth,
            self._ay + self._uy * along + self._sign * self._ux * depth,
        )

    def between_ends(self, before: Point, after: Point) -> bool:
        """Whether the way from one side to the other leads through the line, not past it."""
        near, far = abs(self.depth(before)), abs(self.depth(after))
        share = near / (near + far) if near + far else 0.5
        along = self.along(before) + share * (self.along(after) - self.along(before))
        return -_BESIDE_MM <= along <= self.length + _BESIDE_MM


class Ended(NamedTuple):
    """+1 has come in, -1 has gone out, 0 has turned round on the line or was lost there."""

    direction: int
    at: float


class _Track:
    def __init__(self, point: Point, at: float) -> None:
        self.point = self.home = point  # home: the last place seen on its side
        self.seen_at = at
        self.side = 0  # -1 outside, +1 inside, 0 not known
        self.ventured = False  # has been past the line without having crossed it
        self._vx = self._vy = 0.0
        self._far: list[float] = []  # when it was seen beyond the hysteresis of the side it is not on, in a row
        self._past = 0  # how often in a row past the line

    def expected(self, at: float) -> Point:
        seconds = min(at - self.seen_at, _COAST_S)
        return Point(self.point.x + self._vx * seconds, self.point.y + self._vy * seconds)

    def see(self, point: Point, at: float, line: Line, hysteresis_mm: float) -> Ended | None:
        seconds = at - self.seen_at
        if 0 < seconds <= _COAST_S:
            self._vx = _smooth(self._vx, (point.x - self.point.x) / seconds)
            self._vy = _smooth(self._vy, (point.y - self.point.y) / seconds)
        elif seconds:
            self._vx = self._vy = 0.0
        self.point, self.seen_at = point, at
        return self._judge(at, line, hysteresis_mm)

    def _judge(self, at: float, line: Line, hysteresis_mm: float) -> Ended | None:
        depth = line.depth(self.point)
        there = int(math.copysign(1, depth)) if abs(depth) > hysteresis_mm else 0
        self._past = self._past + 1 if self.side * depth < 0 else 0
        self.ventured |= self._past >= _TWICE
        if not there or there == self.side:
            self._far.clear()
            if there or self.side * depth > 0:
                self.home = self.point
            return self._returned(at) if there else None
        self._far.append(at)
        if len(self._far) < _TWICE:
            return None
        crossed = self.side != 0 and line.between_ends(self.home, self.point)
        ended = Ended(there, self._far[0]) if crossed else None
        self.side, self.home, self.ventured, self._past = there, self.point, False, 0
        self._far.clear()
        return ended

    def _returned(self, at: float) -> Ended | None:
        turned, self.ventured = self.ventured, False
        return Ended(0, at) if turned else None


class Tracks:
    """Who is where. ``hold_s`` is how long somebody lost near the line is waited for."""

    def __init__(self, line: Line, hysteresis_mm: float, hold_s: float) -> None:
        self._line = line
        self._hysteresis_mm = hysteresis_mm
        self._hold_s = hold_s
        self._tracks: list[_Track] = []

    def see(self, points: Iterable[Point], at: float) -> list[Ended]:
        """What has ended with these points, all there are at that instant."""
        left = list(points)
        ended: list[Ended | None] = [*self._dropped(at)]  # first: after a silence nobody is taken for somebody else
        # Where the point moves has no part in it: a radar's speed is radial, and its sign is one bit.
        for _, _, _, track, point in sorted(self._pairs(left, at)):
            if track.seen_at < at and point in left:
                left.remove(point)
                ended.append(track.see(point, at, self._line, self._hysteresis_mm))
        for point in left:
            born = _Track(point, at)
            ended.append(born.see(point, at, self._line, self._hysteresis_mm))
            self._tracks.append(born)
        return [one for one in ended if one is not None]

    def _pairs(self, points: list[Point], at: float) -> Iterable[tuple[float, int, int, _Track, Point]]:
        for number, track in enumerate(self._tracks):
            unseen_s = at - track.seen_at
            expected = track.expected(at)
            for order, point in enumerate(points):
                apart = math.dist(expected, point)
                if apart <= min(_GATE_MM + _GATE_MM_S * unseen_s, _GATE_TOP_MM):
                    yield apart + _STALE_MM_S * unseen_s, number, order, track, point

    def _dropped(self, at: float) -> list[Ended]:
        """Forget those who will not come back; who was past the line by then has turned round, for all we know."""
        gone = [track for track in self._tracks if at - track.seen_at > self._patience_s(track)]
        self._tracks = [track for track in self._tracks if track not in gone]
        return [Ended(0, at) for track in gone if track.ventured]

    def _patience_s(self, track: _Track) -> float:
        near = abs(self._line.depth(track.point)) <= _NEAR_MM
        return max(self._hold_s, _FORGOTTEN_S) if near else _FORGOTTEN_S


def _smooth(old: float, new: float) -> float:
    return max(-_SPEED_TOP_MM_S, min((old + new) / 2, _SPEED_TOP_MM_S))
