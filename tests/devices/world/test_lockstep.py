"""Simulated time: nobody is late, nobody is early, and the machine's own speed does not show."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial
from random import Random

import pytest

from devices.world.lockstep import Agenda, SimBell, SimClock

SOON_S = 20.0  # of the machine's time: longer than that, and something hangs


class Crew:
    """A clock, its conductor and members, each on a thread of its own."""

    def __init__(self, clock: SimClock) -> None:
        self.clock = clock
        self.errors: list[BaseException] = []
        self._conductor = threading.Thread(target=self._guarded, args=(clock.conduct,), daemon=True)
        self._threads: list[threading.Thread] = []

    def member(self, name: str, work: Callable[[SimBell], None]) -> SimBell:
        bell = self.clock.bell(name)

        def live() -> None:
            try:
                self._guarded(lambda: work(bell))
            finally:
                bell.close()

        self._threads.append(threading.Thread(target=live, name=name, daemon=True))
        return bell

    def run(self) -> None:
        self.go()
        self.finish()

    def go(self) -> None:
        for thread in (self._conductor, *self._threads):
            thread.start()

    def finish(self) -> None:
        for thread in self._threads:
            thread.join(SOON_S)
            assert not thread.is_alive(), thread.name
        self.stop()

    def stop(self) -> None:
        self.clock.stop()
        for thread in (self._conductor, *self._threads):
            thread.join(SOON_S)
            assert not thread.is_alive(), thread.name
        if self.errors:
            raise self.errors[0]

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  the test's thread raises it
            self.errors.append(error)


def ticking(clock: SimClock, period: float, hours: float, seen: list[float]) -> Callable[[SimBell], None]:
    def work(bell: SimBell) -> None:
        due = period
        while due <= hours * 3600:
            bell.wait(due)
            seen.append(clock.monotonic())
            due += period

    return work


def test_every_member_sees_each_of_its_instants_exactly() -> None:
    clock = SimClock()
    crew = Crew(clock)
    periods = (1.0, 0.7, 5.0, 61.5, 30.0, 600.0)
    seen: dict[float, list[float]] = {period: [] for period in periods}
    for period in periods:
        crew.member(f"every {period}", ticking(clock, period, 1.0, seen[period]))
    crew.run()
    for period in periods:
        due, expected = period, []
        while due <= 3600:
            expected.append(due)
            due += period
        assert seen[period] == expected


def test_of_one_instant_events_come_first_then_the_rung_then_sleepers_in_the_order_of_joining() -> None:
    clock = SimClock()
    crew = Crew(clock)
    order: list[tuple[float, str]] = []
    heard = 0

    def rung(bell: SimBell) -> None:
        nonlocal heard
        while heard < 60:
            bell.wait(None)
            heard += 1
            order.append((clock.monotonic(), "rung"))

    def sleeper(name: str) -> Callable[[SimBell], None]:
        def work(bell: SimBell) -> None:
            for minute in range(1, 61):
                bell.wait(minute * 60.0)
                order.append((clock.monotonic(), name))

        return work

    for name in ("first", "second", "third"):
        crew.member(name, sleeper(name))
    listener = crew.member("listener", rung)

    def event(minute: int) -> None:
        assert clock.monotonic() == minute * 60.0
        order.append((clock.monotonic(), "event"))
        listener.ring()

    for minute in range(1, 61):
        clock.agenda.at(minute * 60.0, partial(event, minute))
    crew.run()
    names = ("event", "rung", "first", "second", "third")
    assert order == [(minute * 60.0, name) for minute in range(1, 61) for name in names]


def test_time_stands_still_while_anybody_is_awake() -> None:
    clock = SimClock()
    crew = Crew(clock)
    busy, checked = threading.Event(), threading.Event()

    def worker(bell: SimBell) -> None:
        bell.wait(10.0)
        busy.set()
        assert checked.wait(SOON_S)
        assert clock.monotonic() == 10.0
        bell.wait(20.0)

    crew.member("worker", worker)
    crew.member("impatient", lambda bell: bell.wait(10.001))
    crew.go()
    assert busy.wait(SOON_S)
    assert [clock.monotonic() for _ in range(1000)] == [10.0] * 1000
    checked.set()
    crew.finish()
    assert clock.monotonic() == 20.0


def test_a_ring_wakes_at_once_and_is_kept_for_who_is_awake() -> None:
    clock = SimClock()
    crew = Crew(clock)
    woken: list[float] = []

    def listener(bell: SimBell) -> None:
        bell.ring()  # while awake: the next wait returns at once
        bell.wait(None)
        woken.append(clock.monotonic())
        bell.wait(1000.0)
        woken.append(clock.monotonic())
        bell.wait(1000.0)
        woken.append(clock.monotonic())

    bell = crew.member("listener", listener)

    def ringer(own: SimBell) -> None:
        own.wait(7.5)
        bell.ring()

    crew.member("ringer", ringer)
    crew.run()
    assert woken == [0.0, 7.5, 1000.0]


def test_a_pause_is_deaf_but_the_ring_is_kept() -> None:
    clock = SimClock()
    crew = Crew(clock)
    woken: list[float] = []

    def pauser(bell: SimBell) -> None:
        bell.pause(10.0)
        woken.append(clock.monotonic())
        bell.wait(100.0)  # somebody rang in the meantime
        woken.append(clock.monotonic())
        bell.wait(100.0)
        woken.append(clock.monotonic())

    bell = crew.member("pauser", pauser)
    clock.agenda.at(3.0, bell.ring)
    crew.run()
    assert woken == [10.0, 10.0, 100.0]


def test_a_wait_for_what_is_past_returns_at_once() -> None:
    clock = SimClock(start=50.0)
    crew = Crew(clock)
    seen: list[float] = []

    def late(bell: SimBell) -> None:
        bell.wait(50.0)
        bell.wait(0.0)
        bell.pause(0.0)
        seen.append(clock.monotonic())

    crew.member("late", late)
    crew.run()
    assert seen == [50.0]


def test_data_on_a_file_wakes_before_time_goes_on() -> None:
    clock = SimClock()
    crew = Crew(clock)
    out, inn = os.pipe()
    seen: list[tuple[float, bytes]] = []

    def reader(bell: SimBell) -> None:
        while len(seen) < 100:
            bell.wait(None, [out])
            seen.append((clock.monotonic(), os.read(out, 100)))

    crew.member("reader", reader)
    crew.member("other", lambda bell: ticking(clock, 0.25, 200.0 / 3600, [])(bell))
    for second in range(1, 101):
        clock.agenda.at(float(second), partial(os.write, inn, b"%d" % second))
    crew.run()
    os.close(out)
    os.close(inn)
    assert seen == [(float(second), b"%d" % second) for second in range(1, 101)]


def test_stop_ends_every_sleep_now_and_from_then_on() -> None:
    clock = SimClock()
    crew = Crew(clock)
    asleep = threading.Barrier(5)

    def sleeper(bell: SimBell) -> None:
        asleep.wait(SOON_S)
        bell.wait(None)
        bell.pause(1e9)
        bell.wait(1e9)

    for number in range(4):
        crew.member(f"sleeper {number}", sleeper)
    crew.go()
    asleep.wait(SOON_S)
    crew.stop()


def test_what_an_event_raises_comes_out_of_the_conductor() -> None:
    clock = SimClock()
    crew = Crew(clock)
    crew.member("sleeper", lambda bell: bell.wait(100.0))

    def fail() -> None:
        raise RuntimeError("the roof has come down")

    clock.agenda.at(50.0, fail)
    crew.go()
    while not crew.errors:
        threading.Event().wait(0.001)
    with pytest.raises(RuntimeError, match="the roof has come down"):
        crew.stop()


def test_a_member_that_leaves_holds_nobody_up() -> None:
    clock = SimClock()
    crew = Crew(clock)
    seen: list[float] = []
    crew.member("brief", lambda bell: bell.wait(1.0))
    crew.member("long", ticking(clock, 1.0, 0.5, seen))
    crew.run()
    assert len(seen) == 1800


def test_rings_from_outside_are_neither_lost_nor_late() -> None:
    """A thread that is no member rings at moments of the machine's own; each ring is answered, and no sleep is."""
    clock = SimClock()
    crew = Crew(clock)
    seen: list[float] = []
    calls, answers = 0, 0
    done = threading.Event()

    def answering(bell: SimBell) -> None:
        nonlocal answers
        while not done.is_set():
            bell.wait(None)
            answers = calls

    bell = crew.member("answering", answering)
    crew.member("ticking", ticking(clock, 1.0, 2.0, seen))
    crew.go()
    for _ in range(300):
        calls += 1
        bell.ring()
        while answers < calls:
            threading.Event().wait(0.0001)
    done.set()
    bell.ring()
    crew.finish()
    assert seen == [float(second) for second in range(1, 7201)]


