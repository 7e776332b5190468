"""What stands at each address, without a socket: the application is called as a server calls it."""

import io
import json
import re
import threading
from collections.abc import Iterator
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from edge.page import app as page
from edge.page.app import MAX_STREAMS, STATIC, make_app
from tests.edge.desks import FakeDesk, text


class Answer:
    """What came back; iterate over it for a stream."""

    def __init__(self, app: Any, method: str, path: str, body: bytes = b"", **environ: str) -> None:
        environ |= {"REQUEST_METHOD": method, "PATH_INFO": path, "CONTENT_LENGTH": str(len(body))} | environ
        setup_testing_defaults(environ)
        self.errors = io.StringIO()
        request: dict[str, Any] = environ | {"wsgi.input": io.BytesIO(body), "wsgi.errors": self.errors}
        self._parts = app(request, self._begin)

    def _begin(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        self.status = int(status.split()[0])
        self.headers = dict(headers)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._parts)

    def close(self) -> None:
        self._parts.close()

    @property
    def body(self) -> bytes:
        parts = b"".join(self._parts)
        if hasattr(self._parts, "close"):
            self._parts.close()
        return parts

    @property
    def json(self) -> Any:
        assert self.headers["Content-Type"] == "application/json; charset=utf-8"
        return json.loads(self.body)


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def app(desk: FakeDesk) -> Iterator[Any]:
    made = make_app(desk, may_act=True)
    yield made
    made.close()


# --- looking -----------------------------------------------------------------------------------------------------


def test_the_hall_is_null_until_it_has_been_told(app, desk) -> None:
    assert Answer(app, "GET", "/api/hall").json is None
    desk.tell_hall(occupancy=27)
    assert Answer(app, "GET", "/api/hall").json["occupancy"] == 27


def test_devices_and_air_come_in_order_of_their_names(app, desk) -> None:
    for device in ("door-side", "door-main"):
        desk.tell_device(device)
    for zone in ("waiting", "counter"):
        desk.tell_air(zone)
    assert [d["device"] for d in Answer(app, "GET", "/api/devices").json] == ["door-main", "door-side"]
    assert [a["zone"] for a in Answer(app, "GET", "/api/air").json] == ["counter", "waiting"]


def test_alarms_come_gravest_and_oldest_first_and_leave_when_they_are_over(app, desk) -> None:
    desk.tell_alarm("AIR", "waiting", level=4, ago_s=10)
    desk.tell_alarm("FEVER", "entrance", level=3, ago_s=5)
    desk.tell_alarm("WAIT", "hall", level=4, ago_s=99)
    assert [a["code"] for a in Answer(app, "GET", "/api/alarms").json] == ["FEVER", "WAIT", "AIR"]
    desk.clear("alarm/FEVER/entrance")
    assert [a["code"] for a in Answer(app, "GET", "/api/alarms").json] == ["WAIT", "AIR"]


def test_status_and_the_words_for_zones(app, desk) -> None:
    assert Answer(app, "GET", "/api/status").json == desk.status()
    zones = Answer(app, "GET", "/api/words").json["zones"]
    assert zones["waiting"] == text("客户休息等候区", "waiting area")
    assert "hall" in zones


@pytest.mark.parametrize(("alive", "status", "body"), [(True, 200, b"ok\n"), (False, 503, b"stuck\n")])
def test_health(app, desk, alive: bool, status: int, body: bytes) -> None:
    desk.alive = alive
    answer = Answer(app, "GET", "/healthz")
    assert (answer.status, answer.body) == (status, body)


# --- what is wrong, and what goes with every answer --------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/static/nothing.css", 404, "not-found"),
        ("GET", "/static/..", 403, "forbidden"),
        ("GET", "/static/../app.py", 404, "not-found"),
        ("POST", "/api/hall", 405, "method-not-allowed"),
        ("GET", "/api/do/ping", 405, "method-not-allowed"),
    ],
)
def test_errors_are_json_in_both_languages(app, method: str, path: str, status: int, code: str) -> None:
    answer = Answer(app, method, path)
    error = answer.json["error"]
    assert (answer.status, error["code"]) == (status, code)
    assert error["text"]["zh"]
    assert error["text"]["en"]


def test_a_fault_of_ours_is_logged_and_not_shown(app, desk, monkeypatch) -> None:
    monkeypatch.setattr(desk, "status", lambda: 1 / 0)
    answer = Answer(app, "GET", "/api/status")
    assert answer.status == 500
    assert answer.json["error"]["code"] == "internal"
    assert "ZeroDivisionError" in answer.errors.getvalue()
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.parametrize("path", ["/", "/static/page.js", "/api/status", "/healthz", "/nowhere"])
def test_every_answer_is_dressed(app, path: str) -> None:
    answer = Answer(app, "GET", path)
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == ("no-cache" if path in ("/", "/static/page.js") else "no-store")
    assert answer.body


# --- acting ------------------------------------------------------------------------------------------------------


def post(app: Any, name: str, request: Any) -> Answer:
    return Answer(app, "POST", f"/api/do/{name}", json.dumps(request).encode())


def test_a_command_is_carried_out_for_who_asked(app, desk) -> None:
    args = {"code": "FEVER", "source": "entrance"}
    answer = post(app, "acknowledge", {"by": "王芳", "args": args})
    assert answer.status == 200
    assert (answer.json["ok"], answer.json["result"]) == (True, args)
    assert desk.asked == [("acknowledge", args, "王芳")]


def test_nobody_acts_through_the_port(desk) -> None:
    app = make_app(desk, may_act=False)
    answer = post(app, "acknowledge", {"by": "somebody", "args": {}})
    assert answer.status == 403
    assert answer.json["error"]["code"] == "forbidden"
    assert desk.asked == []


