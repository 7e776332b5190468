"""The verbs, against a real socket with a desk behind it that does as the test says."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from paho.mqtt import publish

from edge import control, verbs
from edge.control import default_state
from edge.page.app import make_app
from edge.page.server import on_socket
from edge.verbs import acknowledge, alarms, status, watch
from tests.edge.desks import FakeDesk, text
from tests.waiting import eventually


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def call(desk, tmp_path, monkeypatch) -> Iterator[Callable[..., Result]]:
    """``call(alarms, "--json")``, in English unless told, with the gateway that runs in this test's folder."""
    monkeypatch.setenv("HALLGATE_STATE", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    server = on_socket(make_app(desk, may_act=True), tmp_path / "control.sock")
    server.start()
    yield lambda verb, *args: CliRunner().invoke(verb, args)
    server.stop()


@pytest.fixture
def terminal(monkeypatch) -> None:
    monkeypatch.setattr(verbs, "_on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "160")


# --- status ------------------------------------------------------------------------------------------------------


def test_status_tells_the_gateway_and_the_hall(call, desk) -> None:
    desk.tell_hall(occupancy=27)
    desk.tell_device("door-main")
    desk.tell_device("door-side", "blocked")
    desk.tell_alarm("FEVER", "entrance", level=3)
    desk.tell_alarm("AIR", "waiting")
    desk.tell_alarm("WAIT", "hall")
    result = call(status)
    assert result.exit_code == 0
    facts = dict(line.split("\t") for line in result.stdout.splitlines())
    assert facts == {
        "hall": "Jing'an hall (jingan-0042, medium)",
        "time": "2026-03-02 12:00:00 Asia/Shanghai, clock synchronised",
        "now": "open, 27 of 33 inside, 2 waiting, 5 counters",
        "alarms": "III: 1, IV: 2",
        "devices": "1 ok, door-side (failed)",
        "centre": "mqtts://broker.example:8883 connected, 12 rows waiting",
        "version": "hallgate 0.1.0, since 2026-03-02 11:00:00",
    }


def test_status_in_chinese_of_a_hall_that_is_made_up_and_not_well(call, desk) -> None:
    desk.speed, desk.alive, desk.connected = 60.0, False, False
    said = call(status, "--language", "zh").stdout
    assert "营业厅\t静安营业厅 (jingan-0042, medium)\n" in said
    assert "模拟\t×60\n" in said
    assert "报警\t没有\n" in said
    assert "中心\tmqtts://broker.example:8883 断开, 12 条待发\n" in said
    assert "网关\t有部分停止运行，详见日志\n" in said


def test_status_for_a_program(call, desk) -> None:
    assert json.loads(call(status, "--json").stdout) == desk.status()


def test_status_on_a_terminal(call, desk, terminal) -> None:
    said = call(status).stdout
    assert "Jing'an hall (jingan-0042, medium)" in said
    assert "\t" not in said


# --- alarms ------------------------------------------------------------------------------------------------------


def test_alarms_are_a_line_each(call, desk) -> None:
    desk.tell_alarm("AIR", "waiting", state="acknowledged", ago_s=600)
    desk.tell_alarm("FEVER", "entrance", level=3, ago_s=60)
    assert call(alarms).stdout.splitlines() == [
        "level\tcode\tsource\tstate\tsince\ttext",
        "III\tFEVER\tentrance\tnot acknowledged\t2026-03-02 11:59:00\talarm of entrance",
        "IV\tAIR\twaiting\tacknowledged\t2026-03-02 11:50:00\talarm of waiting",
    ]


def test_alarms_on_a_terminal_are_a_table_in_which_nothing_is_markup(call, desk, terminal) -> None:
    desk.tell_alarm("FEVER", "[red]entrance", level=3)
    said = call(alarms, "--language", "zh").stdout
    assert "体温" not in said
    assert "[red]entrance 报警" in said
    assert "III" in said
    assert "\t" not in said


def test_no_alarms(call, desk) -> None:
    assert call(alarms).stdout == "no alarms\n"
    assert call(alarms, "--language", "zh").stdout == "没有报警\n"
    assert json.loads(call(alarms, "--json").stdout) == []


# --- acknowledge -------------------------------------------------------------------------------------------------


def test_acknowledging_one_that_is_named(call, desk) -> None:
    result = call(acknowledge, "fever", "entrance", "--by", "王芳")
    assert (result.exit_code, result.stdout) == (0, "acknowledged FEVER/entrance\n")
    assert desk.asked == [("acknowledge", {"code": "FEVER", "source": "entrance"}, "王芳")]


def test_the_only_one_of_its_code_need_not_be_named(call, desk) -> None:
    desk.tell_alarm("FEVER", "side", level=3, state="acknowledged")
    desk.tell_alarm("FEVER", "entrance", level=3, state="returned")
    desk.tell_alarm("AIR", "waiting")
    assert call(acknowledge, "FEVER", "--by", "me").stdout == "acknowledged FEVER/entrance\n"


def test_of_several_one_must_be_named(call, desk) -> None:
    desk.tell_alarm("FEVER", "side", level=3)
    desk.tell_alarm("FEVER", "entrance", level=3)
    result = call(acknowledge, "FEVER", "--by", "me")
    assert result.exit_code == 2
    assert "FEVER stands at several: entrance, side; name one of them" in result.stderr
    assert desk.asked == []


def test_there_is_none(call, desk) -> None:
    result = call(acknowledge, "FEVER", "--by", "me", "--language", "zh")
    assert (result.exit_code, result.stderr) == (1, "hallgate: 没有 FEVER 报警\n")


def test_a_refusal_is_one_line(call, desk) -> None:
    desk.refuse = lambda name: {"code": "nothing-to-acknowledge", "text": text("没有待确认的", "not waiting")}
    result = call(acknowledge, "FEVER", "entrance", "--by", "me")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "hallgate: not waiting\n")


@pytest.mark.parametrize(
    "args", [("FEVER",), ("NO-SUCH", "--by", "me"), ("FEVER", "entrance", "--by", ""), ("--by", "me")]
)
def test_calls_that_are_wrong(call, desk, args: tuple[str, ...]) -> None:
    assert call(acknowledge, *args).exit_code == 2
    assert desk.asked == []


# --- where there is no gateway -----------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [status, alarms])
def test_nobody_there(verb, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(control, "_SYSTEM_STATE", tmp_path / "system")
    result = CliRunner().invoke(verb, ["--state", str(tmp_path), "--language", "en"])
    assert result.exit_code == 1
    assert result.stderr == (
        f"hallgate: no gateway is running in {tmp_path}; if it keeps its state elsewhere, name it with --state DIR\n"
    )
    (tmp_path / "system").mkdir()
    result = CliRunner().invoke(verb, ["--state", str(tmp_path), "--language", "zh"])
    assert f"（系统服务的在 {tmp_path / 'system'}，需 sudo）" in result.stderr


def test_a_socket_that_nobody_listens_on(tmp_path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "control.sock"))
    result = CliRunner().invoke(status, ["--state", str(tmp_path), "--language", "en"])
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "no gateway is running" in result.stderr


def test_a_socket_that_may_not_be_opened(tmp_path, monkeypatch) -> None:
    def closed(self: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(control._Connection, "connect", closed)
    result = CliRunner().invoke(status, ["--state", str(tmp_path), "--language", "en"])
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "as the gateway's own user, or as root" in result.stderr


def test_somebody_there_who_speaks_something_else(tmp_path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "control.sock"))
        listener.listen()

        def greet() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(b"220 mail\r\n")

        other = threading.Thread(target=greet)
        other.start()
        result = CliRunner().invoke(status, ["--state", str(tmp_path), "--language", "en"])
        other.join()
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "no proper answer" in result.stderr


@pytest.mark.parametrize(
    ("told", "system", "root", "found"),
    [
        ("/elsewhere", True, True, "/elsewhere"),
        (None, True, False, "system"),
        (None, False, True, "system"),
        (None, False, False, "home/.local/state/hallgate"),
    ],
)
def test_where_the_state_is(tmp_path, monkeypatch, told, system: bool, root: bool, found: str) -> None:
    monkeypatch.setattr(control, "_SYSTEM_STATE", tmp_path / "system")
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    if system:
        (tmp_path / "system").mkdir()
    assert default_state({"HALLGATE_STATE": told} if told else {}) == tmp_path / found


# --- watch -------------------------------------------------------------------------------------------------------

ROOT = "hall/v1/jingan-0042"


class Watching:
    """``hallgate watch`` in a process of its own, as a person starts it."""

    def __init__(self, *args: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from edge.verbs import watch; watch()", *args],
            cwd=Path(verbs.__file__).parents[1],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=self._note, args=(self._process.stdout, self.out)),
            threading.Thread(target=self._note, args=(self._process.stderr, self.err)),
        ]
        for reader in self._readers:
            reader.start()

    def _note(self, lines: Any, noted: list[str]) -> None:
        for line in lines:
            noted.append(line)  # noqa: PERF402  # one by one: somebody waits for the first

    def end(self, number: int = signal.SIGTERM) -> int:
        self._process.send_signal(number)
        code = self._process.wait(15)
        for reader in self._readers:
            reader.join()
        for pipe in (self._process.stdout, self._process.stderr):
            pipe.close()  # type: ignore[union-attr]  # both are pipes
        return code