@pytest.mark.parametrize("speed", [2_000.0, 50_000.0])
def test_a_paced_clock_is_as_exact(speed: float) -> None:
    clock = SimClock(speed=speed)
    crew = Crew(clock)
    seen: list[float] = []
    rung: list[float] = []
    crew.member("ticking", ticking(clock, 7.0, 0.25, seen))

    def listener(bell: SimBell) -> None:
        while len(rung) < 10:
            bell.wait(None)
            rung.append(clock.monotonic())

    bell = crew.member("listener", listener)
    for number in range(1, 11):
        clock.agenda.at(number * 33.3, bell.ring)
    crew.run()
    assert seen == [7.0 * number for number in range(1, 129)]
    assert rung == [number * 33.3 for number in range(1, 11)]


def test_a_paced_clock_moves_on_between_two_events() -> None:
    clock = SimClock(speed=1_000.0)
    crew = Crew(clock)
    crew.member("sleeper", lambda bell: bell.wait(None))
    crew.go()
    before = clock.monotonic()
    while clock.monotonic() < before + 100.0:
        threading.Event().wait(0.001)
    crew.stop()


@pytest.fixture
def agenda() -> Agenda:
    return Agenda()


def test_the_agenda_keeps_order_and_of_one_instant_the_order_of_telling(agenda: Agenda) -> None:
    random = Random(1)
    told = [(float(random.randrange(20)), number) for number in range(200)]
    happened: list[tuple[float, int]] = []
    for instant, number in told:
        agenda.at(instant, partial(happened.append, (instant, number)))
    assert agenda.pop(-1.0) is None
    while (call := agenda.pop(100.0)) is not None:
        call()
    assert happened == sorted(told)
    assert agenda.next_due() is None


