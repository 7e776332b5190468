"""A face terminal at the other end of the network: a small HTTP server with a digest login, events and a stream.

It listens on this machine at a port that the system gives, and says so in :data:`devices.temperature.digest.ROUTES`, so
that the address of the hall file leads here.
"""

import hashlib
import json
import re
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from devices.temperature.digest import ROUTES
from devices.world.twin import Stage, Trouble, Twin

_REALM = "DS-K1T671TM"
_LOCKED_AFTER = 5
_PHOTO = b"\xff\xd8" + bytes(3000) + b"\r\n\r\n--MIME_boundary\r\n" + bytes(500) + b"\xff\xd9"
_HEARTBEAT_S = 10.0


class FaceTerminalTwin(Twin):
    """``face`` is somebody whom it measures and recognises; ``card`` opens the door without.

    ``fahrenheit``  is its unit; ``clock_s``  how far its clock is off; ``repeat``  how many records each page repeats.
    ``capacity``    of its memory, the oldest go first. ``bad_logins``  since it was locked last.
    Garbled cuts answers short, busy answers every other request with 503.
    """

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.ambient_c = 23.0
        self.fahrenheit = False
        self.clock_s = 0.0
        self.repeat = 0
        self.capacity = 100_000
        self.bad_logins = 0
        self.asked = 0
        self.records: list[dict[str, Any]] = []
        self.frozen: list[dict[str, Any]] | None = None
        self.nonce = f"{stage.random.getrandbits(64):016x}"
        self.streams: list[socket.socket] = []
        self.go_on = threading.Event()
        self._serial = 0
        self._server = _Server(self)
        self._address = (settings.host, settings.reached_at)
        ROUTES[self._address] = ("127.0.0.1", self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.02,), name="face terminal", daemon=True).start()
        self._beat()

    def face(self, displayed_c: float, seconds: float = 1.0) -> None:
        """Somebody whom the hall is to see as ``displayed_c`` looks into it."""
        celsius = displayed_c - self.settings.offset_c
        degrees, unit = (celsius * 9 / 5 + 32, "fahrenheit") if self.fahrenheit else (celsius, "celsius")
        self._happens({"currTemperature": round(degrees, 6), "thermometryUnit": unit, "isAbnomalTemperature": False})

    def card(self) -> None:
        """A card, and nobody's face."""
        self._happens({"cardNo": "0012345678"})

    def reset(self) -> None:
        """Back to the factory's settings, but for the account: serial numbers begin anew."""
        self.records.clear()
        self._serial = 0

    def restart(self) -> None:
        """Its old challenges are worth nothing."""
        self.nonce = f"{self.stage.random.getrandbits(64):016x}"
        self.hang_up()

    def hang_up(self) -> None:
        """The stream ends, as it does every now and then."""
        for line in self.streams:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()
        self.streams.clear()

    def suffer(self, trouble: Trouble) -> None:
        super().suffer(trouble)
        self.go_on.clear()
        self.frozen = list(self.records) if trouble is Trouble.STUCK else None
        if trouble is Trouble.UNPLUGGED:
            self.hang_up()

    def recover(self) -> None:
        super().recover()
        self.frozen = None
        self.go_on.set()

    def close(self) -> None:
        """Nobody listens there any more."""
        self.go_on.set()
        self.hang_up()
        ROUTES.pop(self._address, None)
        self._server.shutdown()
        self._server.server_close()

    def send_part(self, kind: str, body: bytes) -> None:
        """A part to all who listen."""
        if self.trouble in (Trouble.SILENT, Trouble.STUCK):
            return
        head = f"--MIME_boundary\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode("ascii")
        cut = body[: len(body) // 2] if self.trouble is Trouble.GARBLED else body
        for line in list(self.streams):
            with suppress(OSError):
                line.sendall(head + cut.ljust(len(body)) + b"\r\n")

    def _happens(self, what: dict[str, Any]) -> None:
        self._serial += 1
        seconds = int(self.stage.now() + self.clock_s) % 86400
        time = f"2026-03-01T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}+08:00"
        person = {"name": "王小明", "employeeNoString": "4366", "pictureURL": "http://10.0.0.9/03_053016.jpeg@WEB0"}
        record = {"major": 5, "minor": 75, "time": time, "serialNo": self._serial, "mask": "yes", **person, **what}
        self.records.append(record)
        del self.records[: -self.capacity]
        event: dict[str, Any] = {"eventType": "AccessControllerEvent", "dateTime": time}
        event["AccessControllerEvent"] = record | {"currentEvent": True}
        self.send_part('application/json; charset="UTF-8"', json.dumps(event).encode())
        self.send_part("image/jpeg", _PHOTO)

    def _beat(self) -> None:
        self.send_part("application/json", json.dumps({"eventType": "heartBeat"}).encode())
        self.stage.at(self.stage.now() + _HEARTBEAT_S, self._beat)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, twin: FaceTerminalTwin) -> None:
        self.twin = twin
        super().__init__(("127.0.0.1", 0), _Handler)

    def shutdown_request(self, request: Any) -> None:
        """A stream goes on when its handler has gone."""
        if request not in self.twin.streams:
            super().shutdown_request(request)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *args: object) -> None:
        """Nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self._is_in_order() and self._may_enter():
            self._answer(self._events(json.loads(body)["AcsEventCond"]))

    def do_GET(self) -> None:
        if not (self._is_in_order() and self._may_enter()):
            return
        if self.path.endswith("/alertStream"):
            self.server.twin.streams.append(self.connection)  # first, so that who has the answer misses nothing
            self.send_response(200)
            self.send_header("Content-Type", "multipart/mixed; boundary=MIME_boundary")
            self.end_headers()
            return
        twin = self.server.twin
        self._answer(
            {"data": {"rows": [{"id": one["serialNo"], "temp": one.get("currTemperature")} for one in twin.records]}}
        )

    def _is_in_order(self) -> bool:
        twin = self.server.twin
        twin.asked += 1
        if twin.trouble is Trouble.SILENT:
            twin.go_on.wait()
        busy = twin.trouble is Trouble.BUSY and twin.asked % 2
        if busy:
            self.send_error(503)
        return not busy and twin.trouble not in (Trouble.UNPLUGGED, Trouble.SILENT)

    def _may_enter(self) -> bool:
        twin = self.server.twin
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', self.headers.get("Authorization", "")))
        if given and given.get("nonce") == twin.nonce:
            locked = twin.bad_logins >= _LOCKED_AFTER
            if not locked and given.get("response") == self._response(given):
                return True
            twin.bad_logins += 1
        stale = ', stale="true"' if given and given.get("nonce") != twin.nonce else ""
        self.send_response(401)
        self.send_header("WWW-Authenticate", f'Digest qop="auth", realm="{_REALM}", nonce="{twin.nonce}"{stale}')
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def _response(self, given: dict[str, str]) -> str:
        settings = self.server.twin.settings
        who = _md5(f"{settings.username}:{_REALM}:{settings.password}")
        what = _md5(f"{self.command}:{self.path}")
        return _md5(f"{who}:{given['nonce']}:{given['nc']}:{given['cnonce']}:{given['qop']}:{what}")

    def _events(self, condition: dict[str, Any]) -> dict[str, Any]:
        twin = self.server.twin
        records = twin.records if twin.frozen is None else twin.frozen
        position = max(0, condition["searchResultPosition"] - twin.repeat)
        page = records[position : condition["searchResultPosition"] + min(condition["maxResults"], 30)]
        more = position + len(page) < len(records)
        event = {
            "searchID": condition["searchID"],
            "totalMatches": len(records),
            "responseStatusStrg": "MORE" if more else "OK" if page else "NO MATCH",
            "numOfMatches": len(page),
        }
        return {"AcsEvent": event | ({"InfoList": page} if page else {})}

    def _answer(self, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        if self.server.twin.trouble is Trouble.GARBLED:
            body = body[: len(body) // 2]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


TWIN = FaceTerminalTwin
