"""The agent: wires one hall together, and carries what comes in through to those who are told.

Wired back to front, so that nothing speaks before there is somebody to listen::

    bus workers --.                                               .--> outputs (bus workers)
    uplink -------+--> inbox --> hall --> batch --> journal ------+--> uplink
    page, verbs --'                       (commit)                '--> present --> page, uplink

The hall's thread is the one that calls :meth:`Agent.run`. It alone touches the hall and writes the journal; whatever
it concludes is on the disk before it leaves this thread.
"""

import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs

from devices.clock import Clock
from devices.part import find_part
from devices.wires import Wires
from edge.hall.contacts import Wired
from edge.hall.devices import Equipment
from edge.hall.flow import Action, Link, Moment, Outcome, Request
from edge.hall.hall import Hall, Plan
from edge.hallfile import HallFile
from edge.inbox import Inbox
from edge.journal import Entry, Journal, StorageError
from edge.notify import notify, watchdog_every
from edge.present import Present
from edge.sampler import Sampler
from mqtt.messages import Command, Done, StateNow, rfc3339, to_json
from mqtt.uplink import Address, Uplink, Voice

log = logging.getLogger(__name__)

VERSION = metadata.version("hallgate")

# What nobody waits for is gathered this long into one transaction, to spare the card …
_GATHER_S = 1.0
# … and acknowledgements of the broker ride with the next batch, or are written after this long: losing one costs a
# duplicate.
_GATHER_MARKS_S = 60.0
# The same, in the machine's own time, for a simulated hall that runs fast.
_GATHER_REAL_S = 0.02
_STORAGE_RETRY_S = 1.0
_SYNC_CHECK_S = 10.0
_ASK_TIMEOUT_S = 10.0


@attrs.define
class _Batch:
    """What the hall has concluded and the disk does not know yet."""

    entries: list[Entry] = attrs.field(factory=list)
    now: dict[str, bytes] = attrs.field(factory=dict)
    actions: list[Action] = attrs.field(factory=list)
    answers: list[tuple[Command, Done]] = attrs.field(factory=list)
    due: float | None = None  # monotonic

    def add(self, outcome: Outcome, now: float, gather_s: float) -> None:
        urgent = bool(outcome.actions or outcome.answers)
        for record in outcome.records:
            body = record.body
            urgent |= body.is_urgent()
            self.entries.append(Entry(body.travels_in(), body.kind, to_json(body), record.wall, record.synced))
        for topic, message in outcome.now.items():
            self.now[topic] = b"" if message is None else to_json(message).encode()
        self.actions += outcome.actions
        self.answers += outcome.answers
        if urgent:
            self.due = now
        elif self.due is None and (self.entries or self.now):
            self.due = now + gather_s


