"""What a centre sees: each message in a few words, and a line that is made again when it breaks."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from paho.mqtt import publish

from mqtt.messages import (
    AirNow,
    AlarmChange,
    AlarmNow,
    Contact,
    DeviceChange,
    DeviceNow,
    Disinfection,
    Done,
    Envelope,
    HallNow,
    Operation,
    Passage,
    Screening,
    StateNow,
    Telemetry,
    Ticket,
    Words,
    entry_json,
    to_json,
)
from mqtt.uplink import Address
from mqtt.watcher import Heard, Line, follow, summary

AT = "2026-03-02T04:00:00.000Z"
ROOT = "hall/v1/jingan-0042"


def text(zh: str, en: str) -> Words:
    return {"zh": zh, "en": en}


def heard(topic: str, message: Any) -> Heard:
    if isinstance(message, bytes):
        payload = message
    elif isinstance(message, dict):
        payload = json.dumps(message).encode()
    else:
        payload = to_json(message).encode()
    return Heard(f"{ROOT}/{topic}", payload, retained=False)


def logged(body: Any, **more: Any) -> Heard:
    envelope = {"branch": "jingan-0042", "journal": "j", "lane": "data", "seq": 7, "boot": "b", "at": 1772424000.0}
    payload = entry_json(Envelope(**envelope | {"synced": True} | more), body.kind, to_json(body))
    return Heard(f"{ROOT}/log/{body.kind}", payload, retained=False)


HALL = {
    "name": text("静安营业厅", "Jing'an hall"),
    "type": "medium",
    "capacity": 33,
    "counters": 8,
    "timezone": "Asia/Shanghai",
}
STATE: dict[str, Any] = {
    "branch": "jingan-0042",
    "state": "online",
    "since": AT,
    "boot": "b",
    "journal": "j",
    "version": "0.1.0",
    "clock": "synced",
    "hall": HALL,
}
BLOCKED = {"code": "blocked", "text": text("光束被遮挡", "the beam is blocked")}
ALARM: dict[str, Any] = {
    "code": "FEVER",
    "source": "entrance",
    "level": 3,
    "colour": "yellow",
    "text": text("体温异常", "suspected fever"),
    "value": 37.8,
    "limit": 37.3,
}
DEVICE: dict[str, Any] = {
    "device": "door",
    "class_": "door",
    "part": "beams",
    "place": text("正门", "main door"),
    "health": "ok",
    "fault": None,
    "since": AT,
    "last_reading_at": AT,
}
NOW: dict[str, Any] = {
    "open": True,
    "occupancy": 27,
    "capacity": 33,
    "waiting": 6,
    "wait_s": 610,
    "counters_open": 5,
    "counters_advised": None,
    "entered_today": 214,
    "left_today": 187,
    "flagged_today": 1,
}
TICKET: dict[str, Any] = {"device": "tickets", "number": "A012", "service": "A"}
SPREAD = {"mean": 640.5, "min": 1.0, "max": 2.0, "last": 2.0, "n": 3}


@pytest.fixture
def shanghai() -> Iterator[None]:
    """Times are told in the reader's own zone, which is the machine's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Asia/Shanghai")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("message", "zh", "en"),
    [
        (
            heard("now/state", StateNow(**STATE)),
            "静安营业厅 在线 · hallgate 0.1.0",
            "Jing'an hall online · hallgate 0.1.0",
        ),
        (
            heard("now/state", StateNow(**STATE | {"state": "offline", "reason": "stopped"})),
            "静安营业厅 离线 (stopped) · hallgate 0.1.0",
            "Jing'an hall offline (stopped) · hallgate 0.1.0",
        ),
        (heard("now/device/door", DeviceNow(**DEVICE)), "door 正门 正常", "door main door ok"),
        (
            heard("now/device/door", DeviceNow(**DEVICE | {"health": "failed", "fault": BLOCKED, "place": None})),
            "door 故障：光束被遮挡",
            "door failed: the beam is blocked",
        ),
        (
            heard("now/alarm/FEVER/entrance", AlarmNow(**ALARM, state="returned", raised_at=AT, drill=False)),
            "III 已恢复，待确认 · 体温异常",
            "III returned · suspected fever",
        ),
        (heard("now/alarm/FEVER/entrance", b""), "已结束", "over"),
        (
            heard("now/hall", HallNow(**NOW)),
            "营业中 · 厅内 27/33 · 等候 6 人约 11 分钟 · 窗口 5",
            "open · 27/33 inside · 6 waiting, about 11 min · 5 counters",
        ),
        (
            heard("now/hall", HallNow(**NOW | {"open": False, "wait_s": None})),
            "未营业 · 厅内 27/33 · 等候 6 人约 – 分钟 · 窗口 5",
            "closed · 27/33 inside · 6 waiting, about – min · 5 counters",
        ),
        (
            heard("now/air/waiting", AirNow("waiting", "air", 640.0, 23.4, None, AT)),
            "CO2 640 ppm · 23.4 ℃",
            "CO2 640 ppm · 23.4 ℃",
        ),
        (
            logged(Telemetry("air", 300, {"co2_ppm": SPREAD})),  # type: ignore[dict-item]
            "data 7 · 03-02 12:00:00 · air 300 秒均值：co2_ppm 640.5",
            "data 7 · 03-02 12:00:00 · air mean of 300 s: co2_ppm 640.5",
        ),
        (
            logged(Screening("entrance", 36.5, 37.3, flagged=False), synced=False),
            "data 7 · ≈03-02 12:00:00 · entrance 36.5 ℃",
            "data 7 · ≈03-02 12:00:00 · entrance 36.5 ℃",
        ),
        (
            logged(Screening("entrance", 37.8, 37.3, flagged=True), lane="alarm", drill=True),
            "alarm 7 · 03-02 12:00:00 · 【演练】entrance 37.8 ℃，达到 37.3 ℃",
            "alarm 7 · 03-02 12:00:00 · DRILL entrance 37.8 ℃, limit 37.3 ℃: flagged",
        ),
        (
            logged(Passage("door", 60.0, 3, 2, 28)),
            "data 7 · 03-02 12:00:00 · door 进 3 出 2，厅内 28",
            "data 7 · 03-02 12:00:00 · door 3 in, 2 out, 28 inside",
        ),
        (
            logged(Ticket(step="issued", estimated_wait_s=600, **TICKET)),
            "data 7 · 03-02 12:00:00 · A012 取号 · 预计 600 秒",
            "data 7 · 03-02 12:00:00 · A012 issued · estimated 600 s",
        ),
        (
            logged(Ticket(step="served", counter=3, waited_s=480, served_s=200, **TICKET)),
            "data 7 · 03-02 12:00:00 · A012 办结 · 3 号窗口 · 等候 480 秒 · 办理 200 秒",
            "data 7 · 03-02 12:00:00 · A012 served · counter 3 · waited 480 s · served 200 s",
        ),
        (
            logged(Disinfection("waiting", "0004A1", "badge", 1)),
            "data 7 · 03-02 12:00:00 · waiting 第 1 次消毒（0004A1）",
            "data 7 · 03-02 12:00:00 · waiting round 1 by 0004A1",
        ),
        (
            logged(Contact("panic", closed=True)),
            "data 7 · 03-02 12:00:00 · panic 闭合",
            "data 7 · 03-02 12:00:00 · panic closed",
        ),
        (
            logged(DeviceChange("door", "failed", "ok", BLOCKED)),  # type: ignore[arg-type]
            "data 7 · 03-02 12:00:00 · door 故障：光束被遮挡",
            "data 7 · 03-02 12:00:00 · door failed: the beam is blocked",
        ),
        (
            logged(AlarmChange(**ALARM, change="acknowledged", by="王芳")),
            "data 7 · 03-02 12:00:00 · III FEVER/entrance 确认 (王芳) · 体温异常",
            "data 7 · 03-02 12:00:00 · III FEVER/entrance acknowledged (王芳) · suspected fever",
        ),
        (
            logged(Operation("王芳", "ping", {}, ok=True)),
            "data 7 · 03-02 12:00:00 · 王芳 ping {} 完成",
            "data 7 · 03-02 12:00:00 · 王芳 ping {} done",
        ),
        (
            logged(Operation("王芳", "boil", {}, ok=False, error={"code": "x", "text": text("没有", "no such")})),
            "data 7 · 03-02 12:00:00 · 王芳 boil {} 被拒：没有",
            "data 7 · 03-02 12:00:00 · 王芳 boil {} refused: no such",
        ),
        (heard("do/ping", {"id": "1", "by": "centre"}), "centre {}", "centre {}"),
        (heard("done/1", Done("1", "ping", ok=True, at=AT, result={"a": 1})), 'ping {"a": 1}', 'ping {"a": 1}'),
        (
            heard("done/1", Done("1", "boil", ok=False, at=AT, error={"code": "x", "text": text("没有", "no such")})),
            "boil 被拒：没有",
            "boil refused: no such",
        ),
        # What no sentence is known for, and what is no message at all.
        (heard("now/weather", {"sun": True}), '{"sun": true}', '{"sun": true}'),
        (heard("now/hall", {"open": "?" * 200}), None, '{"open": "' + "?" * 109 + "…"),
        (heard("now/state", {"state": "asleep", "hall": 3}), None, '{"state": "asleep", "hall": 3}'),
        (heard("log/contact", b"\xff"), "无法读懂（1 字节）", "unreadable, 1 bytes"),
        (heard("log/contact", b"[1]"), "无法读懂（3 字节）", "unreadable, 3 bytes"),
        (heard("do/ping", {"by": "\x1b[2J"}), "?[2J {}", "?[2J {}"),
    ],
)
def test_in_a_few_words(shanghai, message: Heard, zh: str | None, en: str) -> None:
    assert summary(message, "en") == en
    if zh is not None:
        assert summary(message, "zh") == zh


