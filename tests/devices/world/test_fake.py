"""A whole simulated hall with real drivers: what they read is what was so."""

import logging
import threading
from collections import Counter
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from devices.clock import Bell
from devices.faults import DeviceFault
from devices.part import Driver, Mount, Settings, UnknownPart, Wire, find_part
from devices.reading import Reading
from devices.tickets.escpos import Service
from devices.world.fake import FakeHall
from devices.world.plan import PlannedTrouble
from devices.world.recording import RecordingError
from devices.world.scenario import BUILT_IN, Scenario

SOON_S = 60.0
TEN = datetime(2026, 3, 2, 10, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
QUIET = BUILT_IN["quiet"]

HALL = {"zh": "静安营业厅", "en": "Jing'an hall"}
POLICY = Service(zh="保全", en="policy service")
CLAIMS = Service(zh="理赔", en="claims")

DEVICES: dict[str, dict[str, Any]] = {
    "door-main": {"part": "beams", "pins": [17, 27]},
    "entrance-temp": {"part": "mlx90614", "address": 0x5A, "interval_s": 0.5},
    "air-waiting": {"part": "scd41", "address": 0x62, "zone": "waiting"},
    "hygiene-badge": {"part": "rdm6300", "bus": "/dev/ttyUSB0", "zone": "waiting"},
    "tickets": {"part": "escpos", "bus": "/dev/ttyUSB1", "services": {"A": POLICY, "B": CLAIMS}},
    "panic": {"part": "contact", "pins": [5], "raises": "PANIC"},
    "fan": {"part": "relay", "pins": [6], "on": "AIR"},
}


def settings_of(*ids: str) -> list[Settings]:
    return [find_part(DEVICES[name]["part"]).settings(id=name, **DEVICES[name]) for name in ids or DEVICES]


A_TICKET = {"service": {"zh": "保全", "en": "policy"}, "ahead": 3, "wait_min": 12, "hall": HALL, "at": "10:00"}


class Gateway:
    """As little of a sampler as does: one thread a bus, polling its drivers when they are due."""

    def __init__(self, fake: FakeHall, devices: list[Settings]) -> None:
        self.readings: list[Reading] = []
        self.faults: Counter[str] = Counter()
        self._ports: dict[str, int] = {}
        self._fake = fake
        buses: dict[str, list[Settings]] = {}
        for settings in devices:
            buses.setdefault(settings.bus_name, []).append(settings)
        self._threads = [
            threading.Thread(target=self._work, args=(there, fake.clock.bell(bus)), daemon=True)
            for bus, there in buses.items()
        ]

    def until(self, at: float) -> None:
        self._until = at
        for thread in self._threads:
            thread.start()
        self._fake.start()
        for thread in self._threads:
            thread.join(SOON_S)
            assert not thread.is_alive()

    def values(self, device: str, quantity: str) -> list[Any]:
        return [reading.value for reading in self.readings if (reading.device, reading.quantity) == (device, quantity)]

    def _work(self, devices: list[Settings], bell: Bell) -> None:
        clock = self._fake.clock
        drivers: dict[str, Driver | None] = {settings.id: None for settings in devices}
        due = dict.fromkeys(drivers, clock.monotonic())
        takes_turns = devices[0].bus_name == "i2c-1"
        while clock.wall() < self._until:
            for settings in devices:
                if due[settings.id] <= clock.monotonic():
                    due[settings.id] = clock.monotonic() + self._poll(settings, drivers, bell)
            bell.wait(min(due.values()), [self._ports[name] for name in drivers if name in self._ports])
            if not takes_turns:  # what wakes us is an edge, or bytes on the line
                due = dict.fromkeys(due, clock.monotonic())
        for driver in drivers.values():
            if driver is not None:
                driver.close()
        bell.close()

    def _poll(self, settings: Settings, drivers: dict[str, Driver | None], bell: Bell) -> float:
        try:
            driver = drivers[settings.id] or self._open(settings, bell)
            drivers[settings.id] = driver
            for reading in driver.poll():
                self.readings.append(reading)
                if reading.quantity == "key":
                    driver.act("print", {**A_TICKET, "number": f"{reading.value}{len(self.readings):03d}"})
            return min(driver.interval_s, 1.0)
        except DeviceFault as error:
            self.faults[f"{settings.id} {error.code}"] += 1
            gone = drivers[settings.id]
            if gone is not None:
                gone.close()
            drivers[settings.id] = None
            self._ports.pop(settings.id, None)
            return 5.0

    def _open(self, settings: Settings, bell: Bell) -> Driver:
        part, wires, bus = find_part(settings.part), self._fake.wires, settings.bus_name
        mount = Mount(
            now=self._fake.clock.monotonic,
            pause=bell.pause,
            wake=bell.ring,
            i2c=wires.i2c(bus) if Wire.I2C in part.wires else None,
            serial=wires.serial(bus, part.baud) if Wire.SERIAL in part.wires else None,
            pins=wires.pins() if Wire.PINS in part.wires else None,
        )
        if mount.serial is not None:
            self._ports[settings.id] = mount.serial.fileno()
        driver = part.driver(settings, mount)
        driver.open()
        return driver


@pytest.fixture
def play(hall: Any, request: pytest.FixtureRequest) -> Any:
    """``play(scenario, until=…, ids…)`` lets a hall with real drivers live for a while."""

    def make(scenario: Scenario | None, hours: float, *ids: str, **more: Any) -> tuple[FakeHall, Gateway]:
        devices = settings_of(*ids)
        fake = FakeHall(hall.medium(), devices, scenario=scenario, **more)
        request.addfinalizer(fake.stop)
        gateway = Gateway(fake, devices)
        gateway.until(fake.clock.wall() + hours * 3600)
        return fake, gateway

    return make


def test_drivers_read_what_was_so(hall: Any, play: Any) -> None:
    scenario = attrs.evolve(BUILT_IN["fever"], rounds=16)
    before = FakeHall(hall.medium(), settings_of(), scenario=scenario, begin=TEN, seed=3).world.truth
    fake, gateway = play(scenario, 0.5, begin=TEN, seed=3)
    truth = fake.world.truth
    fevers = [
        reading.at
        for reading in gateway.readings
        if reading.quantity == "object_celsius" and float(reading.value) >= 37.3
    ]
    passed = Counter(gateway.values("door-main", "passage"))
    assert fake.failure is None
    assert gateway.faults == {}
    assert (passed[1], passed[-1]) == (truth.entered - before.entered, truth.left - before.left)
    assert passed[1] > 10
    assert sum(later - earlier > 2.0 for earlier, later in pairwise([0.0, *fevers])) == truth.flagged - before.flagged
    assert len(gateway.values("tickets", "key")) == truth.wanted - before.wanted
    assert len(gateway.values("tickets", "call")) >= truth.called - before.called
    printed = gateway.values("tickets", "printed")
    assert len(printed) == pytest.approx(truth.wanted - before.wanted, abs=1), "the last may still be at it"
    assert len(gateway.values("hygiene-badge", "badge")) == truth.disinfected.total() - before.disinfected.total()
    assert gateway.values("air-waiting", "co2_ppm")[-1] == pytest.approx(truth.co2_ppm, abs=40)


def test_the_same_seed_gives_the_same_readings_at_the_same_instants(play: Any) -> None:
    """Threads may take turns as they like: what each device says, and when, is settled."""
    (_, one), (_, other) = (play(BUILT_IN["demo"], 0.15, begin=TEN, seed=5) for _ in range(2))
    for device in DEVICES:
        said = [[reading for reading in gateway.readings if reading.device == device] for gateway in (one, other)]
        assert said[0] == said[1]
    assert len(one.readings) > 1000


def test_time_is_the_board_s_own(hall: Any) -> None:
    """Monotonic time begins at midnight, or where the hall that was met before has begun."""
    fake = FakeHall(hall.medium(), [], scenario=QUIET, begin=TEN)
    assert fake.clock.wall() == TEN
    assert fake.clock.monotonic() == 36_000.0
    later = FakeHall(hall.medium(), [], scenario=QUIET, begin=TEN + 86_400.0, epoch=TEN - 36_000.0)
    assert later.clock.monotonic() == 36_000.0 + 86_400.0
    assert later.world.truth.day == date(2026, 3, 3)


def test_a_recording_goes_through_the_first_door(play: Any, tmp_path: Path) -> None:
    file = tmp_path / "counts.csv"
    file.write_text("start,out,in\n2005-07-25T09:00,3,40\n2005-07-25T09:30,250,260\n2005-07-25T10:00,0,0\n")
    fake, gateway = play(None, 1.5, "door-main", recording=file)
    assert fake.clock.monotonic() == pytest.approx(10.5 * 3600, abs=1.0)
    passages = [(reading.at, reading.value) for reading in gateway.readings if reading.quantity == "passage"]
    counted = Counter((int(at // 1800) - 18, value) for at, value in passages)
    assert counted == {(0, -1): 3, (0, 1): 40, (1, -1): 250, (1, 1): 260}


def test_a_recording_that_cannot_be_played(hall: Any, tmp_path: Path) -> None:
    with pytest.raises(RecordingError):
        FakeHall(hall.medium(), [], recording=tmp_path / "nowhere.csv")


def test_a_hall_needs_a_time_to_begin_at(hall: Any) -> None:
    with pytest.raises(ValueError, match="needs a time to begin at"):
        FakeHall(hall.medium(), [], scenario=QUIET)


def test_an_unknown_part(hall: Any) -> None:
    settings = attrs.evolve(settings_of("panic")[0], part="kettle")
    with pytest.raises(UnknownPart, match="kettle"):
        FakeHall(hall.medium(), [settings], scenario=QUIET, begin=TEN)


def test_troubles_reach_drivers_and_pass(play: Any) -> None:
    scenario = attrs.evolve(
        QUIET,
        rounds=8,
        troubles=(
            PlannedTrouble(kind="disinfection", trouble="unplugged", after_s=3600.0, lasting_s=300.0),
            PlannedTrouble(kind="thermometer", trouble="unplugged", after_s=3900.0, lasting_s=300.0),
        ),
    )
    fake, gateway = play(scenario, 1.5, "hygiene-badge", "entrance-temp", begin=TEN)
    assert fake.failure is None
    faults = {name.split()[0]: count for name, count in gateway.faults.items()}
    assert 50 <= faults["hygiene-badge"] <= 62
    assert 50 <= faults["entrance-temp"] <= 62
    assert gateway.values("hygiene-badge", "badge"), "it works again"


def test_what_goes_wrong_in_the_world_is_told_and_ends_time(hall: Any, caplog: pytest.LogCaptureFixture) -> None:
    fake = FakeHall(hall.medium(), [], scenario=QUIET, begin=TEN)
    bell = fake.clock.bell("waiting")

    def fail() -> None:
        raise RuntimeError("the roof has come down")

    fake.clock.agenda.at(fake.clock.monotonic() + 60.0, fail)
    with caplog.at_level(logging.ERROR):
        fake.start()
        bell.wait(None)  # returns, because time has ended
    bell.close()
    fake.stop()
    assert str(fake.failure) == "the roof has come down"
    assert "the simulated world has failed" in caplog.text
    assert "in fail" in caplog.text, "with its traceback"


def test_stopping_what_never_began(hall: Any) -> None:
    FakeHall(hall.medium(), [], scenario=QUIET, begin=TEN).stop()
