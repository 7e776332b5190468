"""VL53L1X: time-of-flight sensor above a doorway that looks down through two zones in turn; I2C, address 0x29.

Wiring: VIN, GND, SDA (BCM 2), SCL (BCM 3). Registers have 16-bit numbers, words are big-endian, numbers go up by
themselves within a transfer::

    S  29+W  number MSB LSB  data ..  P            S  29+W  number MSB LSB  Sr  29+R  data ..  P

    010F model EACC         00E5 bit 0 booted     0087 40 start, 00 stop     0031 bit 0 a sample is ready (with 0030 = 01)
    0086 01 sample taken    007F zone centre      0080 zone size, (height-1) << 4 | width-1: F7 is 8 x 16
    0089 and 1F status      0096 distance, mm     004B 0A, 005E 0060, 0061 006E  long range in 33 ms
    006C period: (00DE and 03FF) * ms * 1.075

      street          hall         the two halves of its 16 x 16 elements: centre 167 and centre 231, each some 10
          \\  |  /                  degrees wide. Whoever goes in comes into the one first and leaves the other last:
           \\ | /                   the walk along that line is :class:`devices.doors.beams.Doorway`'s
        outer|inner

Source: STMicroelectronics' VL53L1X ultra lite driver (STSW-IMG009, Copyright (c) 2017 STMicroelectronics, dual licensed,
here under BSD-3-Clause): start-up, status table, and the values below, for which there is no other description; its
people counting example (STSW-IMG010) for the two centres, and the table of elements many copy from UM2555.

Nobody told it how high it hangs but the hall file: ``mount_mm``. The floor itself is learnt where that says it should
be, from ten minutes in which nobody passed, so every night at the latest; ``height_mm`` above it somebody begins.
A door's leaf that swings through just below it is nearer than ``nearest_mm``: nobody (diplix/esphome-configuration#3).

The zone is changed with ranging stopped, and the first sample after that is thrown away: it has status 13, or the
other zone's distance (adafruit/Adafruit_VL53L1X#11). So a zone is seen seven times a second, and who runs may be
missed; in wide doorways people pass beside the zones (Andrea-Fox/peopleCounter#16).
"""

import statistics
from collections import deque
from collections.abc import Iterable
from contextlib import suppress

import attrs
from attrs import validators

from devices.doors.beams import Doorway
from devices.faults import DeviceFault, fault
from devices.i2c import write, write_read
from devices.part import Driver, I2CSettings, Mount, Part, Wire
from devices.reading import Reading

_MODEL, _MODEL_ID, _BOOTED = 0x010F, 0xEACC, 0x00E5
_READY, _TAKEN, _MODE, _CENTRE = 0x0031, 0x0086, 0x0087, 0x007F
_START, _STOP = b"\x40", b"\x00"
_ZONE_SIZE = 0xF7
_STATUS_AT, _DISTANCE_AT, _RESULT_BYTES = 0x89 - _CENTRE, 0x96 - _CENTRE, 0x98 - _CENTRE

# Registers 2D to 87 as it wants them before it measures, register:value; those that are not named are 00.
# 2E and 2F: pull-ups at AVDD, as boards have them. 4B, 5F and 62: long range in 33 ms. 80: the zones' size.
_FIRST, _LAST = 0x2D, 0x87
_WANTED = """
    2E:01 2F:01 30:01 31:02 33:02 34:08 36:08 37:10 38:01 39:01 3E:FF 40:0F 46:20 47:0B 4A:02 4B:0A 4C:21 4F:05 54:C8
    57:38 58:FF 59:01 5B:08 5F:60 60:0F 62:6E 63:0D 64:01 65:68 67:80 68:08 69:B8 6E:0F 6F:89 77:01 78:0F 79:0D 7A:0E
    7B:0E 7E:02 7F:C7 80:F7 81:9B 85:01
"""
_VALUES = {int(pair[:2], 16): int(pair[3:], 16) for pair in _WANTED.split()}
CONFIGURATION = bytes(_VALUES.get(number, 0) for number in range(_FIRST, _LAST + 1))

# By the low five bits of the status register. 0 is good; 2, 4 and 7 saw nothing near enough; 1 is too noisy to tell.
STATUS = [255, 255, 255, 5, 2, 4, 1, 7, 3, 0, 255, 255, 9, 13, 255, 255, 255, 255, 10, 6, 255, 255, 11, 12]
_GOOD, _NOISY, _NOTHING = 0, 1, (2, 4, 7)

_PERIOD_MS = 35  # a little more than the 33 it measures
_READY_S = _PERIOD_MS / 1000
_LOOK_S = 0.003
# It boots in 1.2 ms (data sheet); the bus is not only ours, so nothing is waited for longer than this.
_BOOT_S, _STEP_S, _FIRST_SAMPLE_S = 0.05, 0.005, 0.3
_SILENT_S = 1.0
_RETRY_S = 2.0
_BAD_SAMPLES = 10  # in a row