@pytest.fixture
def watching() -> Iterator[Callable[..., Watching]]:
    started: list[Watching] = []

    def start(*args: str) -> Watching:
        started.append(Watching(*args))
        return started[-1]

    yield start
    for one in started:
        one.end(signal.SIGKILL)


def tell(port: int, topic: str, message: Any, *, retain: bool = False) -> None:
    payload = json.dumps(message, ensure_ascii=False) if not isinstance(message, bytes) else message
    publish.single(f"{ROOT}/{topic}", payload, qos=1, retain=retain, port=port)


PING = {"id": "1", "by": "centre", "args": {"n": 1}}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_watching_a_centre_for_a_person(mosquitto, watching, number: int) -> None:
    broker = mosquitto()
    tell(broker.port, "do/early", PING, retain=True)
    watcher = watching(broker.url, "--language", "en")
    assert eventually(lambda: any("connected to" in line for line in watcher.err))
    tell(broker.port, "do/ping", PING)
    tell(broker.port, "log/other", b"\x1b[31m")
    assert eventually(lambda: len(watcher.out) == 3)
    assert watcher.end(number) == 0
    fields = [line.split(maxsplit=4) for line in watcher.out]
    assert [field[1:4] for field in fields] == [
        ["jingan-0042", "do", "early"],
        ["jingan-0042", "do", "ping"],
        ["jingan-0042", "log", "other"],
    ]
    assert fields[1][4] == 'centre {"n": 1}\n'
    assert fields[2][4] == "unreadable, 5 bytes\n"
    assert not any("Traceback" in line for line in watcher.err)


