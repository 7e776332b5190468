"""The page on real sockets: who may do what where, who is held off, and that it ends."""

import http.client
import json
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from edge.errors import Misconfigured
from edge.page import server as serving
from edge.page.app import MAX_STREAMS, make_app
from edge.page.server import Server, on_port, on_socket
from tests.edge.desks import FakeDesk
from tests.waiting import eventually

LOCAL = "127.0.0.1"


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def running() -> Iterator[Callable[[Server], Server]]:
    """``running(on_port(…))`` starts a server and stops it in the end."""
    with ExitStack() as stack:

        def start(server: Server) -> Server:
            server.start()
            stack.callback(server.stop)
            return server

        yield start


@pytest.fixture
def port(desk, running) -> int:
    server: Server = running(on_port(make_app(desk, may_act=False), LOCAL, 0))
    return server.port


@pytest.fixture
def path(desk, running, tmp_path) -> Path:
    socket_path: Path = tmp_path / "control.sock"
    running(on_socket(make_app(desk, may_act=True), socket_path))
    return socket_path


class Local(http.client.HTTPConnection):
    """HTTP over a socket in a folder."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(self._path))


def fetch(connection: http.client.HTTPConnection, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        said = answer.read()
        return answer.status, json.loads(said) if "json" in (answer.getheader("Content-Type") or "") else said
    finally:
        connection.close()


def over(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(LOCAL, port, timeout=10)


class Stream:
    """An open /events."""

    def __init__(self, port: int) -> None:
        self._connection = over(port)
        self._connection.request("GET", "/events")
        self._answer = self._connection.getresponse()
        self.status = self._answer.status

    def block(self) -> list[str]:
        """The lines of the next event; nothing at the end of the stream."""
        lines = []
        while line := self._answer.readline().decode().rstrip("\n"):
            lines.append(line)
        return lines

    def close(self) -> None:
        self._answer.close()
        self._connection.close()


# --- looking and acting ------------------------------------------------------------------------------------------


def test_the_port_shows_and_the_socket_acts(desk, port, path) -> None:
    desk.tell_hall(occupancy=9)
    for connection in (over(port), Local(path)):
        status, hall = fetch(connection, "GET", "/api/hall")
        assert (status, hall["occupancy"]) == (200, 9)
    request = {"by": "me", "args": {"a": 1}}
    assert fetch(over(port), "POST", "/api/do/ping", request)[0] == 403
    assert desk.asked == []
    assert fetch(Local(path), "POST", "/api/do/ping", request)[0] == 200
    assert desk.asked == [("ping", {"a": 1}, "me")]


def test_the_page_and_its_parts(port) -> None:
    assert b"<!doctype html>" in fetch(over(port), "GET", "/")[1]
    assert b"EventSource" in fetch(over(port), "GET", "/static/page.js")[1]
    assert fetch(over(port), "HEAD", "/") == (200, b"")


def test_nobody_but_the_owner_may_open_the_socket(path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_no_http_is_told_so_in_json(port) -> None:
    with socket.create_connection((LOCAL, port), timeout=10) as client:
        client.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        answer = b""
        while piece := client.recv(4096):
            answer += piece
    assert b'"bad-request"' in answer


# --- the stream --------------------------------------------------------------------------------------------------


def test_a_stream_begins_whole_and_goes_on(desk, port) -> None:
    desk.tell_hall(occupancy=1)
    stream = Stream(port)
    retry, kind, data = stream.block()
    assert (retry, kind) == ("retry: 2000", "event: present")
    assert json.loads(data.removeprefix("data: "))["hall"]["occupancy"] == 1
    desk.tell_hall(occupancy=2)
    kind, data = stream.block()
    assert kind == "event: change"
    assert json.loads(data.removeprefix("data: "))["message"]["occupancy"] == 2
    stream.close()


def test_beyond_the_last_place_there_is_a_503_and_then_room_again(desk, port) -> None:
    streams = [Stream(port) for _ in range(MAX_STREAMS)]
    assert [stream.status for stream in streams] == [200] * MAX_STREAMS
    late = Stream(port)
    assert late.status == 503
    late.close()
    assert fetch(over(port), "GET", "/healthz") == (200, b"ok\n")  # a full gallery keeps nobody from the rest
    streams.pop().close()

    def has_room() -> bool:
        desk.tell_hall()  # who has gone is noticed at the next piece of news
        stream = Stream(port)
        status = stream.status
        stream.close()
        return status == 200

    assert eventually(has_room)
    for stream in streams:
        stream.close()


def test_stopping_ends_the_streams(desk) -> None:
    server = on_port(make_app(desk, may_act=False), LOCAL, 0)
    server.start()
    stream = Stream(server.port)
    assert stream.block()
    server.stop()
    assert stream.block() == []
    stream.close()
    with pytest.raises(ConnectionRefusedError):
        fetch(over(server.port), "GET", "/healthz")


# --- who takes too long, and who is too many ---------------------------------------------------------------------


def test_a_request_that_dribbles_in_is_cut_off(port, monkeypatch) -> None:
    monkeypatch.setattr(serving, "_REQUEST_S", 0.2)
    with socket.create_connection((LOCAL, port), timeout=10) as client:
        client.sendall(b"GET /healthz HT")
        # However often it sends another byte, the time for the whole goes on; meanwhile others are served.
        assert fetch(over(port), "GET", "/healthz")[0] == 200
        assert client.recv(100) == b""


def test_a_stream_that_nobody_reads_is_cut_off(desk, port, monkeypatch) -> None:
    monkeypatch.setattr(serving, "_ANSWER_S", 0.2)
    with socket.create_connection((LOCAL, port), timeout=10) as deaf:
        deaf.sendall(b"GET /events HTTP/1.0\r\n\r\n")
        assert deaf.recv(12) == b"HTTP/1.0 200"
        desk.present.tell({f"air/{zone}": b'"' + b"x" * 1_000_000 + b'"' for zone in range(30)})
        assert eventually(lambda: not serves_anybody())


def serves_anybody() -> bool:
    """Whether a connection of the page is still being served."""
    return any("process_request_thread" in thread.name for thread in threading.enumerate())


def test_more_connections_than_there_is_room_for(port, monkeypatch) -> None:
    monkeypatch.setattr(serving, "_MAX_CONNECTIONS", 1)
    with socket.create_connection((LOCAL, port), timeout=10) as idle:
        # Taken in the order they come: when the second is answered, the first has its place.
        assert fetch(over(port), "GET", "/healthz") == (503, b"")
        idle.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert idle.recv(12) == b"HTTP/1.0 200"
    assert eventually(lambda: fetch(over(port), "GET", "/healthz") == (200, b"ok\n"))


def test_stopping_cuts_off_who_says_nothing(desk, monkeypatch) -> None:
    monkeypatch.setattr(serving, "_GOODBYE_S", 0.1)
    server = on_port(make_app(desk, may_act=False), LOCAL, 0)
    server.start()
    with socket.create_connection((LOCAL, server.port), timeout=10) as idle:
        assert fetch(over(server.port), "GET", "/healthz")[0] == 200
        server.stop()
        assert idle.recv(100) == b""


# --- where it cannot listen --------------------------------------------------------------------------------------


def test_a_port_that_is_taken(desk, port) -> None:
    with pytest.raises(Misconfigured, match=rf"127\.0\.0\.1 port {port} .*--port"):
        on_port(make_app(desk, may_act=False), LOCAL, port)


def test_an_address_that_is_not_ours(desk) -> None:
    with pytest.raises(Misconfigured, match=r"192\.0\.2\.1"):
        on_port(make_app(desk, may_act=False), "192.0.2.1", 0)


def test_the_next_version_of_the_internet_protocol(desk, running) -> None:
    try:
        server = running(on_port(make_app(desk, may_act=False), "::1", 0))
    except Misconfigured:
        pytest.skip("this machine has no IPv6")
    connection = http.client.HTTPConnection("::1", server.port, timeout=10)
    assert fetch(connection, "GET", "/healthz") == (200, b"ok\n")


def test_a_socket_left_by_a_crash_is_replaced(desk, tmp_path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    server = on_socket(make_app(desk, may_act=True), path)
    server.start()
    assert fetch(Local(path), "GET", "/healthz") == (200, b"ok\n")
    server.stop()
    assert not path.exists()


def test_a_second_gateway_leaves_the_first_alone(desk, path) -> None:
    with pytest.raises(Misconfigured, match="another gateway"):
        on_socket(make_app(desk, may_act=True), path)
    assert fetch(Local(path), "GET", "/healthz") == (200, b"ok\n")


def test_a_socket_where_none_can_be(desk, tmp_path) -> None:
    with pytest.raises(Misconfigured, match="too long"):
        on_socket(make_app(desk, may_act=True), tmp_path / ("d" * 100) / "control.sock")
    with pytest.raises(Misconfigured, match="cannot be opened"):
        on_socket(make_app(desk, may_act=True), tmp_path / "not-there" / "control.sock")


def test_one_that_never_began_can_be_stopped(desk, tmp_path) -> None:
    on_socket(make_app(desk, may_act=True), tmp_path / "control.sock").stop()
    on_port(make_app(desk, may_act=False), LOCAL, 0).stop()
