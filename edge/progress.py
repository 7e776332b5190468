"""What ``hallgate demo`` prints while it runs: alarms as they come and go, and every quarter of an hour how the hall is."""

import json
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from edge.agent import Agent
from edge.language import Language, pick

_EVERY_S = 900.0
_NUMERALS = {1: "I", 2: "II", 3: "III", 4: "IV"}
_COLOURS = {1: "red", 2: "yellow", 3: "bright_yellow", 4: "blue"}


class Progress:
    """Follows an agent's present; ``changed`` is called from the hall's thread and only prints."""

    def __init__(self, agent: Agent, language: Language) -> None:
        self._agent = agent
        self._language = language
        self._version = 0
        self._next = 0.0
        self._alarms: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def greet(self, page_port: int, mqtt_port: int, state: Path) -> None:
        """Where to look."""
        name, capacity = pick(self._agent.site.name, self._language), self._agent.site.capacity
        self._say(f"模拟营业厅：{name}，可容纳 {capacity} 人", f"A simulated hall: {name}, room for {capacity}")
        for zh, en, where in (
            ("页面    ", "page  ", f"http://127.0.0.1:{page_port}/"),
            ("MQTT    ", "MQTT  ", f"mosquitto_sub -p {mqtt_port} -v -t 'hall/#'"),
            ("中心所见", "centre", f"hallgate watch mqtt://127.0.0.1:{mqtt_port}"),
            ("状态    ", "status", f"hallgate status --state {state}"),
            ("结束    ", "end   ", "Ctrl-C"),
        ):
            self._say(f"  {zh}  {where}", f"  {en}  {where}")

    def farewell(self) -> None:
        """What came of it."""
        waiting = self._agent.journal.waiting()
        self._say(f"已结束；未送达记录 {waiting} 条", f"Ended; entries not delivered: {waiting}")

    def changed(self) -> None:
        """Something has been committed."""
        with self._lock:
            self._version, changed = self._agent.present.since(self._version)
            clock = self._clock()
            for topic, message in sorted(changed.items()):
                if topic.startswith("alarm/"):
                    self._tell_alarm(topic, message, clock)
            wall = self._agent.wall()
            if wall >= self._next:
                self._next = wall // _EVERY_S * _EVERY_S + _EVERY_S
                self._tell_hall(clock)

    def _tell_alarm(self, topic: str, message: bytes, clock: str) -> None:
        _, code, source = topic.split("/", 2)
        before = self._alarms.pop(topic, None)
        if not message:
            if before is not None:
                self._say(f"{clock}  ✓    {code} {source} 解除", f"{clock}  ✓    {code} {source} is over")
            return
        alarm = self._alarms[topic] = json.loads(message)
        if before is not None and before["state"] == alarm["state"] and before["raised_at"] == alarm["raised_at"]:
            return
        if alarm["state"] == "unacknowledged":
            level = alarm["level"]
            text = f"{clock}  {_NUMERALS[level]:<4} {code} {source}: {alarm['text'][self._language]}"
            click.secho(text, fg=_COLOURS[level])
        else:
            states = {
                "returned": ("已恢复，待确认", "returned, to be acknowledged"),
                "acknowledged": ("已确认", "acknowledged"),
            }
            zh, en = states.get(alarm["state"], (alarm["state"], alarm["state"]))
            self._say(f"{clock}  ·    {code} {source} {zh}", f"{clock}  ·    {code} {source} {en}")

    def _tell_hall(self, clock: str) -> None:
        present = self._agent.present.all()
        if "hall" not in present:
            return
        hall = json.loads(present["hall"])
        air = [json.loads(message) for topic, message in present.items() if topic.startswith("air/")]
        co2 = "、".join(f"{zone['co2_ppm']:.0f}" for zone in air if zone["co2_ppm"] is not None) or "–"
        waiting = self._agent.journal.waiting()
        self._say(
            f"{clock}       厅内 {hall['occupancy']}/{hall['capacity']}  等候 {hall['waiting']}  "
            f"今日进 {hall['entered_today']} 出 {hall['left_today']}  发热 {hall['flagged_today']}  "
            f"CO2 {co2} ppm  待送 {waiting}",
            f"{clock}       inside {hall['occupancy']}/{hall['capacity']}  waiting {hall['waiting']}  "
            f"in {hall['entered_today']} out {hall['left_today']}  fevers {hall['flagged_today']}  "
            f"CO2 {co2} ppm  to send {waiting}",
        )

    def _clock(self) -> str:
        return f"{datetime.fromtimestamp(self._agent.wall(), self._agent.site.timezone):%a %H:%M:%S}"

    def _say(self, zh: str, en: str) -> None:
        click.echo(zh if self._language == "zh" else en)