class Agent:
    """One hall's gateway. ``run`` until ``stop``; ``ask`` and ``status`` from any thread."""

    def __init__(
        self,
        hall_file: HallFile,
        state: Path,
        *,
        clock: Clock,
        wires: Wires,
        address: Address | None = None,
        simulated_speed: float | None = None,
    ) -> None:
        site = hall_file.site
        self._simulated_speed = simulated_speed
        self._crowd_warn = hall_file.rules.crowd.warn
        self.site = site
        self.address = address
        self._clock = clock
        self._since = rfc3339(clock.wall())
        self._synced = clock.synced()
        self._sync_checked = clock.monotonic()
        self._stopping = threading.Event()
        self._asked: dict[str, Callable[[Done], None]] = {}
        self._batch = _Batch()
        self._storage_well = True

        self.journal = Journal(state / "journal.db", site.branch, clock.boot)
        self.present = Present(self.journal.retained())
        self.uplink: Uplink | None = None
        if address is not None:
            voice = Voice(state=self._state_message, request=self._requested, link=self._linked)
            self.uplink = Uplink(address, site.branch, self.journal, self.present, voice)
            self.present.watch(self.uplink.notify)
        self.hall = Hall(plan_of(hall_file))
        self.hall.restore(self.journal.state())
        self._bell = clock.bell("hall")
        self.inbox = Inbox(self._bell)
        self.sampler = Sampler(hall_file.devices, wires, clock, self.inbox)

    def run(self) -> None:
        """Until :meth:`stop`; then everything is taken down in order, and what is gathered is written."""
        self._step()  # what stands from before is told before anybody connects
        self._commit()
        if self.uplink is not None:
            self.uplink.start()
        self.sampler.start()
        notify("READY=1")
        watchdog_s = watchdog_every()
        next_sign = self._clock.monotonic()
        marks_due = next_sign + self._gather(_GATHER_MARKS_S)
        while not self._stopping.is_set():
            wait_until = [due for due in (self.hall.due(), self._batch.due) if due is not None]
            if watchdog_s is not None:
                wait_until.append(next_sign)
            wait_until.append(marks_due)
            self._bell.wait(min(wait_until))
            now = self._clock.monotonic()
            self._step()
            if self._batch.due is not None and self._batch.due <= now:
                self._commit()
                marks_due = now + self._gather(_GATHER_MARKS_S)
            elif now >= marks_due:
                marks_due = now + self._gather(_GATHER_MARKS_S)
                if self.journal.has_unwritten_marks():
                    self._commit()
            if watchdog_s is not None and now >= next_sign:
                next_sign = now + watchdog_s
                if self.is_alive():
                    notify("WATCHDOG=1")
        notify("STOPPING=1")
        self.sampler.stop(self._bell)
        self._step()
        self._commit()
        if self.uplink is not None:
            self.uplink.stop()
        self._bell.close()
        self.journal.close()

    def stop(self) -> None:
        """From any thread or a signal handler."""
        self._stopping.set()
        self._bell.ring()

    # --- one turn of the hall's thread ---------------------------------------------------------------------------

    def _step(self) -> None:
        outcome = self.hall.step(self._moment(), self.inbox.take())
        self._batch.add(outcome, self._clock.monotonic(), self._gather(_GATHER_S))

    def _commit(self) -> None:
        batch, self._batch = self._batch, _Batch()
        topics = {topic: True for topic, message in batch.now.items() if message}
        topics |= dict.fromkeys(self.present.take_cleared(), False)
        try:
            self.journal.commit(batch.entries, self.hall.save(), topics)
            self._storage_well = True
        except StorageError as error:
            # People come before records: what must be done is done and shown, what must be written waits its turn.
            if self._storage_well:
                log.error("the journal cannot be written, entries wait in memory: %s", error)
            self._storage_well = False
            self._batch.entries = batch.entries
            self._batch.due = self._clock.monotonic() + _STORAGE_RETRY_S
        for action in batch.actions:
            self.sampler.act(action.device, action.verb, action.args)
        self.present.tell(batch.now)
        if self.uplink is not None and batch.entries:
            self.uplink.notify()
        for command, done in batch.answers:
            asked = self._asked.pop(command.id, None)
            if asked is not None:
                asked(done)
            elif self.uplink is not None:
                self.uplink.answer(command, done)

    def _moment(self) -> Moment:
        mono = self._clock.monotonic()
        if mono - self._sync_checked > _SYNC_CHECK_S:
            before = self._synced
            self._sync_checked, self._synced = mono, self._clock.synced()
            if self._synced != before and self.uplink is not None:
                self.uplink.restate()
        return Moment(mono, self._clock.wall(), self._synced)

    def _gather(self, seconds: float) -> float:
        return self._clock.at_least(seconds, _GATHER_REAL_S)

    # --- from other threads --------------------------------------------------------------------------------------

    def ask(self, name: str, args: dict[str, Any], by: str) -> Done:
        """Have a command carried out as if it came over the line. Raises TimeoutError."""
        answered = threading.Event()
        answers: list[Done] = []

        def take(done: Done) -> None:
            answers.append(done)
            answered.set()

        command = Command(id=f"local-{uuid.uuid4().hex[:12]}", name=name, by=by, args=args)
        self._asked[command.id] = take
        self._requested(command)
        if not answered.wait(_ASK_TIMEOUT_S):
            self._asked.pop(command.id, None)
            raise TimeoutError(f"{name} was not answered within {_ASK_TIMEOUT_S:g} s")
        return answers[0]

    def status(self) -> dict[str, Any]:
        """How the gateway itself is."""
        uplink = self.uplink
        return {
            "branch": self.site.branch,
            "name": self.site.name,
            "type": self.site.type,
            "capacity": self.site.capacity,
            "counters": self.site.counters,
            "crowd_warn": self._crowd_warn,
            "timezone": self.site.timezone.key,
            "version": VERSION,
            "since": self._since,
            "wall": rfc3339(self._clock.wall()),
            "clock": "synced" if self._synced else "unsynced",
            "boot": self._clock.boot,
            "journal": self.journal.id,
            "simulated": self._simulated_speed is not None,
            "speed": self._simulated_speed,
            "uplink": {
                "address": str(self.address) if self.address else None,
                "connected": uplink is not None and uplink.connected,
                "waiting": self.journal.waiting(),
                "refused": self.journal.refused(),
            },
            "inbox_dropped": self.inbox.dropped,
            "alive": self.is_alive(),
        }

    def wall(self) -> float:
        """The hall's time, epoch seconds."""
        return self._clock.wall()

    def is_alive(self) -> bool:
        """Whether every thread that must make progress does."""
        return all(worker.is_alive() for worker in self.sampler.workers)

    def _requested(self, command: Command) -> None:
        self.inbox.put([Request(command, self._clock.monotonic())])

    def _linked(self, connected: bool, refused: int, reason: str) -> None:
        self.inbox.put([Link(connected, self._clock.monotonic(), refused, reason)])

    def _state_message(self, state: Any, reason: str | None) -> bytes:
        site = self.site
        message = StateNow(
            branch=site.branch,
            state=state,
            since=self._since,
            boot=self._clock.boot,
            journal=self.journal.id,
            version=VERSION,
            clock="synced" if self._synced else "unsynced",
            hall={
                "name": site.name,
                "type": site.type,
                "capacity": site.capacity,
                "counters": site.counters,
                "timezone": site.timezone.key,
            },
            reason=reason,
        )
        return to_json(message).encode()


