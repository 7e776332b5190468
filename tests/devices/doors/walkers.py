"""How far each door part counts right: simulated walkers before its twin, with the truth known.

What comes out holds for the twins: how wide a beam, a zone or a radar's resolution is, they say in their own words.
It is for comparing manners of walking and for noticing when a driver has become worse, not for a data sheet.
:func:`table` gives the rows; it writes nothing.
"""

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from devices.part import Mount, Wire, find_part, find_twin
from devices.reading import Reading
from devices.world.lockstep import SimClock
from devices.world.wires import FakeWires

PARTS: dict[str, dict[str, Any]] = {
    "beams": {"pins": [17, 27]},
    "vl53l1x": {"mount_mm": 2200.0},
    "ld2450": {"bus": "/dev/ttyUSB0", "line_mm": [-600, 2000, 600, 2000], "inside_mm": [0, 500]},
}
_WARM_UP_S = 1.0
_AFTER_S = 4.0  # longer than the slowest part takes to be sure
# How long after one has left the doorway's middle the next comes to it. A board's hall is held to 0.9 s.
_APART_S = {"beams": 0.05, "vl53l1x": 0.45, "ld2450": 0.6}
_MISSES = 0.1  # the share of sightings that a radar loses
_ABREAST_MM = 300.0  # from the doorway's middle, for a part that can see it


class Row(NamedTuple):
    """Of ``episodes`` by that manner, how many were counted exactly; and what was counted of what went through."""

    part: str
    manner: str
    episodes: int
    right: int
    truth_in: int
    counted_in: int
    truth_out: int
    counted_out: int

    @property
    def right_pct(self) -> float:
        return 100.0 * self.right / self.episodes

    @property
    def error_pct(self) -> float:
        """Passages too many or too few in either direction, of those there were (of episodes, if there were none)."""
        wrong = abs(self.counted_in - self.truth_in) + abs(self.counted_out - self.truth_out)
        return 100.0 * wrong / (self.truth_in + self.truth_out or self.episodes)


class Stand:
    """One part with people before it."""

    def __init__(self, part: str, seed: int) -> None:
        kind = find_part(part)
        self.part = part
        self.clock = SimClock(start=1000.0)
        self._wires = FakeWires(self.clock, seed=f"{part}:{seed}")
        settings = kind.settings(id="it", part=part, **PARTS[part])
        self.twin: Any = self._wires.mount(find_twin(part), settings)
        bus = settings.bus_name
        mount = Mount(
            now=self.clock.monotonic,
            pause=self.clock.advance,
            wake=lambda: None,
            i2c=self._wires.i2c(bus) if Wire.I2C in kind.wires else None,
            serial=self._wires.serial(bus, kind.baud) if Wire.SERIAL in kind.wires else None,
            pins=self._wires.pins() if Wire.PINS in kind.wires else None,
        )
        self._driver = kind.driver(settings, mount)
        self._driver.open()
        self.sides = part == "ld2450"  # whether who walks aside is anywhere else to it
        if part == "ld2450":
            self.twin.misses = _MISSES
        self.watch(_WARM_UP_S)

    def watch(self, seconds: float) -> list[Reading]:
        """Let that much time pass; the readings."""
        readings: list[Reading] = []
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            self.clock.advance(min(self._driver.interval_s, 0.2))
            self._wires.pump()
            readings += self._driver.poll()
        return readings

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self.clock.agenda.at(self.clock.monotonic() + seconds, call)

    def close(self) -> None:
        self._driver.close()
        self._wires.close()


Manner = Callable[[Stand, int, Random], tuple[list[int], float]]


def _single(slowest: float, fastest: float) -> Manner:
    def walk(stand: Stand, direction: int, random: Random) -> tuple[list[int], float]:
        duration_s = random.uniform(fastest, slowest)
        stand.twin.walk(direction, duration_s=duration_s)
        return [direction], 4 * duration_s

    return walk


def _file(stand: Stand, direction: int, random: Random) -> tuple[list[int], float]:
    """Five, one after another as closely as the doorway lets them; some come the other way."""
    begin = at = stand.clock.monotonic()
    truth: list[int] = []
    for _ in range(5):
        way = direction if random.random() < 0.7 else -direction
        duration_s = random.uniform(0.5, 0.9)
        stand.clock.agenda.at(at, _walker(stand, way, duration_s, {}))
        truth.append(way)
        at += duration_s + _APART_S[stand.part] + random.uniform(0.0, 1.0)
    return truth, at - begin + 3.0


def _turn_back(stand: Stand, direction: int, random: Random) -> tuple[list[int], float]:
    duration_s = random.uniform(0.8, 1.6)
    stand.twin.turn_back(direction, duration_s=duration_s)
    return [], 4 * duration_s


def _abreast(stand: Stand, direction: int, random: Random) -> tuple[list[int], float]:
    duration_s = random.uniform(0.5, 0.9)
    for side in (-1, 1):
        aside = {"aside_mm": side * _ABREAST_MM} if stand.sides else {}
        go = _walker(stand, direction, duration_s, aside)
        stand.later(random.uniform(0.0, 0.1), go)
    return [direction, direction], 4 * duration_s


def _tailgating(stand: Stand, direction: int, random: Random) -> tuple[list[int], float]:
    """The second half a step behind the first: 0.3 to 0.5 m from middle to middle."""
    duration_s = random.uniform(0.5, 0.9)
    stand.twin.walk(direction, duration_s=duration_s)
    behind_s = random.uniform(0.3, 0.5) * duration_s / 0.75
    stand.later(behind_s, _walker(stand, direction, duration_s, {}))
    return [direction, direction], 4 * duration_s + behind_s


def _walker(stand: Stand, direction: int, duration_s: float, aside: dict[str, float]) -> Callable[[], None]:
    return lambda: stand.twin.walk(direction, duration_s=duration_s, **aside)


# Seconds are for the doorway's 0.75 m: 0.6 is 1.25 m/s.
MANNERS: dict[str, Manner] = {
    "one alone": _single(0.9, 0.5),
    "single file": _file,
    "slow": _single(4.0, 2.0),
    "running": _single(0.25, 0.18),
    "turn-back": _turn_back,
    "two abreast": _abreast,
    "tailgating": _tailgating,
}


def measure(part: str, manner: str, episodes: int, seed: int = 1) -> Row:
    """So many episodes of that manner, half of them in and half out, in no order."""
    random = Random(f"{seed}:{part}:{manner}")
    directions = [1, -1] * (episodes // 2)
    random.shuffle(directions)
    stand = Stand(part, seed)
    right = 0
    truth: list[int] = []
    counted: list[int] = []
    try:
        for direction in directions:
            there, lasts_s = MANNERS[manner](stand, direction, random)
            readings = stand.watch(lasts_s + _AFTER_S + random.random())
            seen = [int(reading.value) for reading in readings if reading.quantity == "passage"]
            right += sorted(seen) == sorted(there)
            truth += there
            counted += seen
    finally:
        stand.close()
    return Row(
        part, manner, len(directions), right, _sum(truth, 1), _sum(counted, 1), _sum(truth, -1), _sum(counted, -1)
    )


def _sum(passages: list[int], direction: int) -> int:
    return sum(abs(people) for people in passages if people * direction > 0)


def table(episodes: int = 100, seed: int = 1) -> list[Row]:
    """Every part with every manner."""
    return [measure(part, manner, episodes, seed) for part in PARTS for manner in MANNERS]
