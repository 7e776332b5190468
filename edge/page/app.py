"""What stands at which address of the local page.

Looking needs nothing. Acting (``POST /api/do/…``) is open only where ``may_act``: on the socket in the state
directory, which nobody can open but the gateway's own user.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import bottle

from devices.faults import Words
from edge.desk import Desk
from edge.hall.site import ZONES
from edge.present import Present
from mqtt.messages import MAX_REQUEST_BYTES, to_json

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"

# One thread each: a wall screen, a few desks, a few telephones, and the board still has its memory to itself.
MAX_STREAMS = 16
# What stands between us and the browser may close a line that is silent for long.
KEEP_ALIVE_S = 15.0
# A simulated hall can run a thousand times faster than anyone can read.
_GATHER_S = 0.2

_JSON = "application/json; charset=utf-8"

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_ERRORS: dict[int, tuple[str, Words]] = {
    400: ("bad-request", {"zh": "请求有误", "en": "the request is wrong"}),
    403: ("forbidden", {"zh": "不允许", "en": "not permitted"}),
    404: ("not-found", {"zh": "没有此页", "en": "there is nothing at this address"}),
    405: ("method-not-allowed", {"zh": "此处不支持该方法", "en": "this address does not take that method"}),
    413: ("too-large", {"zh": "请求过大", "en": f"a request has at most {MAX_REQUEST_BYTES} bytes"}),
    416: ("bad-range", {"zh": "范围有误", "en": "there is no such part of it"}),
    500: ("internal", {"zh": "网关内部错误，详见日志", "en": "something broke in the gateway; its log says what"}),
}

# What a refused command comes back with; the body is its answer all the same.
_REFUSED = {
    "unknown-command": HTTPStatus.NOT_FOUND,
    "bad-arguments": HTTPStatus.BAD_REQUEST,
    "bad-request": HTTPStatus.BAD_REQUEST,
}


def make_app(desk: Desk, *, may_act: bool) -> bottle.Bottle:
    """A WSGI application; its ``close()`` ends the streams that are open."""
    app = bottle.Bottle()
    streams = Streams(desk.present)
    page = _Page(desk, streams, may_act)
    app.install(streams)
    app.add_hook("after_request", _dress)
    # Everything that is not as asked for comes in one shape, not in bottle's own page.
    app.default_error_handler = _undone
    app.get("/", callback=page.front)
    app.get("/static/<name>", callback=page.static)
    app.get("/healthz", callback=page.health)
    app.get("/events", callback=page.events)
    app.get("/api/hall", callback=page.hall)
    app.get("/api/devices", callback=page.devices)
    app.get("/api/alarms", callback=page.alarms)
    app.get("/api/air", callback=page.air)
    app.get("/api/status", callback=page.status)
    app.get("/api/words", callback=page.words)
    app.post("/api/do/<name>", callback=page.do)
    return app


class _Page:
    """One method an address."""

    def __init__(self, desk: Desk, streams: "Streams", may_act: bool) -> None:
        self._desk = desk
        self._streams = streams
        self._may_act = may_act

    def front(self) -> Any:
        return self.static("index.html")

    def static(self, name: str) -> Any:
        # Asked about each time and sent only when it has changed: an upgrade shows at once.
        return bottle.static_file(name, STATIC, headers={"Cache-Control": "no-cache"})

    def health(self) -> Any:
        alive = self._desk.status()["alive"]
        return bottle.HTTPResponse(
            "ok\n" if alive else "stuck\n",
            (HTTPStatus.OK if alive else HTTPStatus.SERVICE_UNAVAILABLE).value,
            {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"},
        )

    def events(self) -> Any:
        stream = self._streams.open()
        if stream is None:
            return _error(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "too-many",
                f"已有 {MAX_STREAMS} 个页面在看，请稍后再试",
                f"{MAX_STREAMS} pages are looking already; try again later",
                **{"Retry-After": "10"},
            )
        return bottle.HTTPResponse(stream, content_type="text/event-stream; charset=utf-8", cache_control="no-store")

    def hall(self) -> Any:
        """now/hall; null before the first step."""
        return _json(self._now("hall").get("hall"))

    def devices(self) -> Any:
        return _json([message for _, message in sorted(self._now("device/").items())])

    def alarms(self) -> Any:
        alarms = self._now("alarm/").values()
        return _json(sorted(alarms, key=lambda alarm: (alarm["level"], alarm["raised_at"])))

    def air(self) -> Any:
        return _json([message for _, message in sorted(self._now("air/").items())])

    def status(self) -> Any:
        return _json(self._desk.status())

    def words(self) -> Any:
        """What zones are called; a sensor of no zone stands for the whole hall."""
        zones: dict[str, Words] = {name: zone.says for name, zone in ZONES.items()}
        return _json({"zones": {"hall": {"zh": "营业厅", "en": "hall"}} | zones})

    def do(self, name: str) -> Any:
        # Read before it is refused: closing a connection on what it still sends loses the answer.
        request = _read_request()
        if not self._may_act:
            return _error(
                HTTPStatus.FORBIDDEN,
                "forbidden",
                "此端口只能查看；请在网关本机使用 hallgate 命令",
                "this port is for looking only; act on the gateway itself, with the hallgate command",
            )
        by, args = request.get("by"), request.get("args", {})
        if not isinstance(by, str) or not 0 < len(by) <= 64 or not isinstance(args, dict):
            return _error(
                HTTPStatus.BAD_REQUEST,
                "bad-request",
                'by 应写明何人（1–64 字），args 应为对象：{"by": "…", "args": {…}}',
                'by must say who asks, in 1 to 64 characters, and args be an object: {"by": "…", "args": {…}}',
            )
        try:
            done = self._desk.ask(name, args, by)
        except TimeoutError:
            return _error(
                HTTPStatus.GATEWAY_TIMEOUT,
                "timeout",
                "网关未及时答复，命令可能仍会执行",
                "the gateway did not answer in time; the command may still be carried out",
            )
        status = HTTPStatus.OK
        if done.error is not None:
            status = _REFUSED.get(done.error["code"], HTTPStatus.CONFLICT)
        return _json(to_json(done), status)

    def _now(self, below: str) -> dict[str, Any]:
        everything = self._desk.present.all()
        return {topic: json.loads(message) for topic, message in everything.items() if topic.startswith(below)}


class Streams:
    """The live streams that are open. Bottle closes it with the application, because it is installed as a plugin."""

    api = 2

    def __init__(self, present: Present) -> None:
        self._present = present
        self._news = threading.Condition()
        self._open = 0
        self._closed = False
        present.watch(self._wake)

    def apply(self, callback: Callable[..., Any], route: Any) -> Callable[..., Any]:
        """Nothing: only the closing is wanted of a plugin."""
        return callback

    def close(self) -> None:
        """Let all end."""
        with self._news:
            self._closed = True
            self._news.notify_all()

    def open(self) -> Iterator[bytes] | None:
        """One more; None when there are enough."""
        with self._news:
            if self._open >= MAX_STREAMS:
                return None
            self._open += 1
        return self._follow()

    def _follow(self) -> Iterator[bytes]:
        try:
            version, topics = self._present.since(-1)
            whole = b",".join(_topic(topic) + b":" + message for topic, message in topics.items() if message)
            # A browser that has lost us comes back after this many milliseconds.
            yield b"retry: 2000\nevent: present\ndata: {" + whole + b"}\n\n"
            while self._wait(version):
                version, changed = self._present.since(version)
                yield b"".join(map(_change, changed, changed.values())) or b":\n\n"
        finally:
            with self._news:
                self._open -= 1

    def _wait(self, version: int) -> bool:
        """Until there is news or a sign of life is due; False: until the end."""
        with self._news:
            if self._news.wait_for(lambda: self._closed, _GATHER_S):
                return False
            self._news.wait_for(lambda: self._closed or self._present.since(version)[1], KEEP_ALIVE_S)
            return not self._closed

    def _wake(self) -> None:
        with self._news:
            self._news.notify_all()


def _topic(topic: str) -> bytes:
    return json.dumps(topic, ensure_ascii=False).encode()


def _change(topic: str, message: bytes) -> bytes:
    # A message is one line of JSON already, as it went to the broker.
    return b'event: change\ndata: {"topic":' + _topic(topic) + b',"message":' + (message or b"null") + b"}\n\n"


def _read_request() -> dict[str, Any]:
    """The JSON object that was sent. Raises bottle.HTTPError."""
    try:
        length = int(bottle.request.environ.get("CONTENT_LENGTH") or 0)
        if not 0 <= length <= MAX_REQUEST_BYTES:
            raise bottle.HTTPError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE.value)
        request = json.loads(bottle.request.environ["wsgi.input"].read(length))
    except ValueError:  # no number, no UTF-8, no JSON
        raise bottle.HTTPError(HTTPStatus.BAD_REQUEST.value) from None
    if not isinstance(request, dict):
        raise bottle.HTTPError(HTTPStatus.BAD_REQUEST.value)
    return request


def _json(value: Any, status: HTTPStatus = HTTPStatus.OK, **headers: str) -> Any:
    body = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return bottle.HTTPResponse(body, status.value, {"Content-Type": _JSON, "Cache-Control": "no-store"} | headers)


def _error(status: HTTPStatus, code: str, zh: str, en: str, **headers: str) -> Any:
    return _json({"error": {"code": code, "text": {"zh": zh, "en": en}}}, status, **headers)


def _dress() -> None:
    bottle.response.headers.update(_HEADERS)


def _undone(error: Any) -> str:
    code, text = _ERRORS.get(error.status_code, _ERRORS[500])
    _dress()  # after an exception bottle has forgotten what the hook did
    bottle.response.content_type = _JSON
    bottle.response.set_header("Cache-Control", "no-store")
    return json.dumps({"error": {"code": code, "text": text}}, ensure_ascii=False)