def plan_of(hall_file: HallFile) -> Plan:
    """The hall file as the pure wing needs it."""
    equipment: dict[str, Equipment] = {}
    zones: dict[str, str] = {}
    disinfected: dict[str, str] = {}
    points: dict[str, str] = {}
    buttons: dict[str, str] = {}
    services: dict[str, Mapping[str, Any]] = {}
    wired: dict[str, Wired] = {}
    outputs: dict[str, str] = {}
    for device in hall_file.devices:
        part = find_part(device.part)
        equipment[device.id] = Equipment(part.kind, device.part, part.says, device.place)
        zone = device.zone or "hall"
        settings: Any = device  # what a part has beside the common settings, its class of part says
        match part.kind:
            case "air":
                zones[device.id] = zone
            case "disinfection":
                disinfected[device.id] = zone
            case "button" if settings.raises is not None:
                buttons[device.id] = settings.raises
            case "button" if settings.point is not None:
                points[device.id] = settings.point
            case "button":
                disinfected[device.id] = zone
            case "tickets":
                told = getattr(settings, "services", {})
                services[device.id] = {letter: {"zh": one.zh, "en": one.en} for letter, one in told.items()}
            case "contact":
                wired[device.id] = Wired(settings.raises, settings.normally == "closed")
            case "output" if settings.on is not None:
                outputs[device.id] = settings.on
    return Plan(
        site=hall_file.site,
        rules=hall_file.rules,
        equipment=equipment,
        zones=zones,
        disinfected=disinfected,
        points=points,
        buttons=buttons,
        services=services,
        wired=wired,
        outputs=outputs,
        version=VERSION,
    )
