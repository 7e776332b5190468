"""LD2450 as its line sees it: ten frames a second of what a radar makes of the people on the floor.

What it gets wrong is a model, not a measurement: it knows three at the most, those nearest; two that are closer than
its resolution are one; who stands still for a second vanishes (TillFleisch/ESPHome-HLK-LD2450#14); places scatter;
slots are filled from the front, so people change theirs (csRon/HLK-LD2450#5). After a power cut it goes on by itself;
that it follows several targets it remembers, as delivered it follows one.
"""

import itertools
import math
from typing import Any, NamedTuple

from devices.doors.ld2450 import Target
from devices.doors.tracks import Point
from devices.serialport import Deframer
from devices.world.twin import Stage, Trouble, Twin

_PERIOD_S = 0.1
_RESOLUTION_MM = 360
_NOISE_MM = 40.0  # standard deviation of one coordinate
_STILL_S = 1.0
_DOORWAY_MM = 750.0  # what a walk's duration is for; the radar sees more of the way than the doorway itself
_REACH_MM = 1500.0
_PAST_MM = 120.0  # how far over the line somebody comes who turns back
_KEEP_RIGHT_MM = 150.0
_APART_S = 0.6


class _Step(NamedTuple):
    """At that time somebody is so far along the line and so deep inside."""

    at: float
    along: float
    depth: float


