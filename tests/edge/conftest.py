"""A whole gateway on a simulated hall, as fast as the machine can: no broker, no page, real threads and real ptys."""

import json
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from devices.world.fake import FakeHall
from devices.world.scenario import load_scenario
from edge import hallfile
from edge.agent import Agent
from edge.simulated import world_site

EXAMPLES = Path(__file__).parents[2] / "examples"


class Hall:
    """One run of a gateway from a local time on. ``at`` plans what happens to it, ``run`` lets time pass."""

    def __init__(self, state: Path, *, scenario: str | None, begin: str, hall: Path, seed: int = 7) -> None:
        self.hall_file = hallfile.load(hall)
        site = self.hall_file.site
        self.state = state
        state.mkdir(exist_ok=True)
        self.begin = datetime.fromisoformat(begin).replace(tzinfo=site.timezone).timestamp()
        self.fake = FakeHall(
            world_site(site),
            self.hall_file.devices,
            scenario=load_scenario(scenario) if scenario else None,
            seed=seed,
            begin=self.begin,
            speed=None,
        )
        self.agent = Agent(self.hall_file, state, clock=self.fake.clock, wires=self.fake.wires)
        self.fake.on_failure = self.agent.stop

    def at(self, seconds: float, call: Callable[..., Any], *args: Any) -> None:
        """Have that happen so long after the beginning."""
        begin = self.fake.clock.monotonic()
        self.fake.clock.agenda.at(begin + seconds, lambda: call(*args))

    def run(self, seconds: float) -> "Hall":
        """Until that long after the beginning; then everything is taken down."""
        self.at(seconds, self.agent.stop)
        self.fake.start()
        self.agent.run()
        self.fake.stop()
        assert self.fake.failure is None
        return self

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """The bodies of that kind in the journal, with when they were (seconds after the beginning)."""
        db = sqlite3.connect(self.state / "journal.db")
        rows = db.execute("SELECT at, body FROM entry WHERE kind = ? ORDER BY lane, seq", (kind,)).fetchall()
        db.close()
        return [json.loads(body) | {"after": at - self.begin} for at, body in rows]

    def changes(self, code: str, source: str) -> list[str]:
        """What happened to that alarm."""
        return [e["change"] for e in self.entries("alarm") if (e["code"], e["source"]) == (code, source)]

    def present(self, topic: str) -> Any:
        return json.loads(self.agent.present.all()[topic])


@pytest.fixture
def simulated(tmp_path: Path) -> Callable[..., Hall]:
    """``simulated("rush", begin="2026-03-02T10:00")`` builds a medium hall; the same state each time it is called."""

    def make(scenario: str | None = None, *, begin: str = "2026-03-02T09:59", hall: str = "medium.yaml") -> Hall:
        return Hall(tmp_path / "state", scenario=scenario, begin=begin, hall=EXAMPLES / hall)

    return make
