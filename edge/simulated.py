"""A simulated hall behind a real gateway: where and when ``--fake`` begins, and how it goes on after a restart.

The hall lives while the gateway is dead, as a real one does: after a restart it is met as many simulated seconds later
as the speed makes of the time in between.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from devices.world.fake import FakeHall
from devices.world.recording import RecordingError
from devices.world.scenario import ScenarioError, load_scenario
from devices.world.site import Site as WorldSite
from edge.errors import Misconfigured
from edge.hall.site import Site
from edge.hallfile import HallFile

RECORDING = "recording:"
_SEED = 1
# A new hall is met this long before it opens: empty, with the first customers at the door.
_BEFORE_OPENING_S = 60.0
_LOOK_BACK_DAYS = 14
_KEEP_EVERY_S = 1.0


@contextmanager
def simulated_hall(hall_file: HallFile, state: Path, told: str, speed: float) -> Iterator[FakeHall]:
    """The hall that ``--fake TOLD`` means, not started yet; taken down at the end. Raises Misconfigured."""
    memory = _Memory(state / "simulation.json", told)
    site = hall_file.site
    recording = Path(told.removeprefix(RECORDING)) if told.startswith(RECORDING) else None
    begin = memory.now(speed)
    if begin is None and recording is None:
        begin = _before_opening(site)
    try:
        fake = FakeHall(
            world_site(site),
            hall_file.devices,
            scenario=None if recording is not None else load_scenario(told),
            recording=recording,
            seed=_SEED,
            begin=begin,
            epoch=memory.epoch,
            speed=speed,
        )
    except (ScenarioError, RecordingError, OSError) as error:
        raise Misconfigured(f"--fake {told}: {error}") from error
    memory.begin(fake)
    try:
        yield fake
    finally:
        memory.keep(fake)
        fake.stop()


def world_site(site: Site) -> WorldSite:
    """The hall as its visitors come to know it."""
    return WorldSite(
        floor_area_m2=site.floor_area_m2,
        capacity=site.capacity,
        counters=site.counters,
        timezone=site.timezone,
        opening=lambda day: site.hours.opening(day, site.timezone),
    )


def _before_opening(site: Site) -> float:
    """A minute before the hall last opened, so that there is something to see whatever the time is here."""
    now = datetime.now(UTC)
    for days in range(_LOOK_BACK_DAYS):
        opening = site.hours.opening((now - timedelta(days=days)).astimezone(site.timezone).date(), site.timezone)
        if opening is not None and opening[0] <= now:
            return opening[0].timestamp() - _BEFORE_OPENING_S
    return now.timestamp()


class _Memory:
    """What the simulation must know again after a restart; a heartbeat, not a record: losing it costs seconds."""

    def __init__(self, path: Path, told: str) -> None:
        self._path = path
        self._told = told
        self._last: dict[str, float] = {}
        with suppress(OSError, ValueError, KeyError):
            kept = json.loads(path.read_text("utf-8"))
            if kept["fake"] == told:
                self._last = {"epoch": kept["epoch"], "wall": kept["wall"], "real": kept["real"]}

    @property
    def epoch(self) -> float | None:
        return self._last.get("epoch")

    def now(self, speed: float) -> float | None:
        """What time it is in the hall by now; None if it has not begun."""
        if not self._last:
            return None
        return self._last["wall"] + max(0.0, time.time() - self._last["real"]) * speed

    def begin(self, fake: FakeHall) -> None:
        """Keep it from now on, about once a second of the machine's time."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self.keep(fake)
        fake.clock.agenda.at(fake.clock.monotonic() + fake.clock.at_least(1.0, _KEEP_EVERY_S), lambda: self.begin(fake))

    def keep(self, fake: FakeHall) -> None:
        wall = fake.clock.wall()
        kept = {"fake": self._told, "epoch": wall - fake.clock.monotonic(), "wall": wall, "real": time.time()}
        partial = self._path.with_suffix(".new")
        partial.write_text(json.dumps(kept), "utf-8")
        partial.replace(self._path)
