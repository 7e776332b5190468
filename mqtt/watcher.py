"""Reads as a central dashboard does: one branch or all, line by line, and what each message says in a few words.

Nothing is kept and nothing is sent but the subscription. Whoever iterates over :func:`follow` sets the pace; paho's
callbacks only put down what has come, so an error of the reader is never taken for one of the line.
"""

import json
import random
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

import attrs
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from mqtt.messages import ROOT, Words
from mqtt.uplink import Address

Language = Literal["zh", "en"]

_CONNECT_TIMEOUT_S = 5.0
_BACK_OFF_S = (0.5, 30.0)
_LOOP_S = 1.0
# What stands for a message that no sentence is known for.
_MAX_RAW = 120


@attrs.frozen
class Heard:
    """One message. ``topic`` is whole; ``message`` the JSON in it, None where it is empty or no JSON."""

    topic: str
    payload: bytes
    retained: bool

    @property
    def branch(self) -> str:
        return self._words[0]

    @property
    def tree(self) -> str:
        """``now``, ``log``, ``do`` or ``done``."""
        return self._words[1]

    @property
    def rest(self) -> str:
        """What stands below the tree: ``alarm/FEVER/entrance-temp``."""
        return self._words[2]

    @property
    def message(self) -> Any:
        try:
            return json.loads(self.payload)
        except ValueError:
            return None

    @property
    def _words(self) -> list[str]:
        words = self.topic.removeprefix(f"{ROOT}/").split("/", 2)
        return words + [""] * (3 - len(words))


@attrs.frozen
class Line:
    """The connection itself: up, or down because of ``reason``."""

    up: bool
    reason: str = ""


def follow(
    address: Address, branch: str | None = None, pause: Callable[[float], object] = time.sleep
) -> Generator[Heard | Line, None, None]:
    """Everything, for ever: a line that breaks is told once and made again. Closing the iterator says goodbye."""
    protocol = paho.MQTTv311 if address.only_311 else paho.MQTTv5
    back_off, told = _BACK_OFF_S[0], ""
    while True:
        connection = _Connection(address, f"{ROOT}/{branch or '+'}/#", protocol)
        try:
            for event in connection.follow():
                if isinstance(event, Line):
                    back_off, told = _BACK_OFF_S[0], ""
                yield event
        finally:
            connection.close()
        if connection.not_understood:
            # It speaks the older MQTT alone, or it was not asked at all; then the next attempt asks as before.
            protocol = paho.MQTTv311 if protocol == paho.MQTTv5 or address.only_311 else paho.MQTTv5
            if connection.too_new:
                continue
        if connection.ended != told:  # the first failure is news, the tenth is not
            told = connection.ended
            yield Line(False, told)
        pause(back_off * random.uniform(0.5, 1.0))
        back_off = min(back_off * 2, _BACK_OFF_S[1])


