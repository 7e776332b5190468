"""The way in and out: the thermometer at the entrance, and the doorways, which people pass in single file."""

from collections.abc import Callable
from functools import partial

from devices.world.course import Course
from devices.world.fixtures import Door, Fixtures, Thermometer
from devices.world.people import Visitor
from devices.world.truth import Truth

# Between two people at one thermometer or in one doorway; a pair of beams must be clear in between.
_GAP_S = 0.9
_TURN_BACK_S = 0.8
# From the thermometer to the doorway.
_STEP_S = 1.5


class Entrance:
    """``moved`` is told after each passage: the visitor, and +1 in or -1 out."""

    def __init__(self, course: Course, fixtures: Fixtures, moved: Callable[[Visitor, int], None]) -> None:
        self.truth: Truth
        self.ambient_c: Callable[[], float] = lambda: 22.0
        self._course = course
        self._fixtures = fixtures
        self._moved = moved
        self._free: dict[tuple[str, int], float] = {}

    def begin_day(self, truth: Truth) -> None:
        self.truth = truth
        self._free.clear()

    def arrive(self, visitor: Visitor) -> None:
        """Somebody is in front of the door."""
        thermometers = len(self._fixtures.of("thermometer"))
        if not thermometers:
            self._at_door(visitor)
            return
        lane = visitor.door_in % thermometers
        begin = self._turn("thermometer", lane, visitor.dwell_s)
        self._course.at(begin, partial(self._stand_before, visitor, lane))
        self._course.at(begin + visitor.dwell_s, partial(self._screened, visitor))

    def leave(self, visitor: Visitor) -> None:
        """Somebody inside has come to the door."""
        self._walk(visitor, visitor.door_out, -1)

    def _stand_before(self, visitor: Visitor, lane: int) -> None:
        twin: Thermometer | None = self._fixtures.twin("thermometer", lane)
        if twin is not None:
            twin.ambient_c = self.ambient_c()
            twin.face(visitor.displayed_c, visitor.dwell_s)

    def _screened(self, visitor: Visitor) -> None:
        if visitor.flagged:
            self.truth.flagged += 1
        else:
            self._course.after(_STEP_S, partial(self._at_door, visitor))

    def _at_door(self, visitor: Visitor) -> None:
        if visitor.turns_back:
            self._course.at(
                self._turn("door", visitor.door_in, _TURN_BACK_S), partial(self._turn_back, visitor.door_in)
            )
        else:
            self._walk(visitor, visitor.door_in, 1)

    def _turn_back(self, door: int) -> None:
        self.truth.turned_back += 1
        twin: Door | None = self._fixtures.twin("door", door)
        if twin is not None:
            twin.turn_back(1, duration_s=_TURN_BACK_S)

    def _walk(self, visitor: Visitor, door: int, direction: int) -> None:
        begin = self._turn("door", door, visitor.walk_s)
        self._course.at(begin, partial(self.go_through, door, direction, visitor.walk_s))
        self._course.at(begin + visitor.walk_s, partial(self._moved, visitor, direction))

    def go_through(self, door: int, direction: int, duration_s: float) -> None:
        twin: Door | None = self._fixtures.twin("door", door)
        if twin is not None:
            twin.walk(direction, duration_s=duration_s)

    def _turn(self, kind: str, place: int, seconds: float) -> float:
        """The instant at which one's turn begins there; whoever comes next has theirs after that."""
        begin = max(self._course.now(), self._free.get((kind, place), 0.0))
        self._free[kind, place] = begin + seconds + _GAP_S
        return begin
