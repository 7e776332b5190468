"""Carries the page over a port and over a socket in the state directory.

wsgiref's request handler behind socketserver's threads, with what both leave open on purpose closed: a bound on
connections, a deadline for a request as a whole, and an end that ends. HTTP/1.0, one request a connection.
"""

import contextlib
import io
import logging
import os
import socket
import socketserver
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler

from edge.errors import Misconfigured

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

log = logging.getLogger(__name__)

# Streams hold a thread each (page.app allows 16); what is beyond them comes and goes.
_MAX_CONNECTIONS = 64
# A request must have come in whole within this, however its bytes dribble …
_REQUEST_S = 10.0
# … and whoever asked must have taken each piece of the answer within this.
_ANSWER_S = 10.0
_GOODBYE_S = 2.0

# A socket's name has 108 bytes in Linux, one of them the end.
_MAX_SOCKET_PATH = 107

_NOT_UNDERSTOOD = (
    '{"error": {"code": "bad-request", "text": {"zh": "无法读懂请求", "en": "this is no HTTP request we understand"}}}'
)
_FULL = b"HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 10\r\n\r\n"


class Server:
    """One listening socket with an application behind it. ``start`` and ``stop`` once each."""

    def __init__(self, web: "_Web", path: Path | None = None) -> None:
        self._web = web
        self._path = path
        self._thread = threading.Thread(target=web.run, name="page", daemon=True)

    @property
    def port(self) -> int:
        """Where a port was asked for as 0: which it became."""
        return int(self._web.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take no more, let streams end, and cut off what lasts."""
        self._web.stop()
        if self._thread.ident is not None:  # it may never have begun, where something else failed before
            self._thread.join(_GOODBYE_S)
        self._web.server_close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def on_port(app: Any, host: str, port: int) -> Server:
    """For everybody who can reach ``host``. Raises Misconfigured."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    web = _Web(family, (host, port), app)
    try:
        web.server_bind()
        web.server_activate()
    except OSError as error:
        web.server_close()
        raise Misconfigured(
            f"the page cannot listen on {host} port {port} ({error.strerror}): name another with --port N, "
            f"or leave the page out with --port 0"
        ) from error
    return Server(web)


def on_socket(app: Any, path: Path) -> Server:
    """For whoever may open ``path``, which is nobody but its owner. Raises Misconfigured."""
    if len(os.fsencode(path)) > _MAX_SOCKET_PATH:
        raise Misconfigured(f"{path} is too long for a socket: name a shorter state directory with --state DIR")
    if _answers(path):
        raise Misconfigured(
            f"another gateway is running with {path.parent}: stop it, or name another directory with --state DIR"
        )
    web = _Web(socket.AF_UNIX, str(path), app)
    try:
        path.unlink(missing_ok=True)  # left by a crash
        web.server_bind()
        path.chmod(0o600)  # before anybody is listened to
        web.server_activate()
    except OSError as error:
        web.server_close()
        raise Misconfigured(f"{path} cannot be opened ({error.strerror}): check who owns {path.parent}") from error
    return Server(web, path)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


class _Web(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A TCP or Unix socket, and the threads that serve it."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 32

    def __init__(self, family: socket.AddressFamily, address: Any, app: Any) -> None:
        self.address_family = family
        super().__init__(address, _Request, bind_and_activate=False)
        self._app = app
        self._stopping = threading.Event()
        self._served = threading.Condition()
        self._connections: set[socket.socket] = set()
        self.base_environ = {
            "SERVER_NAME": "hallgate",
            "SERVER_PORT": "0",
            "GATEWAY_INTERFACE": "CGI/1.1",
            "REMOTE_HOST": "",
            "CONTENT_LENGTH": "",
            "SCRIPT_NAME": "",
        }

    def get_app(self) -> Any:
        return self._app

    def run(self) -> None:
        # Not serve_forever: it wakes twice a second to see whether it should stop.
        while not self._stopping.is_set():
            self.handle_request()

    def stop(self) -> None:
        self._stopping.set()
        self.socket.shutdown(socket.SHUT_RDWR)  # wakes who waits for the next connection
        self._app.close()
        with self._served:
            if self._served.wait_for(lambda: not self._connections, _GOODBYE_S):
                return
            for connection in self._connections:
                with contextlib.suppress(OSError):  # it ends by itself just now
                    connection.shutdown(socket.SHUT_RDWR)
            self._served.wait_for(lambda: not self._connections, _GOODBYE_S)

    def get_request(self) -> tuple[socket.socket, Any]:
        try:
            connection, address = super().get_request()
        except OSError as error:
            if not self._stopping.is_set():
                log.warning("the page could not take a connection: %s", error)
                self._stopping.wait(0.5)  # out of file descriptors, say: asking again at once changes nothing
            raise
        # A peer on a Unix socket has no name, and the handler wants the first part of one.
        return connection, address or ("local", 0)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._served:
            full = len(self._connections) >= _MAX_CONNECTIONS
            if not full:
                self._connections.add(request)
        if full:
            request.setblocking(False)
            request.send(_FULL)
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._served:
            self._connections.discard(request)
            self._served.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("a connection of the page broke", exc_info=True)


class _ByDeadline(io.RawIOBase):
    """What a client sends, until the time it has for that is over; a socket's own timeout begins anew with each byte."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request took too long")
        self._connection.settimeout(left)
        try:
            return self._connection.recv_into(buffer)
        finally:
            self._connection.settimeout(_ANSWER_S)


class _Request(WSGIRequestHandler):
    """One connection, one request."""

    server: _Web
    error_message_format = _NOT_UNDERSTOOD
    error_content_type = "application/json; charset=utf-8"

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self.connection.settimeout(_ANSWER_S)  # sendall's is for the whole piece
        self.rfile = io.BufferedReader(_ByDeadline(self.connection, time.monotonic() + _REQUEST_S))

    def handle(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if len(self.raw_requestline) > 65536:
            self.requestline = self.request_version = self.command = ""
            self.send_error(414)
        elif self.parse_request():
            _Answer(self).run(self.server.get_app())

    def version_string(self) -> str:
        return "hallgate"

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


class _Answer(ServerHandler):
    """Gathers the head of an answer with the first of its body into one piece."""

    os_environ: dict[str, str] = {}  # the gateway's own environment is nobody's business
    server_software = "hallgate"

    def __init__(self, request: _Request) -> None:
        super().__init__(request.rfile, request.wfile, _Log(), request.get_environ())  # type: ignore[arg-type]
        self.request_handler = request
        self._gathered = bytearray()

    def _write(self, data: bytes) -> None:
        self._gathered += data

    def _flush(self) -> None:
        gathered, self._gathered = bytes(self._gathered), bytearray()
        self.request_handler.wfile.write(gathered)

    def finish_content(self) -> None:
        super().finish_content()
        self._flush()  # an answer without a body has its head here still

    def handle_error(self) -> None:
        # The application answers its own errors; what comes here broke on the way out, and no other answer can follow.
        if isinstance(sys.exc_info()[1], OSError):
            log.debug("a client was too slow for its answer, or has gone", exc_info=True)
        else:
            log.exception("an answer of the page broke")
        self.close()


class _Log(io.TextIOBase):
    """Where the application's tracebacks go."""

    def write(self, text: str) -> int:
        log.error("%s", text.rstrip())
        return len(text)