_CENTRES = (167, 231)
_FLOOR_OFF_MM = 300.0  # a floor further from where it should be is a box, a leaf or somebody
_QUIET_S = 600.0
_SAMPLES = 63
_TOLD_S = 60.0


@attrs.frozen(kw_only=True)
class Settings(I2CSettings):
    """``mount_mm`` is how high it hangs above the floor; ``outer`` the centre of the zone towards the street."""

    address: int = attrs.field(default=0x29, validator=[validators.ge(0x08), validators.le(0x77)])
    mount_mm: float = attrs.field(validator=[validators.ge(1500.0), validators.le(3500.0)])
    outer: int = attrs.field(default=167, validator=validators.in_(_CENTRES))
    height_mm: float = attrs.field(default=800.0, validator=[validators.ge(400.0), validators.le(1500.0)])
    nearest_mm: float = attrs.field(default=200.0, validator=[validators.ge(0.0), validators.le(1000.0)])
    blocked_s: float = attrs.field(default=60.0, validator=[validators.ge(5.0), validators.le(3600.0)])

    def __attrs_post_init__(self) -> None:
        if self.height_mm + self.nearest_mm + _FLOOR_OFF_MM >= self.mount_mm:
            raise ValueError("'height_mm' and 'nearest_mm' leave nothing of 'mount_mm' in which to see anybody")