class _Connection:
    """One connection from CONNECT to its end; ``ended`` says why."""

    def __init__(self, address: Address, topic: str, protocol: Any) -> None:
        self.ended = ""
        self.not_understood = True  # until there is a CONNACK
        self.too_new = False
        self._address = address
        self._topic = topic
        self._events: deque[Heard | Line] = deque()
        five = protocol == paho.MQTTv5
        self._five = five
        # A session of its own, gone with the connection: what is retained comes again with the next.
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"hallgate-watch-{random.getrandbits(48):012x}",
            protocol=protocol,
            clean_session=None if five else True,
            reconnect_on_failure=False,
        )
        self._client.connect_timeout = _CONNECT_TIMEOUT_S
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    def follow(self) -> Iterator[Heard | Line]:
        try:
            self._open()
            ok = True
            while ok:
                ok = self._client.loop(_LOOP_S) == paho.MQTT_ERR_SUCCESS and not self.ended
                while self._events:
                    yield self._events.popleft()
        except (OSError, ValueError) as error:  # no way there, TLS refused; bad certificate files
            self.ended = str(error)
        self.ended = self.ended or "connection lost"

    def close(self) -> None:
        self._client.disconnect()

    def _open(self) -> None:
        address = self._address
        if address.tls:
            self._client.tls_set_context(address.context())
        if address.username is not None:
            self._client.username_pw_set(address.username, address.password)
        self._client.connect(address.host, address.port, keepalive=address.keepalive_s)

    # --- paho calls back, within loop ----------------------------------------------------------------------------

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        self.too_new = self._five and reason.value == 0x84
        self.not_understood = self.too_new
        if reason.is_failure:
            self.ended = str(reason)
        else:
            client.subscribe(self._topic, qos=1)

    def _on_subscribe(self, client: Any, data: Any, mid: int, reasons: Any, properties: Any) -> None:
        if reasons[0].is_failure:
            self.ended = f"{self._topic}: {reasons[0]}"
        else:
            self._events.append(Line(True))

    def _on_disconnect(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        self.ended = self.ended or str(reason)

    def _on_message(self, client: Any, data: Any, message: Any) -> None:
        self._events.append(Heard(message.topic, message.payload, message.retain))


# --- what a message says -----------------------------------------------------------------------------------------

Say = Callable[[str, str], str]


def summary(heard: Heard, language: Language) -> str:
    """What it says, in a line. Of what came over the line nothing is printed that a terminal would obey."""

    def say(zh: str, en: str) -> str:
        return zh if language == "zh" else en

    line = _summary(heard, say)
    return "".join(c if c.isprintable() else "?" for c in line)


def _summary(heard: Heard, say: Say) -> str:
    if not heard.payload:
        return say("已结束", "over")
    message = heard.message
    if not isinstance(message, dict):
        return say(f"无法读懂（{len(heard.payload)} 字节）", f"unreadable, {len(heard.payload)} bytes")
    kind = heard.rest.split("/", 1)[0] if heard.tree in ("now", "log") else ""
    try:
        return _head(heard.tree, message, say) + _SENTENCES[heard.tree, kind](message, say)
    except (KeyError, TypeError, ValueError, AttributeError):
        # Another version's message, or a kind we have no sentence for: as it is, cut short.
        raw = json.dumps(message, ensure_ascii=False)
        return raw if len(raw) <= _MAX_RAW else raw[: _MAX_RAW - 1] + "…"


def _head(tree: str, entry: Mapping[str, Any], say: Say) -> str:
    """What names an entry of the log, and when it was."""
    if tree != "log":
        return ""
    at = datetime.fromisoformat(entry["at"]).astimezone()
    about = "" if entry["clock"] == "synced" else "≈"
    drill = say("【演练】", "DRILL ") if entry["drill"] else ""
    return f"{entry['lane']} {entry['seq']} · {about}{at:%m-%d %H:%M:%S} · {drill}"


def _words(text: Words, say: Say) -> str:
    return say(text["zh"], text["en"])


def _state(m: Mapping[str, Any], say: Say) -> str:
    state = say({"online": "在线", "offline": "离线"}[m["state"]], m["state"])
    name = _words(m["hall"]["name"], say)
    reason = f" ({m['reason']})" if m.get("reason") else ""
    return f"{name} {state}{reason} · hallgate {m['version']}"


_HEALTH = {"ok": "正常", "degraded": "性能下降", "failed": "故障", "disabled": "已停用", "maintenance": "维护中"}


def _device(m: Mapping[str, Any], say: Say) -> str:
    place = f" {_words(m['place'], say)}" if m.get("place") else ""
    return f"{m['device']}{place} {_health(m, say)}"


def _health(m: Mapping[str, Any], say: Say) -> str:
    why = say("：", ": ") + _words(m["fault"]["text"], say) if m["fault"] else ""
    return say(_HEALTH[m["health"]], m["health"]) + why


NUMERALS = {1: "I", 2: "II", 3: "III", 4: "IV"}
_STATES = {
    "normal": "正常",
    "unacknowledged": "未确认",
    "acknowledged": "已确认",
    "returned": "已恢复，待确认",
    "shelved": "已搁置",
}
_CHANGES = {
    "raised": "发生",
    "escalated": "升级",
    "acknowledged": "确认",
    "returned": "恢复",
    "cleared": "解除",
    "shelved": "搁置",
    "unshelved": "取消搁置",
}


def _alarm(m: Mapping[str, Any], say: Say) -> str:
    return f"{NUMERALS[m['level']]} {say(_STATES[m['state']], m['state'])} · {_words(m['text'], say)}"


def _alarm_change(m: Mapping[str, Any], say: Say) -> str:
    by = f" ({m['by']})" if m.get("by") else ""
    change = say(_CHANGES[m["change"]], m["change"])
    return f"{NUMERALS[m['level']]} {m['code']}/{m['source']} {change}{by} · {_words(m['text'], say)}"


def _hall(m: Mapping[str, Any], say: Say) -> str:
    wait = "–" if m["wait_s"] is None else f"{-(-m['wait_s'] // 60)}"
    return say(
        f"{'营业中' if m['open'] else '未营业'} · 厅内 {m['occupancy']}/{m['capacity']} · "
        f"等候 {m['waiting']} 人约 {wait} 分钟 · 窗口 {m['counters_open']}",
        f"{'open' if m['open'] else 'closed'} · {m['occupancy']}/{m['capacity']} inside · "
        f"{m['waiting']} waiting, about {wait} min · {m['counters_open']} counters",
    )


def _air(m: Mapping[str, Any], say: Say) -> str:
    values = (("co2_ppm", "CO2", " ppm", 0), ("celsius", "", " ℃", 1), ("humidity_pct", "", " %", 0))
    return " · ".join(
        f"{name} {m[key]:.{digits}f}{unit}".strip() for key, name, unit, digits in values if m[key] is not None
    )


def _telemetry(m: Mapping[str, Any], say: Say) -> str:
    values = ", ".join(f"{quantity} {spread['mean']:g}" for quantity, spread in m["values"].items())
    return say(f"{m['device']} {m['span_s']} 秒均值：{values}", f"{m['device']} mean of {m['span_s']} s: {values}")


def _screening(m: Mapping[str, Any], say: Say) -> str:
    flagged = say(f"，达到 {m['limit']:g} ℃", f", limit {m['limit']:g} ℃: flagged") if m["flagged"] else ""
    return f"{m['device']} {m['celsius']:.1f} ℃{flagged}"


def _passage(m: Mapping[str, Any], say: Say) -> str:
    return say(
        f"{m['device']} 进 {m['in']} 出 {m['out']}，厅内 {m['occupancy']}",
        f"{m['device']} {m['in']} in, {m['out']} out, {m['occupancy']} inside",
    )


_STEPS = {"issued": "取号", "called": "叫号", "served": "办结", "no-show": "过号", "void": "作废"}


def _ticket(m: Mapping[str, Any], say: Say) -> str:
    words = [f"{m['number']} {say(_STEPS[m['step']], m['step'])}"]
    if m["counter"] is not None:
        words.append(say(f"{m['counter']} 号窗口", f"counter {m['counter']}"))
    for key, zh, en in (
        ("estimated_wait_s", "预计", "estimated"),
        ("waited_s", "等候", "waited"),
        ("served_s", "办理", "served"),
    ):
        if m[key] is not None:
            words.append(say(f"{zh} {m[key]} 秒", f"{en} {m[key]} s"))
    return " · ".join(words)


def _disinfection(m: Mapping[str, Any], say: Say) -> str:
    return say(f"{m['zone']} 第 {m['round']} 次消毒（{m['by']}）", f"{m['zone']} round {m['round']} by {m['by']}")


def _contact(m: Mapping[str, Any], say: Say) -> str:
    return f"{m['device']} " + (say("闭合", "closed") if m["closed"] else say("断开", "open"))


def _device_change(m: Mapping[str, Any], say: Say) -> str:
    return f"{m['device']} {_health(m, say)}"


def _operation(m: Mapping[str, Any], say: Say) -> str:
    verdict = say("完成", "done") if m["ok"] else _refusal(m, say)
    return f"{m['by']} {m['command']} {json.dumps(m['args'], ensure_ascii=False)} {verdict}"


def _request(m: Mapping[str, Any], say: Say) -> str:
    return f"{m['by']} {json.dumps(m.get('args', {}), ensure_ascii=False)}"


def _answer(m: Mapping[str, Any], say: Say) -> str:
    verdict = json.dumps(m["result"], ensure_ascii=False) if m["ok"] else _refusal(m, say)
    return f"{m['command']} {verdict}"


def _refusal(m: Mapping[str, Any], say: Say) -> str:
    return say("被拒：", "refused: ") + _words(m["error"]["text"], say)


_SENTENCES: dict[tuple[str, str], Callable[[Mapping[str, Any], Say], str]] = {
    ("now", "state"): _state,
    ("now", "device"): _device,
    ("now", "alarm"): _alarm,
    ("now", "hall"): _hall,
    ("now", "air"): _air,
    ("log", "telemetry"): _telemetry,
    ("log", "screening"): _screening,
    ("log", "passage"): _passage,
    ("log", "ticket"): _ticket,
    ("log", "disinfection"): _disinfection,
    ("log", "contact"): _contact,
    ("log", "device"): _device_change,
    ("log", "alarm"): _alarm_change,
    ("log", "operation"): _operation,
    ("do", ""): _request,
    ("done", ""): _answer,
}
