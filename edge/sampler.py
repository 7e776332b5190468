"""Bus workers: one thread a bus, because parts on one bus take turns anyway.

A worker calls its drivers when they are due, or when their bus has something to say; it backs off from those that
fail, opens them anew when they return, and puts what it hears into the inbox. A bus that hangs holds up no other.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from devices.clock import Bell, Clock
from devices.faults import DeviceFault, fault
from devices.part import Driver, Mount, Part, Settings, Wire, find_part
from devices.reading import Reading
from devices.wires import Wires
from edge.hall.flow import Health
from edge.inbox import Inbox

log = logging.getLogger(__name__)

# One bad transfer is not a failed device: these faults must come so often in a row, and last so long.
_DOUBTFUL = frozenset({"no-answer", "garbled", "out-of-range", "error-flag"})
_TIMES = 3
_LASTING_S = 2.0
# A talking part may be quiet for hours between two of them; those have nothing to do with each other.
_FORGOTTEN_S = 60.0
# A failed device is tried again after this long, then twice that, up to the last.
_RETRY_S = (1.0, 10.0)
# However fast a simulated hall runs, a device is not polled more often than this of the machine's own time.
_LEAST_REAL_S = 0.002
# A bus that hangs is left behind after this long (of the machine's time).
_STOP_S = 5.0
# A worker this late is stuck, and the watchdog is to know.
_STUCK_S = 60.0


@attrs.frozen
class Act:
    """Something for a driver to do."""

    verb: str
    args: Mapping[str, Any]


class Slot:
    """One device on a worker's bus: its driver while it is open, and what is known of its health."""

    def __init__(self, settings: Settings, part: Part) -> None:
        self.settings = settings
        self.part = part
        self.driver: Driver | None = None
        self.due = 0.0
        self.rung = False
        self.acts: deque[Act] = deque()
        self.health: str | None = None
        self.fault: DeviceFault | None = None
        self._faults = 0
        self._since = self._last = 0.0
        self._retry_s = _RETRY_S[0]

    @property
    def talks(self) -> bool:
        return self.driver is not None and self.driver.talks

    def is_proven_by(self, readings: list[Reading], now: float) -> bool:
        """Whether a poll that gave these, and no fault, shows that the device works.

        A talking part goes on talking while paper is out, say; there it is the quiet poll that tells that it isn't any more.
        One that was garbled may have nothing to say for hours; when nothing bad has come for long, it is well again.
        """
        if not self.talks or self.fault is None:
            return bool(readings)
        if self.fault.code not in _DOUBTFUL:
            return not readings
        return bool(readings) or now - self._last > _FORGOTTEN_S

    def well(self, now: float) -> Health | None:
        """The device works. What there is to report, if that is new."""
        self._faults, self._retry_s = 0, _RETRY_S[0]
        if self.health == "ok":
            return None
        if self.health is not None:
            log.info("%s works again", self.settings.id)
        self.health, self.fault = "ok", None
        return Health(self.settings.id, "ok", now)

    def ill(self, found: DeviceFault, now: float) -> Health | None:
        """The device has failed to do its work. What there is to report, if it lasts and is new."""
        if not self._faults or now - self._last > _FORGOTTEN_S:
            self._faults, self._since = 0, now
        self._faults += 1
        self._last = now
        lasts = self._faults >= _TIMES and now - self._since >= _LASTING_S
        if found.code in _DOUBTFUL and not found.lost and not lasts:
            return None
        health = "degraded" if found.degraded else "failed"
        if health == self.health and self.fault is not None and self.fault.code == found.code:
            return None
        log.warning("%s %s: %s", self.settings.id, health, found)
        self.health, self.fault = health, found
        return Health(self.settings.id, health, now, found.code, found.text)

    def back_off(self) -> float:
        """How long to leave it alone."""
        wait, self._retry_s = self._retry_s, min(self._retry_s * 2, _RETRY_S[1])
        return wait


