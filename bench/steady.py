"""hallgate beside the plain loop: the same frames at the same time, the same broker, in one run."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs

from bench.broker import Listener, Meter, Mosquitto
from bench.probe import Memory, Sample, memory, sample, sync_ms
from bench.wire import Feed, Fever, Line

# On a disk by the rules of the file system's hierarchy, where /tmp may be memory and its fsync for nothing.
FOLDER = Path("/var/tmp")
_ROOT = Path(__file__).parent.parent

_START_S = 30.0
_STOP_S = 15.0
# What has been said on the way to the end must still be heard.
_ECHO_S = 2.0

_HALL = """\
hall:
  branch: bench
  name: {{zh: 测试厅, en: bench hall}}
  type: medium
  floor_area_m2: 180
  timezone: Asia/Shanghai
  hours: {{mon-sun: 00:00-24:00}}
  counters: 8
devices:
{devices}"""


@attrs.frozen
class Figures:
    """What one program costs; MB are 1e6 bytes, an hour's are extrapolated. None: nothing came to measure it by."""

    memory: Memory
    cpu_pct: float
    wake_ups_s: float
    cold_start_s: float
    alarm_p50_ms: float | None
    alarm_p99_ms: float | None
    alarms: int
    alarms_missing: int
    written_mb_h: float
    line_bytes_reading: float


@attrs.frozen
class Result:
    """``frames`` to each program in ``seconds`` of quiet time; ``programs``: hallgate first."""

    devices: int
    seconds: float
    frames: int
    sync_ms: float
    programs: dict[str, Figures]


class Program:
    """One of the two under test: how it is started, what of it a subscriber hears, and what we have seen of it."""

    def __init__(self, name: str, folder: Path, lines: list[Line], broker: int) -> None:
        self.name = name
        self.lines = lines
        self.meter = Meter(broker)
        self.online = threading.Event()
        self.cold_starts: list[float] = []
        self.begun: dict[str, float] = {}  # device -> when its last fever was on the wire
        self.alarms: list[float] = []  # latencies, s
        self.fevers = 0
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Until it is heard."""
        self.online.clear()
        state = Path(tempfile.mkdtemp(dir=self._folder))
        # Bytecode is kept as it would be on a board, whatever our own environment says of it, but not in the checkout.
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = str(self._folder / "bytecode")
        with (self._folder / "log").open("ab") as log:
            begin = time.monotonic()
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self._command(state)],
                cwd=_ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        if not self.online.wait(_START_S):
            raise RuntimeError(f"{self.name} did not come up: {self.said()}")
        self.cold_starts.append(time.monotonic() - begin)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def said(self) -> str:
        """The end of its log."""
        return (self._folder / "log").read_text("utf-8", "replace")[-2000:]

    def fever(self, fever: Fever) -> None:
        self.fevers += 1
        self.begun[device_name(fever.device)] = fever.at

    def hear(self, topic: str, payload: bytes, at: float) -> None:
        """A message of this program, from the listener."""
        raise NotImplementedError

    def raised(self, device: str, at: float) -> None:
        begun = self.begun.pop(device, None)
        if begun is not None:
            self.alarms.append(at - begun)

    def _command(self, state: Path) -> list[str]:
        raise NotImplementedError


class Hallgate(Program):
    """The gateway as a board runs it: real ports, a hall file, no page."""

    def _command(self, state: Path) -> list[str]:
        hall = self._folder / "hall.yaml"
        devices = [
            f"  - {{id: {device_name(n)}, part: gy-mcu90614, bus: {line.name}}}\n" for n, line in enumerate(self.lines)
        ]
        hall.write_text(_HALL.format(devices="".join(devices)), "utf-8")
        uplink = f"mqtt://127.0.0.1:{self.meter.port}"
        return ["hallgate", "run", "--hall", str(hall), "--state", str(state), "--uplink", uplink, "--port", "0"]

    def hear(self, topic: str, payload: bytes, at: float) -> None:
        match topic.removeprefix("hall/v1/bench/"):
            case "now/state" if json.loads(payload)["state"] == "online":
                self.online.set()
            case "log/alarm":
                entry = json.loads(payload)
                if entry["code"] == "FEVER" and entry["change"] == "raised":
                    self.raised(entry["source"], at)


class Plain(Program):
    """The loop of ``bench/plain.py``."""

    def _command(self, state: Path) -> list[str]:
        return ["bench.plain", str(self.meter.port), str(state), *(line.name for line in self.lines)]

    def hear(self, topic: str, payload: bytes, at: float) -> None:
        if topic == "plain/state" and payload == b"online":
            self.online.set()
        elif topic == "plain/alarm":
            alarm = json.loads(payload)
            if alarm["state"] == "raised":
                self.raised(alarm["device"], at)


def measure(
    *,
    devices: int = 20,
    seconds: float = 60.0,
    fevers: int = 100,
    cold_starts: int = 5,
    warm_up: float = 8.0,
    folder: Path = FOLDER,
    say: Callable[[str], None] = lambda text: None,
) -> Result:
    """Takes ``seconds``, about three quarters of a second a fever, and some twenty for the rest. Raises NoBroker."""
    with _programs(devices, folder) as (programs, place):
        sync = sync_ms(place)
        say(f"{cold_starts} cold starts of each")
        for n in range(cold_starts + 1):
            for program in programs:  # in turns, so that noise hits both
                program.start()
                if n == 0:
                    program.cold_starts.clear()  # it filled the cache
                program.stop()
        for program in programs:
            program.start()
        feed = Feed([program.lines for program in programs], lambda fever: programs[fever.program].fever(fever))
        feed.start()
        try:
            time.sleep(warm_up)
            say(f"{seconds:g} s with nobody ill")
            frames = feed.frames
            before = [(sample(program.pid), program.meter.sent) for program in programs]
            time.sleep(seconds)
            frames = feed.frames - frames
            after = [(sample(program.pid), program.meter.sent, memory(program.pid)) for program in programs]
            say(f"{fevers} people with a fever")
            feed.fevers(fevers, timeout=10.0 + 3.0 * fevers)
            time.sleep(_ECHO_S)
        finally:
            feed.stop()
    return Result(
        devices=devices,
        seconds=seconds,
        frames=frames,
        sync_ms=sync,
        programs={
            program.name: _figures(program, early, late, end, (sent_late - sent_early) / max(1, frames))
            for program, (early, sent_early), (late, sent_late, end) in zip(programs, before, after, strict=True)
        },
    )


@contextmanager
def _programs(devices: int, folder: Path) -> Iterator[tuple[list[Program], Path]]:
    """Both, with their lines and the broker, none of them running yet; nothing is left of them afterwards."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hallgate-bench-", dir=folder)))
        mosquitto = Mosquitto(place)
        stack.callback(mosquitto.stop)
        programs: list[Program] = []
        for name, kind in (("hallgate", Hallgate), ("plain", Plain)):
            lines = [Line() for _ in range(devices)]
            for line in lines:
                stack.callback(line.close)
            program = kind(name, place / name, lines, mosquitto.port)
            stack.callback(program.meter.stop)
            stack.callback(program.stop)
            programs.append(program)
        hallgate, plain = programs

        def hear(topic: str, payload: bytes, at: float) -> None:
            (plain if topic.startswith("plain/") else hallgate).hear(topic, payload, at)

        listener = Listener(mosquitto.port, ["hall/v1/bench/#", "plain/#"], hear)
        stack.callback(listener.close)
        yield programs, place


