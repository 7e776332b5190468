"""A queue system that answers by HTTP: a real web server on the loopback, in the shape that the hall file says.

It stands in for the address in the hall file, which is never asked.
"""

import json
import threading
import weakref
from collections import deque
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from devices.tickets.farend import stand_in
from devices.tickets.machine import Machine
from devices.world.twin import Stage, Trouble
from devices.world.wires import flip

_LISTED = 100
_LOOK_S = 0.05


class _Desk:
    """What the server's thread knows: it must not keep the twin alive."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b"[]"
        self.dropping = False
        self.busy = False
        self.asked: list[dict[str, str]] = []  # the headers of each question


class QueueHttpTwin(Machine):
    """Unplugged, it hangs up without a word. Silent, its list is empty; stuck, it stays as it is; garbled, a bit of
    each answer is wrong; busy, every other answer is 503. ``status`` and ``body`` can be forced."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.desk = _Desk()
        self._words = {step: word for word, step in settings.steps.items()}
        self._count = 0
        self._events: deque[dict[str, Any]] = deque(maxlen=_LISTED)
        server = _Server(self.desk)
        stopping = threading.Event()
        threading.Thread(target=_serve, args=(server, stopping), name="queue system", daemon=True).start()
        weakref.finalize(self, stopping.set)
        stand_in(settings, f"http://127.0.0.1:{server.server_port}/events")
        self._publish()

    def tell(self, step: str, number: str, service: str, counter: int | None) -> None:
        if step not in self._words:
            return
        self._count += 1
        values = {"id": self._count, "step": self._words[step], "number": number, "service": service}
        event: dict[str, Any] = {}
        for name, path in self.settings.fields.items():
            _put(event, path, values.get(name, counter))
        self._events.appendleft(event)
        self._publish()

    def suffer(self, trouble: Trouble) -> None:
        super().suffer(trouble)
        self._publish()

    def recover(self) -> None:
        super().recover()
        self._publish()

    def _publish(self) -> None:
        self.desk.dropping = self.trouble is Trouble.UNPLUGGED
        self.desk.busy = self.trouble is Trouble.BUSY
        if self.trouble is Trouble.STUCK:
            return
        events = list(self._events if self.settings.newest_first else reversed(self._events))
        answer: Any = [] if self.trouble is Trouble.SILENT else events
        for name in reversed(self.settings.items.split(".") if self.settings.items else ()):
            answer = {name: answer}
        body = json.dumps(answer, ensure_ascii=False).encode()
        self.desk.body = flip(body, self.stage.random) if self.trouble is Trouble.GARBLED else body


def _put(event: dict[str, Any], path: str, value: Any) -> None:
    *names, last = path.split(".")
    for name in names:
        event = event.setdefault(name, {})
    event[last] = value


class _Server(HTTPServer):
    timeout = _LOOK_S

    def __init__(self, desk: _Desk) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.desk = desk


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        desk = self.server.desk
        desk.asked.append(dict(self.headers))
        if desk.dropping:
            return
        status = 503 if desk.busy and len(desk.asked) % 2 else desk.status
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.send_header("Content-Length", str(len(desk.body)))
        self.end_headers()
        self.wfile.write(desk.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


def _serve(server: _Server, stopping: threading.Event) -> None:
    with server:
        while not stopping.is_set():
            server.handle_request()


TWIN = QueueHttpTwin