@pytest.mark.parametrize(
    ("topic", "parts"),
    [
        (f"{ROOT}/now/alarm/FEVER/entrance", ("jingan-0042", "now", "alarm/FEVER/entrance")),
        (f"{ROOT}/do/ping", ("jingan-0042", "do", "ping")),
        (f"{ROOT}/now", ("jingan-0042", "now", "")),
        ("hall/v1", ("hall", "v1", "")),
    ],
)
def test_a_topic_in_its_parts(topic: str, parts: tuple[str, str, str]) -> None:
    one = Heard(topic, b"", retained=False)
    assert (one.branch, one.tree, one.rest) == parts


# --- the line ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("only_311", [False, True])
def test_what_stands_and_what_comes(mosquitto, only_311: bool) -> None:
    broker = mosquitto()
    publish.single(f"{ROOT}/now/hall", "{}", qos=1, retain=True, port=broker.port)
    with closing(follow(Address.of(broker.url, only_311=only_311))) as events:
        assert next(events) == Line(True)
        assert next(events) == Heard(f"{ROOT}/now/hall", b"{}", retained=True)
        publish.single(f"{ROOT}/do/ping", "1", qos=1, port=broker.port)
        assert next(events) == Heard(f"{ROOT}/do/ping", b"1", retained=False)