class Worker:
    """The thread of one bus."""

    def __init__(self, bus: str, slots: list[Slot], wires: Wires, clock: Clock, inbox: Inbox) -> None:
        self.bus = bus
        self.slots = slots
        self._wires = wires
        self._clock = clock
        self._inbox = inbox
        self._bell: Bell = clock.bell(bus)
        self._stopping = False
        self._opened: dict[Wire, Any] = {}
        self._expected = clock.monotonic()  # by when the thread has come round again
        self.thread = threading.Thread(target=self._run, name=f"bus {bus}", daemon=True)

    def act(self, slot: Slot, act: Act) -> None:
        """From any thread: have the driver do that."""
        slot.acts.append(act)
        slot.rung = True
        self._bell.ring()

    def is_alive(self) -> bool:
        """Whether the thread comes round; a driver or a port that hangs keeps it from that."""
        return self.thread.is_alive() and self._clock.monotonic() < self._expected + _STUCK_S

    def stop(self) -> None:
        self._stopping = True
        self._bell.ring()

    def _run(self) -> None:
        while not self._stopping:
            now = self._expected = self._clock.monotonic()
            for slot in self.slots:
                if slot.due <= now or slot.rung:
                    self._serve(slot)
            self._expected = min(slot.due for slot in self.slots)
            self._bell.wait(self._expected, self._fds())
            if self._fds():
                self.slots[0].rung = True
        for slot in self.slots:
            self._shut(slot)
        self._hang_up()
        self._bell.close()

    def _fds(self) -> tuple[int, ...]:
        """What to watch: the line of a part that talks by itself. Parts that share a line are asked in turn."""
        line = self._opened.get(Wire.SERIAL)
        return (line.fileno(),) if line is not None and len(self.slots) == 1 and self.slots[0].talks else ()

    def _serve(self, slot: Slot) -> None:
        slot.rung = False
        reports: list[Health | None] = []
        readings: list[Reading] = []
        try:
            if slot.driver is None:
                slot.driver = self._open(slot)
                if slot.driver.talks and (slot.fault is None or slot.fault.lost):
                    reports.append(slot.well(self._clock.monotonic()))
            while slot.acts:
                act = slot.acts.popleft()
                slot.driver.act(act.verb, dict(act.args))
            readings.extend(slot.driver.poll())
            if slot.is_proven_by(readings, self._clock.monotonic()):
                reports.append(slot.well(self._clock.monotonic()))
            slot.due = self._clock.monotonic() + self._interval(slot)
        except DeviceFault as found:
            reports.append(self._fail(slot, found))
        # A driver of somebody else's must not take the bus and its other devices down with it.
        except Exception as error:
            log.exception("the driver of %s has a fault of its own", slot.settings.id)
            reports.append(self._fail(slot, fault("error-flag", detail=f"{type(error).__name__}: {error}", lost=True)))
        news = [report for report in reports if report is not None]
        if readings or news:
            self._inbox.put([*readings, *news])

    def _fail(self, slot: Slot, found: DeviceFault) -> Health | None:
        report = slot.ill(found, self._clock.monotonic())
        settled = slot.health == "failed"
        if found.lost or (settled and not slot.talks):
            self._shut(slot)
            if found.lost:
                self._hang_up()
            slot.acts.clear()
        if slot.driver is None:
            slot.due = self._clock.monotonic() + slot.back_off()
        else:
            slot.due = self._clock.monotonic() + self._interval(slot)
        return report

    def _interval(self, slot: Slot) -> float:
        assert slot.driver is not None
        return self._clock.at_least(slot.driver.interval_s, _LEAST_REAL_S)

    def _open(self, slot: Slot) -> Driver:
        wanted = slot.part.wires
        for wire in wanted:
            if wire not in self._opened:
                self._opened[wire] = self._connect(wire, slot)

        def wake() -> None:
            slot.rung = True
            self._bell.ring()

        mount = Mount(
            now=self._clock.monotonic,
            pause=self._bell.pause,
            wake=wake,
            i2c=self._opened[Wire.I2C] if Wire.I2C in wanted else None,
            serial=self._opened[Wire.SERIAL] if Wire.SERIAL in wanted else None,
            pins=self._opened[Wire.PINS] if Wire.PINS in wanted else None,
        )
        driver = slot.part.driver(slot.settings, mount)
        try:
            driver.open()
        except BaseException:
            driver.close()
            raise
        return driver

    def _connect(self, wire: Wire, slot: Slot) -> Any:
        match wire:
            case Wire.I2C:
                return self._wires.i2c(self.bus)
            case Wire.SERIAL:
                baud = getattr(slot.settings, "baud", slot.part.baud)
                return self._wires.serial(self.bus, baud, self._bell.pause)
            case Wire.PINS:
                return self._wires.pins()
            case Wire.NETWORK:
                return None  # a driver of the network opens its own connections

    def _shut(self, slot: Slot) -> None:
        if slot.driver is not None:
            slot.driver.close()
            slot.driver = None

    def _hang_up(self) -> None:
        """Give the bus back, so that it is opened anew. The pins are everybody's and stay."""
        for wire in (Wire.I2C, Wire.SERIAL):
            opened = self._opened.pop(wire, None)
            if opened is not None:
                for slot in self.slots:
                    self._shut(slot)
                opened.close()


class Sampler:
    """All bus workers of a hall."""

    def __init__(self, devices: Iterable[Settings], wires: Wires, clock: Clock, inbox: Inbox) -> None:
        self._clock = clock
        buses: dict[str, list[Slot]] = {}
        for settings in devices:
            buses.setdefault(settings.bus_name, []).append(Slot(settings, find_part(settings.part)))
        self.workers = [Worker(bus, slots, wires, clock, inbox) for bus, slots in buses.items()]
        self._places = {slot.settings.id: (worker, slot) for worker in self.workers for slot in worker.slots}

    def start(self) -> None:
        for worker in self.workers:
            worker.thread.start()

    def act(self, device: str, verb: str, args: Mapping[str, Any]) -> None:
        """Have that device do something, in its own thread's turn."""
        worker, slot = self._places[device]
        worker.act(slot, Act(verb, args))

    def stop(self, bell: Bell) -> None:
        """Let every driver leave its part in its safe state, and end. The caller waits at its own bell, because a
        driver that needs a moment needs time to pass."""
        for worker in self.workers:
            worker.stop()
        deadline = time.monotonic() + _STOP_S
        while any(worker.thread.is_alive() for worker in self.workers) and time.monotonic() < deadline:
            bell.wait(self._clock.monotonic() + self._clock.at_least(0.02, 0.02))
