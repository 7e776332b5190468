"""The centre's side: a Mosquitto on loopback, somebody who listens there, and a meter on each program's line."""

import os
import selectors
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

_START_S = 10.0


class NoBroker(Exception):
    """There is no Mosquitto here, or it does not start."""


class Mosquitto:
    """Listens on ``port`` until it is stopped; keeps nothing."""

    def __init__(self, folder: Path) -> None:
        binary = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        if binary is None:
            raise NoBroker("Debian's mosquitto is not installed: apt install mosquitto")
        self.port = _free_port()
        config = folder / "mosquitto.conf"
        # A message goes out as soon as it is there: the delay of TCP's gathering would be the broker's, not ours.
        lines = [f"listener {self.port} 127.0.0.1", "allow_anonymous true", "set_tcp_nodelay true", "log_type error"]
        if os.getuid() == 0:
            lines.append("user root")  # else it becomes a user who may not read this folder
        config.write_text("\n".join(lines) + "\n")
        self._process = subprocess.Popen([binary, "-c", str(config)], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + _START_S
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise NoBroker(f"mosquitto does not start: {binary} -c {config}")
            time.sleep(0.02)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Listener:
    """Subscribes to those topics and hands on ``(topic, payload, monotonic)`` of what is new, in paho's thread."""

    def __init__(self, port: int, topics: list[str], hear: Callable[[str, bytes, float], None]) -> None:
        self._subscribed = threading.Event()
        self._hear = hear
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="listener")
        self._client.on_connect = lambda client, *_: client.subscribe([(topic, 1) for topic in topics])
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if not self._subscribed.wait(_START_S):
            self.close()
            raise NoBroker("mosquitto does not answer")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, client: Any, data: Any, message: Any) -> None:
        now = time.monotonic()
        if not message.retain:
            self._hear(message.topic, message.payload, now)


class Meter:
    """Stands before the broker for one program, hands everything on at once, and counts what the program sends."""

    def __init__(self, broker: int) -> None:
        self._broker = broker
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.sent = 0  # bytes, of all its connections
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._server, selectors.EVENT_READ)
        self._others: dict[socket.socket, tuple[socket.socket, bool]] = {}  # socket -> where to, whether we count
        self._closing, self._close = socket.socketpair()
        self._selector.register(self._closing, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="meter", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._close.close()
        self._thread.join()

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                if sock is self._closing:
                    self._end()
                    return
                if sock is self._server:
                    self._accept()
                elif sock in self._others:  # else its other end has just gone
                    self._carry(sock)

    def _accept(self) -> None:
        program, _ = self._server.accept()
        broker = socket.create_connection(("127.0.0.1", self._broker))
        for sock in (program, broker):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(sock, selectors.EVENT_READ)
        self._others[program] = (broker, True)
        self._others[broker] = (program, False)

    def _carry(self, sock: socket.socket) -> None:
        other, counts = self._others[sock]
        try:
            data = sock.recv(65536)
            if data:
                other.sendall(data)
        except OSError:
            data = b""
        if counts:
            self.sent += len(data)
        if not data:
            for one in (sock, other):
                del self._others[one]
                self._selector.unregister(one)
                one.close()

    def _end(self) -> None:
        for sock in (*self._others, self._server, self._closing):
            sock.close()
        self._selector.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
