"""A simulated day, kept and judged again: the same readings must come to the same entries, byte for byte.

The readings are real ones as far as simulation goes: a world at full speed, its simulators, and the drivers and bus
workers of the gateway, whose inbox is a tape here. The hall that judges them is the pure wing alone, so what is timed
has no I/O, thread or clock in it.
"""

import hashlib
import json
import statistics
import time
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path

import attrs

from devices.clock import Bell
from devices.reading import Reading
from devices.world.fake import FakeHall
from devices.world.scenario import load_scenario
from devices.world.site import midnight
from edge import hallfile
from edge.agent import plan_of
from edge.hall.flow import Input, Moment, Outcome
from edge.hall.hall import Hall, Plan
from edge.hallfile import HallFile
from edge.inbox import Inbox
from edge.sampler import Sampler
from edge.simulated import world_site
from mqtt.messages import to_json

HALL = Path(__file__).parent.parent / "examples" / "medium.yaml"
_MONDAY = date(2026, 3, 2)
# Of all the days there are, the one on which most happens.
_SCENARIO = "demo"
_SEED = 1
# Before the doors open: everything is switched on, and the first customers come.
_BEFORE_S = 300.0
_RUNS = 5


@attrs.frozen
class Tape:
    """What came into the inbox, and when (monotonic); ``epoch`` is the wall time at monotonic 0."""

    epoch: float
    begin: float
    batches: list[tuple[float, list[Input]]]

    @property
    def readings(self) -> int:
        return sum(isinstance(item, Reading) for _, items in self.batches for item in items)


@attrs.frozen
class Result:
    """``hours`` of a hall's life took ``recorded_s`` to simulate; ``digest`` names what the hall made of them."""

    hours: float
    recorded_s: float
    readings: int
    entries: int
    digest: str
    readings_s: float


class Different(Exception):
    """The same readings came to different entries."""


def measure(*, hours: float = 1.0, say: Callable[[str], None] = lambda text: None) -> Result:
    """Raises Different."""
    hall_file = hallfile.load(HALL)
    say(f"{hours:g} h of {hall_file.site.name['en']}, scenario {_SCENARIO}")
    begin = time.perf_counter()
    tape = record(hall_file, hours)
    recorded_s = time.perf_counter() - begin
    say(f"judged {_RUNS} times")
    plan = plan_of(hall_file)
    first: list[bytes] | None = None
    took = []
    for _ in range(_RUNS):
        begin = time.process_time()  # a hall without I/O waits for nothing, so what it waits for is others' work
        outcomes, state = judge(plan, tape)
        took.append(time.process_time() - begin)
        told = list(lines(outcomes, state))
        first = first or told
        if told != first:
            raise Different(_difference(first, told))
    assert first is not None
    return Result(
        hours=hours,
        recorded_s=recorded_s,
        readings=tape.readings,
        entries=sum(len(outcome.records) for outcome in outcomes),
        digest=hashlib.sha256(b"\n".join(first)).hexdigest()[:12],
        readings_s=tape.readings / statistics.median(took),
    )


def record(hall_file: HallFile, hours: float) -> Tape:
    """That long from shortly before the hall opens, through real drivers."""
    site = hall_file.site
    epoch = midnight(_MONDAY, site.timezone)
    opening = site.hours.opening(_MONDAY, site.timezone)
    assert opening is not None
    fake = FakeHall(
        world_site(site),
        hall_file.devices,
        scenario=load_scenario(_SCENARIO),
        seed=_SEED,
        begin=(opening[0] - timedelta(seconds=_BEFORE_S)).timestamp(),
        epoch=epoch,
    )
    bell = fake.clock.bell("tape")
    inbox = _Recorder(bell, fake.clock.monotonic)
    sampler = Sampler(hall_file.devices, fake.wires, fake.clock, inbox)
    begin = fake.clock.monotonic()
    try:
        fake.start()
        sampler.start()
        while fake.clock.monotonic() < begin + hours * 3600 and fake.failure is None:
            bell.wait(begin + hours * 3600)
        batches = list(inbox.batches)  # what is told on the way down is no part of the day
        sampler.stop(bell)
    finally:
        bell.close()
        fake.stop()
    if fake.failure is not None:
        raise fake.failure
    return Tape(epoch, begin, batches)


class _Recorder(Inbox):
    """An inbox that nobody empties: it keeps what came, and when."""

    def __init__(self, bell: Bell, now: Callable[[], float]) -> None:
        super().__init__(bell)
        self._now = now
        self.batches: list[tuple[float, list[Input]]] = []

    def put(self, items: Iterable[Input]) -> None:
        self.batches.append((self._now(), list(items)))


def judge(plan: Plan, tape: Tape) -> tuple[list[Outcome], dict[str, str]]:
    """What a fresh hall makes of the tape, stepped as the agent would; and what it would keep at the end."""
    hall = Hall(plan)
    outcomes = [hall.step(_moment(tape, tape.begin), ())]
    for at, items in tape.batches:
        while (due := hall.due()) is not None and due < at:
            outcomes.append(hall.step(_moment(tape, due), ()))
        outcomes.append(hall.step(_moment(tape, at), items))
    return outcomes, hall.save()


def _moment(tape: Tape, mono: float) -> Moment:
    return Moment(mono, tape.epoch + mono)


def lines(outcomes: Iterable[Outcome], state: dict[str, str]) -> Iterable[bytes]:
    """Everything that leaves the hall, in order."""
    for outcome in outcomes:
        for record in outcome.records:
            body = record.body
            yield f"log {body.travels_in()} {body.kind} {record.wall!r} {to_json(body)}".encode()
        for topic, message in outcome.now.items():
            yield f"now {topic} {'' if message is None else to_json(message)}".encode()
        for action in outcome.actions:
            yield f"act {action.device} {action.verb} {json.dumps(action.args, sort_keys=True)}".encode()
    for name, saved in state.items():
        yield f"state {name} {saved}".encode()


def _difference(first: list[bytes], other: list[bytes]) -> str:
    for n, (one, two) in enumerate(zip(first, other, strict=False)):
        if one != two:
            return f"line {n}: {one.decode()} and then {two.decode()}"
    return f"{len(first)} lines and then {len(other)}"


def table(result: Result) -> str:
    """For people."""
    return (
        f"replay: {result.hours:g} h of a medium hall, {result.readings} readings through real drivers "
        f"(simulated in {result.recorded_s:.1f} s)\n"
        f"{result.entries} entries, the same each time ({result.digest}); "
        f"{result.readings_s:,.0f} readings a second through the pure hall"
    )