@pytest.fixture
def interrupted() -> Iterator[None]:
    """SIGUSR1 interrupts this thread as Ctrl-C does."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    yield
    signal.signal(signal.SIGUSR1, before)


def _interrupt_when_asleep(bell: SimBell) -> None:
    while not bell.asleep:
        threading.Event().wait(0.001)
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGUSR1)


@pytest.mark.usefixtures("interrupted")
def test_who_is_interrupted_in_their_sleep_is_awake() -> None:
    clock = SimClock()
    crew = Crew(clock)
    seen: list[float] = []
    crew.member("other", ticking(clock, 1.0, 0.01, seen))
    own = clock.bell("interrupted")
    threading.Thread(target=_interrupt_when_asleep, args=(own,), daemon=True).start()
    crew.go()
    with pytest.raises(KeyboardInterrupt):
        own.wait(None)
    stands_at = clock.monotonic()
    own.pause(1.0)
    assert clock.monotonic() == stands_at + 1.0
    own.close()
    crew.finish()
    assert seen == [float(second) for second in range(1, 37)]


def test_a_signal_may_ring() -> None:
    clock = SimClock()
    crew = Crew(clock)
    own = clock.bell("main")
    before = signal.signal(signal.SIGUSR1, lambda number, frame: own.ring())
    threading.Thread(target=_interrupt_when_asleep, args=(own,), daemon=True).start()
    crew.go()
    own.wait(None)
    signal.signal(signal.SIGUSR1, before)
    own.close()
    crew.stop()


def test_who_holds_time_up_for_long_is_named(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("devices.world.lockstep._STALL_S", 0.01)
    clock = SimClock()
    crew = Crew(clock)

    def dawdle(bell: SimBell) -> None:
        while not caplog.text:
            threading.Event().wait(0.001)

    crew.member("dawdler", dawdle)
    with caplog.at_level(logging.WARNING):
        crew.run()
    assert "simulated time stands still: dawdler" in caplog.text


def test_time_stands_still_when_all_have_gone() -> None:
    clock = SimClock()
    crew = Crew(clock)
    happened: list[float] = []
    for second in range(1, 100):
        clock.agenda.at(float(second), partial(happened.append, float(second)))
    crew.member("brief", lambda bell: bell.wait(10.5))
    crew.go()
    while clock.monotonic() < 10.5:
        threading.Event().wait(0.001)
    crew.finish()
    assert happened == [float(second) for second in range(1, 11)]
