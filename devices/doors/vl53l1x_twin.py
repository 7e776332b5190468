"""VL53L1X as its bus sees it, above a doorway through which bodies go.

It starts no sample without its configuration, measures through the zone that was set when it was started, and gives
status 13 when the zone was changed while it ranged (adafruit/Adafruit_VL53L1X#11); the first sample after a change is
the other zone's. The rest is a model, not a measurement: a body is a box 0.3 m deep, seen from where somebody of
``height_mm`` begins, where each zone is a quarter of a metre wide.
"""

from typing import Any, NamedTuple

from devices.world.twin import I2CTwin, Nack, Stage, Trouble

_BOOT_S = 0.0012
_CALIBRATED = 0x0300  # 00DE
_NOISE_MM = 10.0
_ZONE_M = 0.245  # 10 degrees at 1.4 m
_BODY_M = 0.3
_DOORWAY_M = 0.75
_HEAD_MM = 1650.0
_APART_S = 0.45
_GOOD, _NOTHING, _MOVED = 9, 4, 13  # raw status: 0, 2 and 13
_OUT_OF_SIGHT_MM = 3600.0
_LEAF_MM = 90.0


class _Body(NamedTuple):
    """A box whose middle is at ``begin_m`` (negative: outside) at ``begin`` and moves at ``pace`` until ``end``."""

    begin: float
    end: float
    begin_m: float
    pace: float
    head_mm: float

    def middle(self, now: float) -> float:
        return self.begin_m + self.pace * (now - self.begin)