class Zone:
    """One half of what it sees: its floor, and whether somebody is above it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.floor_mm = settings.mount_mm
        self.occupied = False
        self.hidden_since: float | None = None  # by a leaf
        self.distance_mm: float | None = None
        self._seen: deque[float] = deque(maxlen=_SAMPLES)
        self._calm_since: float | None = None
        self._unsure = False

    def sample(self, distance_mm: float | None, at: float) -> tuple[bool, bool] | None:
        """Whether somebody is there and whether that is sure, if it has changed. None is nothing near enough."""
        if distance_mm is not None and distance_mm < self._settings.nearest_mm:
            self.hidden_since = at if self.hidden_since is None else self.hidden_since
            self._unsure |= self.occupied
            self._calm_since = None
            return None
        self.hidden_since = None
        self.distance_mm = distance_mm
        occupied = distance_mm is not None and distance_mm < self.floor_mm - self._settings.height_mm
        if occupied == self.occupied:
            self._learn(distance_mm, at)
            return None
        self.occupied = occupied
        self._calm_since = None
        sure, self._unsure = not self._unsure, False
        return occupied, sure

    def _learn(self, distance_mm: float | None, at: float) -> None:
        """The floor is the middle of what was seen while nobody passed for long."""
        if self.occupied:
            return
        if self._calm_since is None:
            self._calm_since = at
            self._seen.clear()
        if distance_mm is not None:
            self._seen.append(distance_mm)
        if at - self._calm_since >= _QUIET_S and len(self._seen) == _SAMPLES:
            floor_mm = statistics.median(self._seen)
            if abs(floor_mm - self._settings.mount_mm) <= _FLOOR_OFF_MM:
                self.floor_mm = floor_mm
            self._calm_since = None


class Vl53l1x(Driver):
    """Readings: ``passage`` +1 or -1, ``aborted`` 1; each minute ``outer_mm`` and ``inner_mm``, what it sees there."""

    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        assert mount.i2c is not None
        self._settings = settings
        self._bus = mount.i2c
        self._mount = mount
        self._centres = (settings.outer, sum(_CENTRES) - settings.outer)
        self._zones = [Zone(settings), Zone(settings)]
        self._doorway = Doorway()
        self._turn = 0  # the zone that it looks through now
        self._fresh = True  # the zone has just been changed
        self._ranging = False
        self._sampled_at = 0.0
        self._bad = 0
        self._told_at: float | None = None

    def open(self) -> None:
        self._begin()

    def poll(self) -> Iterable[Reading]:
        if not self._ranging:
            self._begin()
        try:
            return self._look()
        except DeviceFault as found:
            if found.code != "blocked":
                self._ranging = False  # it may have lost its power, and all we told it
                self.interval_s = _RETRY_S
            raise

    def close(self) -> None:
        self._ranging = False
        with suppress(DeviceFault):
            self._write(_MODE, _STOP)

    def _begin(self) -> None:
        """From whatever state it is in to ranging through the outer zone."""
        self.interval_s = _RETRY_S
        model = int.from_bytes(self._read(_MODEL, 2))
        if model != _MODEL_ID:
            raise fault("garbled", detail=f"model {model:04X}")
        self._await(_BOOTED, _BOOT_S)
        self._write(_MODE, _STOP)
        self._write(_FIRST, CONFIGURATION)
        self._write(_MODE, _START)  # one sample at the full field, from which it sets its own supply
        self._await(_READY, _FIRST_SAMPLE_S)
        self._write(_TAKEN, b"\x01")
        self._write(_MODE, _STOP)
        self._write(0x0008, b"\x09")
        self._write(0x000B, b"\x00")
        clock = int.from_bytes(self._read(0x00DE, 2)) & 0x03FF
        self._write(0x006C, int(clock * _PERIOD_MS * 1.075).to_bytes(4))
        self._doorway = Doorway()
        for number, zone in enumerate(self._zones):
            zone.hidden_since = None
            if zone.occupied:  # whoever stands there, nobody knows any more where they came from
                self._doorway.change(number, True, self._mount.now(), sure=False)
        self._bad = 0
        self._told_at = None
        self._sampled_at = self._mount.now()
        self._point(0)
        self._ranging = True

    def _look(self) -> Iterable[Reading]:
        if not self._read(_READY, 1)[0] & 1:
            if self._mount.now() - self._sampled_at > _SILENT_S:
                raise fault("silent")
            self.interval_s = _LOOK_S
            return ()
        result = self._read(_CENTRE, _RESULT_BYTES)
        self._write(_TAKEN, b"\x01")
        at = self._sampled_at = self._mount.now()
        if (result[0], result[1]) != (self._centres[self._turn], _ZONE_SIZE):
            raise fault("garbled", detail=f"zone {result[0]}, size {result[1]:02X}")
        if self._fresh:
            self._fresh = False
            self.interval_s = _READY_S
            return ()
        turn = self._turn
        self._point(1 - turn)
        readings = [*self._judge(turn, result, at), *self._sights(at)]
        if not readings:  # the fault can wait for the next poll, readings cannot
            self._raise_if_blocked(at)
        return readings

    def _point(self, turn: int) -> None:
        """Look through that zone."""
        self._write(_MODE, _STOP)
        self._write(_CENTRE, bytes([self._centres[turn]]))
        self._write(_MODE, _START)
        self._turn, self._fresh = turn, True
        self.interval_s = _READY_S

    def _judge(self, turn: int, result: bytes, at: float) -> Iterable[Reading]:
        raw = result[_STATUS_AT] & 0x1F
        status = STATUS[raw] if raw < len(STATUS) else 255
        if status not in (_GOOD, *_NOTHING):
            self._bad += status != _NOISY
            if self._bad >= _BAD_SAMPLES:
                raise fault("error-flag", detail=f"status {status}")
            return []
        self._bad = 0
        distance_mm = int.from_bytes(result[_DISTANCE_AT : _DISTANCE_AT + 2]) if status == _GOOD else None
        change = self._zones[turn].sample(distance_mm, at)
        if change is None:
            return []
        occupied, sure = change
        direction = self._doorway.change(turn, occupied, at, sure=sure)
        if direction is None:
            return []
        quantity, value = ("passage", direction) if direction else ("aborted", 1)
        return [Reading(self._settings.id, quantity, value, at)]

    def _sights(self, at: float) -> Iterable[Reading]:
        """What it sees, now and then: proof that it does, and what to mount it by."""
        if self._told_at is not None and at - self._told_at < _TOLD_S:
            return []
        self._told_at = at
        seen = zip(("outer_mm", "inner_mm"), (zone.distance_mm for zone in self._zones), strict=True)
        return [Reading(self._settings.id, name, float(mm), at) for name, mm in seen if mm is not None]

    def _raise_if_blocked(self, now: float) -> None:
        blocked = self._doorway.blocked(now, self._settings.blocked_s)
        hidden = [zone.hidden_since for zone in self._zones if zone.hidden_since is not None]
        if blocked is not None or (hidden and now - min(hidden) > self._settings.blocked_s):
            raise fault("blocked", detail="door leaf" if blocked is None else ("outer zone", "inner zone")[blocked])

    def _await(self, number: int, seconds: float) -> None:
        """Until bit 0 of that register is set. Raises DeviceFault."""
        until = self._mount.now() + seconds
        while not self._read(number, 1)[0] & 1:
            if self._mount.now() > until:
                raise fault("silent", detail=f"register {number:04X}")
            self._mount.pause(_STEP_S)

    def _read(self, number: int, length: int) -> bytes:
        return write_read(self._bus, self._settings.address, number.to_bytes(2), length)

    def _write(self, number: int, data: bytes) -> None:
        write(self._bus, self._settings.address, number.to_bytes(2) + data)


PART = Part(
    name="vl53l1x",
    kind="door",
    says={"zh": "飞行时间进出计数", "en": "time-of-flight sensor above the door, in and out"},
    wires=(Wire.I2C,),
    settings=Settings,
    driver=Vl53l1x,
)