class Ld2450Twin(Twin):
    """``walk``, ``turn_back``, ``block``; ``misses`` is the share of sightings it loses; ``ghost``, ``hang``."""

    baud = 256000

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.busy_until = stage.now()
        self.misses = 0.0
        self.several = False
        self.deaf = False  # to commands, while it goes on measuring
        self._line = settings.line
        self._walks: list[list[_Step]] = []
        self._ghosts: list[Target] = []
        self._commands = Deframer(_cut_command)
        self._configuring = False
        self._hung = False
        self._frame = frame([])
        self._next()

    def walk(self, direction: int, *, duration_s: float = 0.6, aside_mm: float = 0.0, halt_s: float = 0.0) -> None:
        """Somebody goes in (+1) or out (-1), beginning now; ``halt_s`` they stand still just before the line."""
        pace = _DOORWAY_MM / duration_s
        stops = [(-_REACH_MM, 0.0), (-_RESOLUTION_MM, halt_s), (_REACH_MM, 0.0)]
        self._set_out(direction, pace, stops, aside_mm)

    def turn_back(self, direction: int, *, duration_s: float = 0.8, aside_mm: float = 0.0) -> None:
        """Somebody begins to go in (+1) or out (-1), and turns round when just over the line."""
        pace = _DOORWAY_MM / duration_s
        self._set_out(direction, pace, [(-_REACH_MM, 0.0), (_PAST_MM, 0.5), (-_REACH_MM, 0.0)], aside_mm)

    def block(self, seconds: float) -> None:
        """Somebody comes, stands on the line for so long, and goes back."""
        self._set_out(1, 1000.0, [(-_REACH_MM, 0.0), (0.0, seconds), (-_REACH_MM, 0.0)], 0.0)

    def ghost(self, x: int, y: int, speed: int = 0, resolution: int = 0) -> None:
        """A slot keeps that place from now on (esphome/esphome#15025)."""
        self._ghosts.append(Target(x, y, speed, resolution))

    def hang(self) -> None:
        """Frames stop (esphome/esphome#13956) until it is configured anew or restarted."""
        self._hung = True

    def power_cycle(self) -> None:
        """Its supply was interrupted."""
        self._hung = self._configuring = False
        self._commands.clear()
        self._ghosts.clear()

    def recover(self) -> None:
        if self.trouble in (Trouble.UNPLUGGED, Trouble.SILENT):
            self.power_cycle()
        super().recover()

    def received(self, data: bytes) -> None:
        for code in self._commands.feed(data):
            if not self.deaf:
                self._obey(code)

    def places(self) -> list[tuple[Point, float]]:
        """Where everybody is who walks, and for how long they have stood still there."""
        now = self.stage.now()
        self._walks = [steps for steps in self._walks if steps[-1].at > now]
        return [self._on_the_way(steps, now) for steps in self._walks]

    def _set_out(self, direction: int, pace: float, stops: list[tuple[float, float]], aside_mm: float) -> None:
        at = self.stage.now()
        along = self._line.length / 2 + aside_mm + direction * _KEEP_RIGHT_MM
        steps: list[_Step] = []
        before = stops[0][0]
        for depth, halt_s in stops:
            at += abs(depth - before) / pace
            steps.append(_Step(at, along, direction * depth))
            if halt_s:
                at += halt_s
                steps.append(_Step(at, along, direction * depth))
            before = depth
        self._walks.append(steps)
        self.busy_until = max(self.busy_until, self.stage.now() + _DOORWAY_MM / pace + _APART_S)

    def _on_the_way(self, steps: list[_Step], now: float) -> tuple[Point, float]:
        for start, end in itertools.pairwise(steps):
            if now < end.at:
                share = (now - start.at) / (end.at - start.at)
                depth = start.depth + share * (end.depth - start.depth)
                still_s = now - start.at if start.depth == end.depth else 0.0
                return self._line.point(start.along, depth), still_s
        return self._line.point(steps[-1].along, steps[-1].depth), 0.0

    def _obey(self, code: int) -> None:
        if code == 0xFF:
            self._configuring = True
        elif self._configuring:
            if code in (0x80, 0x90):
                self.several = code == 0x90
            elif code in (0xFE, 0xA3):
                self._configuring = self._hung = False
                if code == 0xA3:
                    self._ghosts.clear()
        else:
            return
        answer = code.to_bytes(1) + b"\x01\x00\x00"
        self.stage.line.send(
            bytes.fromhex("fdfcfbfa") + len(answer).to_bytes(2, "little") + answer + bytes.fromhex("04030201")
        )

    def _next(self) -> None:
        self.stage.at(self.stage.now() + _PERIOD_S, self._tick)

    def _tick(self) -> None:
        if not (self._hung or self._configuring):
            if self.trouble is not Trouble.STUCK:
                self._frame = frame(self._seen())
            self.stage.line.send(self._frame)
        self._next()

    def _seen(self) -> list[Target]:
        gauss, chance = self.stage.random.gauss, self.stage.random.random
        found: list[Point] = []
        for place, still_s in sorted(self.places(), key=lambda placed: math.hypot(*placed[0])):
            merged = any(math.dist(place, other) < _RESOLUTION_MM for other in found)
            if still_s < _STILL_S and not merged and chance() >= self.misses:
                found.append(place)
        slots = [
            Target(round(place.x + gauss(0, _NOISE_MM)), round(place.y + gauss(0, _NOISE_MM)), 16, _RESOLUTION_MM)
            for place in found
        ]
        return slots[: 3 if self.several else 1] + self._ghosts


def frame(slots: list[Target]) -> bytes:
    """A frame of up to three targets."""
    body = b"".join(
        _word(slot.x) + _word(slot.y) + _word(slot.speed) + slot.resolution.to_bytes(2, "little") for slot in slots[:3]
    )
    return bytes.fromhex("aaff0300") + body.ljust(24, b"\0") + bytes.fromhex("55cc")


def _word(value: int) -> bytes:
    """Positive has bit 15; a zero is a zero either way, and the empty slot is all zeros."""
    return (abs(value) | (0x8000 if value > 0 else 0)).to_bytes(2, "little")


def _cut_command(buffer: bytes) -> tuple[int, int | None]:
    """FD FC FB FA, length, command, value, 04 03 02 01."""
    if not bytes.fromhex("fdfcfbfa").startswith(buffer[:4]):
        return 1, None
    if len(buffer) < 6:
        return 0, None
    end = 6 + int.from_bytes(buffer[4:6], "little")
    if end > 64:
        return 1, None
    if len(buffer) < end + 4:
        return 0, None
    return (end + 4, buffer[6]) if buffer[end : end + 4] == bytes.fromhex("04030201") and end > 6 else (1, None)


TWIN = Ld2450Twin