def _figures(program: Program, early: Sample, late: Sample, end: Memory, line: float) -> Figures:
    took = late.at - early.at
    alarms = sorted(program.alarms)
    return Figures(
        memory=end,
        cpu_pct=100 * (late.cpu_s - early.cpu_s) / took,
        wake_ups_s=(late.woken - early.woken) / took,
        cold_start_s=statistics.median(program.cold_starts),
        alarm_p50_ms=1000 * statistics.median(alarms) if alarms else None,
        alarm_p99_ms=1000 * alarms[max(0, -(-99 * len(alarms) // 100) - 1)] if alarms else None,
        alarms=len(alarms),
        alarms_missing=program.fevers - len(alarms),
        written_mb_h=(late.written - early.written) / took * 3600 / 1e6,
        line_bytes_reading=line,
    )


def device_name(n: int) -> str:
    """As the hall file names it, and the plain loop as well."""
    return f"lane-{n + 1:02d}"


# --- the table ---------------------------------------------------------------------------------------------------

_ROWS: tuple[tuple[str, str, str, Callable[[Figures], float | None]], ...] = (
    ("memory, PSS", "MB", "42", lambda f: f.memory.pss),
    ("memory, RSS", "MB", "", lambda f: f.memory.rss),
    ("CPU", "% of a core", "3", lambda f: f.cpu_pct),
    ("wake-ups", "a second", "", lambda f: f.wake_ups_s),
    ("cold start", "s", "0.5", lambda f: f.cold_start_s),
    ("alarm, p50", "ms", "4", lambda f: f.alarm_p50_ms),
    ("alarm, p99", "ms", "12", lambda f: f.alarm_p99_ms),
    ("written", "MB an hour", "5", lambda f: f.written_mb_h),
    ("line", "bytes a reading", "6", lambda f: f.line_bytes_reading),
)


def table(result: Result) -> str:
    """For people."""
    hallgate, plain = result.programs["hallgate"], result.programs["plain"]
    lines = [
        f"steady: {result.devices} devices at 1 Hz, {result.frames} frames in {result.seconds:g} s",
        f"sync: {result.sync_ms:.2f} ms until 4 KiB are on this disk",
        "",
        f"{'':<12} {'hallgate':>9} {'plain':>9} {'ratio':>7} {'aim':>6}",
    ]
    for name, unit, aim, of in _ROWS:
        ours, theirs = of(hallgate), of(plain)
        ratio = "–" if ours is None or not theirs else f"{ours / theirs:.2f}"
        lines.append(f"{name:<12} {_number(ours):>9} {_number(theirs):>9} {ratio:>7} {aim:>6}  {unit}")
    lines.append("")
    lines += [f"{name}: {f.alarms} alarms heard, {f.alarms_missing} missing" for name, f in result.programs.items()]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
