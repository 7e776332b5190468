"""A whole simulated hall: time, wires, a simulator for every device of the hall file, and the world that moves them."""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from devices.part import Settings, find_part, find_twin
from devices.world.lockstep import SimClock
from devices.world.recording import read_recording
from devices.world.scenario import Scenario
from devices.world.site import Site, day_of, midnight
from devices.world.wires import FakeWires
from devices.world.world import World

_log = logging.getLogger(__name__)


class FakeHall:
    """``clock`` and ``wires`` stand where the board's do; ``world`` knows the truth.

    ``scenario``   who comes and what goes wrong; None: nobody and nothing.
    ``recording``  counts that are played at the first door instead of the scenario's people. It begins with its first
                   half hour; after its end the hall stays as it is.
    ``begin``      wall time (epoch seconds) at which the hall is met; with a recording, None is its beginning.
    ``epoch``      wall time at which the simulated board was switched on (monotonic 0); None: midnight of the day of
                   ``begin``. Who stops and goes on later gives the first one's ``clock.wall() - clock.monotonic()``,
                   because monotonic instants are compared within one boot.
    ``speed``      simulated seconds a second; None: as fast as the machine can.

    Raises RecordingError.
    """

    def __init__(
        self,
        site: Site,
        devices: Sequence[Settings],
        *,
        scenario: Scenario | None = None,
        recording: Path | None = None,
        seed: int = 0,
        begin: float | None = None,
        epoch: float | None = None,
        speed: float | None = None,
    ) -> None:
        played = read_recording(recording) if recording is not None else None
        if begin is None:
            if played is None:
                raise ValueError("a hall without a recording needs a time to begin at")
            begin = played.first.replace(tzinfo=site.timezone).timestamp()
        if epoch is None:
            epoch = midnight(day_of(begin, site.timezone), site.timezone)
        kinds = [(find_part(settings.part).kind, settings) for settings in devices]
        self.failure: Exception | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self.clock = SimClock(start=begin - epoch, epoch=epoch, speed=speed)
        self.wires = FakeWires(self.clock, seed)
        self.world = World(site, scenario, self.clock, seed=seed, devices=kinds, recording=played)
        self.world.wire(self.wires)
        for kind, settings in kinds:
            self.world.attach(kind, self.wires.mount(find_twin(settings.part), settings))
        self._thread = threading.Thread(target=self._run, name="world", daemon=True)

    def start(self) -> None:
        """Let time pass. Every thread that is to keep up with it has made its bell before."""
        self._thread.start()

    def stop(self) -> None:
        """Stop time and take the wires down. Drivers have closed theirs before."""
        self.clock.stop()
        if self._thread.is_alive():
            self._thread.join()
        self.wires.close()

    def _run(self) -> None:
        try:
            self.clock.conduct()
        except Exception as error:  # noqa: BLE001  the supervisor of the world's thread: all else must learn of it
            _log.exception("the simulated world has failed")
            self.failure = error
            self.clock.stop()
            self.on_failure()