def test_watching_one_branch_for_a_program(mosquitto, watching) -> None:
    broker = mosquitto()
    watcher = watching(broker.url, "--branch", "jingan-0042", "--json")
    assert eventually(lambda: watcher.err)
    publish.single("hall/v1/other/do/ping", "{}", qos=1, port=broker.port)
    tell(broker.port, "do/ping", PING)
    tell(broker.port, "now/hall", b"")
    tell(broker.port, "now/hall", b"{")
    assert eventually(lambda: len(watcher.out) == 3)
    assert watcher.end() == 0
    assert [json.loads(line) for line in watcher.out] == [
        {"topic": f"{ROOT}/do/ping", "retained": False, "message": PING},
        {"topic": f"{ROOT}/now/hall", "retained": False, "message": None},
        {"topic": f"{ROOT}/now/hall", "retained": False, "message": None, "unreadable": "{"},
    ]


def test_watching_goes_on_when_the_broker_comes_back(mosquitto, watching) -> None:
    broker = mosquitto()
    broker.stop()
    watcher = watching(broker.url, "--language", "en")
    assert eventually(lambda: watcher.err)
    assert "trying again" in watcher.err[0]
    broker.start()
    assert eventually(lambda: len(watcher.err) == 2)
    assert "connected to" in watcher.err[1]
    broker.kill()
    assert eventually(lambda: len(watcher.err) == 3)
    assert watcher.end() == 0


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("http://broker",), "mqtt://host:1883"),
        (("broker.example",), "mqtt://host:1883"),
        (("mqtt://h", "--branch", "a/b"), "--branch"),
        (("mqtts://h", "--ca", "/no/such/file.pem"), "--ca"),
        ((), "URL"),
    ],
)
def test_watch_calls_that_are_wrong(args: tuple[str, ...], says: str) -> None:
    result = CliRunner().invoke(watch, [*args, "--language", "en"])
    assert result.exit_code == 2
    assert says in result.stderr
