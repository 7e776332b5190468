"""A real Mosquitto on loopback, and a client that is not ours to look at it with."""

import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.waiting import eventually


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def mosquitto_binary() -> str:
    found = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("Debian's mosquitto is not installed (make setup installs it)")
    return found


class Mosquitto:
    """Start, stop (kindly or not) and start again on the same port; what it kept is as its configuration says."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._binary = mosquitto_binary()
        self._config = folder / "mosquitto.conf"
        self._log = folder / "mosquitto.log"
        base = [f"listener {self.port} 127.0.0.1", "allow_anonymous true", f"persistence_location {folder}/"]
        if os.getuid() == 0:
            base.append("user root")  # else it becomes a user who may not read this folder
        self._config.write_text("\n".join([*base, *lines]) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Mosquitto":
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([self._binary, "-c", str(self._config)], stdout=log, stderr=log)
        assert eventually(self._listens), self._log.read_text()
        return self

    def stop(self) -> None:
        self._end(kill=False)

    def kill(self) -> None:
        self._end(kill=True)

    def _end(self, *, kill: bool) -> None:
        if self._process is not None:
            self._process.kill() if kill else self._process.terminate()
            self._process.wait(10)
            self._process = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Reader:
    """Subscribes as a centre does and keeps everything, over broker restarts too (a persistent session)."""

    def __init__(self, port: int, topic: str = "hall/v1/#", *, five: bool = True, name: str = "reader") -> None:
        self.messages: list[tuple[str, bytes, bool]] = []
        self._subscribed = threading.Event()
        self._topic = topic
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            protocol=paho.MQTTv5 if five else paho.MQTTv311,
            clean_session=None if five else False,
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._take
        properties = None
        if five:
            from paho.mqtt.packettypes import PacketTypes
            from paho.mqtt.properties import Properties

            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 3600
        if five:
            self._client.connect("127.0.0.1", port, 10, clean_start=False, properties=properties)
        else:
            self._client.connect("127.0.0.1", port, 10)
        self._client.loop_start()
        assert self._subscribed.wait(10)

    def _take(self, client: Any, data: Any, message: Any) -> None:
        self.messages.append((message.topic, message.payload, message.retain))

    def of(self, ending: str) -> list[bytes]:
        """Payloads of topics that end so, in the order they came."""
        return [payload for topic, payload, _ in list(self.messages) if topic.endswith(ending)]

    def publish(self, topic: str, payload: bytes, **more: Any) -> None:
        self._client.publish(topic, payload, qos=1, **more).wait_for_publish(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