class Vl53l1xTwin(I2CTwin):
    """``walk``, ``turn_back``, ``block``, ``leaf``; ``floor_mm`` is how far below it the floor really is."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.busy_until = stage.now()
        self.floor_mm: float = settings.mount_mm
        self.status: int | None = None  # forces the raw status
        self.deaf = False  # configured, but no sample is ever ready
        self._bodies: list[_Body] = []
        self._leaf: tuple[float, float] | None = None
        self._stuck: tuple[int, int] | None = None
        self._registers: dict[int, int] = {}
        self._number = 0
        self._booted_at = 0.0
        self._started: float | None = None
        self._taken = 0
        self._zone = self._zone_before = 0  # centres: of this start, and of the one before
        self._moved = False
        self.power_cycle()

    def walk(self, direction: int, *, duration_s: float = 0.6) -> None:
        """Somebody goes in (+1) or out (-1), beginning now; so long they are in the doorway."""
        self._go(-direction * _reach(), direction, _DOORWAY_M / duration_s, 2 * _reach())
        self._busy(duration_s)

    def turn_back(self, direction: int, *, duration_s: float = 0.8) -> None:
        """Somebody begins to go in (+1) or out (-1), comes into both zones, and goes back."""
        pace = 2 * _DOORWAY_M / duration_s
        far = _reach()
        self._go(-direction * _reach(), direction, pace, far)
        back = self.stage.now() + far / pace
        self._bodies.append(_Body(back, back + far / pace, direction * (far - _reach()), -direction * pace, _HEAD_MM))
        self._busy(duration_s)

    def block(self, seconds: float, zone: int = 0) -> None:
        """Something stands in a zone (0 outer, 1 inner) for so long."""
        now = self.stage.now()
        self._bodies.append(_Body(now, now + seconds, (zone * 2 - 1) * (_BODY_M / 2 + 0.05), 0.0, _HEAD_MM))

    def leaf(self, seconds: float) -> None:
        """The door's leaf is right below it for so long."""
        self._leaf = self.stage.now(), self.stage.now() + seconds

    def power_cycle(self) -> None:
        """Its supply was interrupted."""
        self._registers = {0x30: 0x11, 0x7F: 0xC7, 0x80: 0xFF}
        self._registers |= {0x010F: 0xEA, 0x0110: 0xCC, 0xDE: _CALIBRATED >> 8, 0xDF: _CALIBRATED & 0xFF}
        self._booted_at = self.stage.now() + _BOOT_S
        self._started, self._taken = None, 0

    def crashed(self) -> None:
        """Whoever started it has died since: it ranges, and a sample waits."""
        self._started = self.stage.now() - 3600.0

    def suffer(self, trouble: Trouble) -> None:
        super().suffer(trouble)
        self._stuck = None

    def recover(self) -> None:
        if self.trouble is Trouble.UNPLUGGED:
            self.power_cycle()
        super().recover()

    def write(self, data: bytes) -> None:
        if len(data) < 2:
            raise Nack
        self._number = int.from_bytes(data[:2])
        for offset, value in enumerate(data[2:]):
            self._set(self._number + offset, value)

    def read(self, length: int) -> bytes:
        if self._ready():
            self._latch()
        return bytes(self._get(self._number + offset) for offset in range(length))

    def _set(self, number: int, value: int) -> None:
        if number == 0x7F and self._started is not None and value != self._registers.get(0x7F):
            self._moved = True
        self._registers[number] = value
        if number == 0x87 and not (value == 0x40 and self._started is not None):  # it is ranging already: nothing new
            configured = self._registers.get(0x81) == 0x9B and self._registers.get(0x4F) == 0x05
            self._started = self.stage.now() if value == 0x40 and configured else None
            self._zone_before, self._zone = self._zone, self._registers[0x7F]
            self._taken, self._moved = 0, False
        elif number == 0x86 and value & 1:
            self._taken = self._samples()

    def _get(self, number: int) -> int:
        if number == 0xE5:
            return int(self.stage.now() >= self._booted_at)
        if number == 0x31:
            active_low = self._registers.get(0x30, 0) >> 4 & 1
            return 0x02 | int(self._ready()) ^ active_low
        return self._registers.get(number, 0)

    def _period_s(self) -> float:
        ticks = int.from_bytes(bytes(self._registers.get(0x6C + offset, 0) for offset in range(4)))
        return max(0.033, ticks / (_CALIBRATED & 0x3FF) / 1.075 / 1000)

    def _samples(self) -> int:
        if self._started is None or self.deaf or self.trouble is Trouble.SILENT:
            return 0
        return int((self.stage.now() - self._started) / self._period_s())

    def _ready(self) -> bool:
        return self._samples() > self._taken

    def _latch(self) -> None:
        """Put the newest sample into its registers."""
        status, distance = self._measure()
        self._registers |= {0x89: status | 0x40, 0x96: distance >> 8, 0x97: distance & 0xFF}

    def _measure(self) -> tuple[int, int]:
        if self.trouble is Trouble.STUCK:
            if self._stuck is None:
                self._stuck = self._sample(self._zone)
            return self._stuck
        if self.status is not None:
            return self.status, 0
        if self._moved:
            return _MOVED, 0
        if self._samples() == 1 and self._zone_before != self._zone:
            return self._sample(self._zone_before)
        return self._sample(self._zone)

    def _sample(self, centre: int) -> tuple[int, int]:
        now = self.stage.now()
        inner = centre != self.settings.outer
        nearest = self.floor_mm
        self._bodies = [body for body in self._bodies if body.end > now]
        for body in self._bodies:
            middle = body.middle(now)
            low, high = (0.0, _ZONE_M) if inner else (-_ZONE_M, 0.0)
            if body.begin <= now and middle + _BODY_M / 2 > low and middle - _BODY_M / 2 < high:
                nearest = min(nearest, self.floor_mm - body.head_mm)
        if self._leaf is not None and self._leaf[0] <= now < self._leaf[1]:
            nearest = _LEAF_MM
        if nearest > _OUT_OF_SIGHT_MM:
            return _NOTHING, 0
        return _GOOD, max(0, round(nearest + self.stage.random.gauss(0, _NOISE_MM)))

    def _go(self, begin_m: float, direction: int, pace: float, way_m: float) -> None:
        now = self.stage.now()
        self._bodies.append(_Body(now, now + way_m / pace, begin_m, direction * pace, _HEAD_MM))

    def _busy(self, seconds: float) -> None:
        self.busy_until = max(self.busy_until, self.stage.now() + seconds + _APART_S)


def _reach() -> float:
    """From the middle of the doorway to where a body is in no zone any more."""
    return _ZONE_M + _BODY_M / 2 + 0.05


TWIN = Vl53l1xTwin
