"""The yardstick: the same job in one page, as one would write it with paho and SQLite and no more.

One thread waits on the ports; each frame is a JSON message in an SQLite outbox (WAL, synchronous=FULL), committed once
a second, or at once where somebody has a fever; what is committed is published with QoS 1 and leaves the outbox with
the next commit after its acknowledgement. A restart sends again what is left. It loses nothing that it has committed,
and that is all it knows: no rule but the limit, no health of devices, no commands, no page.

Run as ``python -m bench.plain PORT FOLDER TTY...``.
"""

import json
import os
import select
import sqlite3
import sys
import termios
import time
import tty
from collections import deque

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

_COMMIT_S = 1.0
_FEVER_C, _PRESENT_C = 37.3, 33.0
_HEADER = bytes.fromhex("5a5a4504")


class Outbox:
    """What is to be sent, on disk until the broker has it."""

    def __init__(self, path: str, client: paho.Client) -> None:
        self._client = client
        self._new: list[tuple[str, str]] = []
        self._under_way: dict[int, int] = {}  # mid -> row
        self._acknowledged: deque[int] = deque()  # mids, from paho's thread
        client.on_publish = lambda client, data, mid, *_: self._acknowledged.append(mid)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, topic TEXT, body TEXT)")
        for row in self._db.execute("SELECT id, topic, body FROM outbox ORDER BY id").fetchall():
            self._send(*row)

    def add(self, topic: str, message: dict[str, object]) -> None:
        self._new.append((topic, json.dumps(message, separators=(",", ":"))))

    def commit(self) -> None:
        mids = [self._acknowledged.popleft() for _ in range(len(self._acknowledged))]
        done = [(self._under_way.pop(mid),) for mid in mids if mid in self._under_way]  # "online" is no row
        new, self._new = self._new, []
        if not new and not done:
            return
        self._db.execute("BEGIN")
        self._db.executemany("DELETE FROM outbox WHERE id = ?", done)
        ids = [self._db.execute("INSERT INTO outbox (topic, body) VALUES (?, ?)", row).lastrowid for row in new]
        self._db.execute("COMMIT")
        for row, (topic, body) in zip(ids, new, strict=True):
            self._send(row or 0, topic, body)

    def _send(self, row: int, topic: str, body: str) -> None:
        self._under_way[self._client.publish(topic, body, qos=1).mid] = row


def main() -> None:
    port, folder, paths = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="plain", clean_session=False)
    client.will_set("plain/state", "offline", qos=1, retain=True)
    client.on_connect = lambda client, *_: client.publish("plain/state", "online", qos=1, retain=True)
    client.connect_async("127.0.0.1", port, keepalive=30)
    client.loop_start()
    outbox = Outbox(os.path.join(folder, "plain.db"), client)
    poller, ports = select.poll(), {}
    for n, path in enumerate(paths):
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(fd)
        termios.tcflush(fd, termios.TCIFLUSH)
        ports[fd] = f"lane-{n + 1:02d}"
        poller.register(fd, select.POLLIN)
    buffers = dict.fromkeys(ports, b"")
    flagged: set[str] = set()
    next_commit = time.monotonic() + _COMMIT_S
    while True:
        urgent = False
        for fd, _ in poller.poll(max(0.0, next_commit - time.monotonic()) * 1000):
            device, data = ports[fd], buffers[fd] + os.read(fd, 4096)
            while (begin := data.find(_HEADER)) >= 0 and len(data) >= begin + 9:
                frame, data = data[begin : begin + 9], data[begin + 9 :]
                if sum(frame[:-1]) & 0xFF != frame[-1]:
                    continue
                surface, ambient = (int.from_bytes(frame[n : n + 2], signed=True) / 100 for n in (4, 6))
                at = round(time.time(), 3)
                outbox.add(f"plain/{device}", {"at": at, "celsius": surface, "ambient": ambient})
                if (surface >= _FEVER_C and device not in flagged) or (surface < _PRESENT_C and device in flagged):
                    flagged ^= {device}
                    state = "raised" if device in flagged else "over"
                    outbox.add("plain/alarm", {"at": at, "device": device, "state": state, "celsius": surface})
                    urgent = True
            buffers[fd] = data[-64:]
        if urgent or time.monotonic() >= next_commit:
            outbox.commit()
            next_commit = time.monotonic() + _COMMIT_S


if __name__ == "__main__":
    main()