def test_only_one_branch(mosquitto) -> None:
    broker = mosquitto()
    with closing(follow(Address.of(broker.url), "b2")) as events:
        assert next(events) == Line(True)
        for branch in ("b1", "b2", "b22"):
            publish.single(f"hall/v1/{branch}/do/ping", "1", qos=1, port=broker.port)
        publish.single("hall/v1/b2/do/end", "1", qos=1, port=broker.port)
        assert [next(events).rest, next(events).rest] == ["ping", "end"]  # type: ignore[union-attr]


def test_a_broker_that_goes_and_comes_back_is_told_once_each(mosquitto) -> None:
    broker = mosquitto()
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 4:
            broker.start()

    with closing(follow(Address.of(broker.url), pause=pause)) as events:
        assert next(events) == Line(True)
        broker.kill()
        lost, refused, again = next(events), next(events), next(events)
    assert isinstance(lost, Line)
    assert not lost.up
    assert isinstance(refused, Line)
    assert "refused" in refused.reason
    assert again == Line(True)
    assert len(pauses) == 4
    assert all(2**n * 0.25 <= pause <= 2**n * 0.5 for n, pause in enumerate(pauses))


def test_who_may_not_read_is_told_why(mosquitto, tmp_path) -> None:
    (tmp_path / "passwords").touch()
    broker = mosquitto(f"password_file {tmp_path}/passwords")
    address = Address.of(broker.url.replace("//", "//somebody:wrong@"))
    with closing(follow(address)) as events:
        refused = next(events)
    assert isinstance(refused, Line)
    assert re.search("not authori[sz]ed", refused.reason, re.IGNORECASE)


@pytest.fixture
def old_broker() -> Iterator[Callable[[], int]]:
    """A broker that speaks MQTT 3.1.1 alone, and says so in its own tongue; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            refused, _ = listener.accept()
            with refused:
                assert _level(refused) == 5
                refused.sendall(b"\x20\x02\x00\x01")
            peer, _ = listener.accept()
            with peer:
                assert _level(peer) == 4
                peer.sendall(b"\x20\x02\x00\x00")
                subscribe = peer.recv(100)
                peer.sendall(b"\x90\x03" + subscribe[2:4] + b"\x01")
                peer.recv(100)

        thread = threading.Thread(target=serve)
        thread.start()
        yield lambda: int(listener.getsockname()[1])
        thread.join(10)
        assert not thread.is_alive()


def _level(peer: socket.socket) -> int:
    """The protocol level of a CONNECT packet, which stands behind its name."""
    packet = peer.recv(200)
    return packet[packet.index(b"MQTT") + 4]


def test_a_broker_that_knows_the_older_mqtt_alone(old_broker) -> None:
    with closing(follow(Address.of(f"mqtt://127.0.0.1:{old_broker()}"))) as events:
        assert next(events) == Line(True)