@pytest.mark.parametrize(
    ("code", "status"),
    [("unknown-command", 404), ("bad-arguments", 400), ("nothing-to-acknowledge", 409)],
)
def test_a_refusal_is_the_answer_with_a_status(app, desk, code: str, status: int) -> None:
    desk.refuse = lambda name: {"code": code, "text": text("否", "no")}
    answer = post(app, "ping", {"by": "me"})
    assert answer.status == status
    assert answer.json["error"] == {"code": code, "text": text("否", "no")}


def test_a_gateway_that_does_not_answer(app, desk, monkeypatch) -> None:
    def never(*_: Any) -> None:
        raise TimeoutError

    monkeypatch.setattr(desk, "ask", never)
    answer = post(app, "ping", {"by": "me"})
    assert (answer.status, answer.json["error"]["code"]) == (504, "timeout")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"by": ""}',
        b'{"by": 7}',
        b'{"by": "' + b"x" * 65 + b'"}',
        b'{"by": "me", "args": []}',
    ],
)
def test_a_request_that_is_wrong_is_not_asked(app, desk, body: bytes) -> None:
    answer = Answer(app, "POST", "/api/do/ping", body)
    assert (answer.status, answer.json["error"]["code"]) == (400, "bad-request")
    assert desk.asked == []


@pytest.mark.parametrize(("length", "status"), [("70000", 413), ("-5", 413), ("many", 400)])
def test_a_length_that_is_wrong(app, length: str, status: int) -> None:
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/api/do/ping", "CONTENT_LENGTH": length}
    setup_testing_defaults(environ)
    begun: list[str] = []
    b"".join(app(environ, lambda status, headers, exc_info=None: begun.append(status)))
    assert begun[0].startswith(str(status))


# --- the stream --------------------------------------------------------------------------------------------------


def events(chunk: bytes) -> list[tuple[str, Any]]:
    """The events in a piece of the stream, with what they say."""
    found = []
    for block in chunk.decode().strip("\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_first_the_whole_present_then_changes(app, desk) -> None:
    desk.tell_hall(occupancy=1)
    desk.tell_alarm("FEVER", "entrance", level=3)
    desk.clear("alarm/FEVER/entrance")
    answer = Answer(app, "GET", "/events")
    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    stream = iter(answer)

    [(kind, whole)] = events(next(stream))
    assert kind == "present"
    assert list(whole) == ["hall"]

    desk.tell_hall(occupancy=2)
    [(kind, change)] = events(next(stream))
    assert (kind, change["topic"], change["message"]["occupancy"]) == ("change", "hall", 2)

    desk.tell_alarm("AIR", "等候区")
    desk.clear("hall")
    changes = {c["topic"]: c["message"] for _, c in events(next(stream))}
    assert changes["hall"] is None
    assert changes["alarm/AIR/等候区"]["code"] == "AIR"
    answer.close()


def test_a_silent_stream_gives_signs_of_life(app, monkeypatch) -> None:
    monkeypatch.setattr(page, "KEEP_ALIVE_S", 0.01)
    answer = Answer(app, "GET", "/events")
    stream = iter(answer)
    next(stream)
    assert next(stream) == b":\n\n"
    answer.close()


def test_enough_is_enough_and_a_place_is_free_again(app) -> None:
    streams = [Answer(app, "GET", "/events") for _ in range(MAX_STREAMS)]
    refused = Answer(app, "GET", "/events")
    assert (refused.status, refused.json["error"]["code"]) == (503, "too-many")
    assert refused.headers["Retry-After"]
    streams.pop().close()
    Answer(app, "HEAD", "/events")  # takes no place for good
    streams.append(Answer(app, "GET", "/events"))
    assert streams[-1].status == 200
    for stream in streams:
        stream.close()


def test_streams_end_with_the_application(app) -> None:
    answer = Answer(app, "GET", "/events")
    rest: list[bytes] = []
    reader = threading.Thread(target=lambda: rest.extend(answer))
    reader.start()
    app.close()
    reader.join(5)
    assert not reader.is_alive()
    assert len(rest) == 1


# --- the page itself ---------------------------------------------------------------------------------------------


def test_the_front_page_and_what_it_asks_for(app) -> None:
    answer = Answer(app, "GET", "/")
    assert answer.headers["Content-Type"].startswith("text/html")
    html = answer.body.decode()
    asked = re.findall(r'(?:src|href)="(/[^"]+)"', html)
    assert len(asked) == 3
    for path in asked:
        found = Answer(app, "GET", path)
        assert found.status == 200
        again = Answer(app, "GET", path, HTTP_IF_NONE_MATCH=found.headers["Etag"])
        assert (again.status, again.body) == (304, b"")
        assert found.body


def test_nothing_comes_from_elsewhere_and_nothing_is_taken_for_markup() -> None:
    for file in STATIC.iterdir():
        said = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "//cdn" not in said
        assert not re.search(r"https?://", said)
    script = (STATIC / "page.js").read_text("utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert word not in script


def test_both_languages_say_the_same_things() -> None:
    script = (STATIC / "page.js").read_text("utf-8")
    block = script[script.index("const WORDS") : script.index("const LOCALES")]
    zh, en = block.split("\n  en: {\n")
    keys = [
        re.findall(r"(?:^|[,{]) *\n? *([a-zA-Z]\w*): ", part.split("zh: {\n")[-1], re.MULTILINE) for part in (zh, en)
    ]
    assert sorted(keys[0]) == sorted(keys[1])
    html = (STATIC / "index.html").read_text("utf-8")
    said = re.findall(r'data-say="(\w+)"', html)
    assert said
    assert set(said) <= set(keys[0])
