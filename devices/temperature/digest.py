"""HTTP with a digest login (RFC 7616), as terminals and cameras want it: one try, one answer, or a fault.

The standard library's digest handler works out the answer to a challenge; it is not let loose on the wire, because it
tries a wrong password six times in a row, and terminals lock the account after five. Never logs in by ``Basic``.
"""

import socket
import ssl
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.request import (
    HTTPDigestAuthHandler,
    HTTPPasswordMgrWithDefaultRealm,
    Request,
    parse_http_list,
    parse_keqv_list,
)

from devices.faults import DeviceFault, fault

# Where a host's port is really reached, as /etc/hosts says it of a name; empty on a board. A simulated terminal puts
# itself in here.
ROUTES: dict[tuple[str, int], tuple[str, int]] = {}


class DigestClient:
    """``context``  for TLS; None: plain HTTP. Each call opens a connection of its own and may take ``timeout_s``."""

    def __init__(
        self, host: str, port: int, username: str, password: str, timeout_s: float, context: ssl.SSLContext | None
    ) -> None:
        self._host, self._port = host, port
        self._timeout_s = timeout_s
        self._context = context
        self._root = f"{'https' if context else 'http'}://{host}:{port}"
        passwords = HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, self._root, username, password)
        self._digest = HTTPDigestAuthHandler(passwords)
        self._challenge: dict[str, str] = {}

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """The body of the answer. Raises DeviceFault."""
        try:
            _, response = self._open(method, path, body)
            with response:
                return response.read()
        except (OSError, HTTPException) as error:
            raise _unreachable(error) from error

    def listen(self, path: str) -> "Listening":
        """An answer that goes on for ever. Raises DeviceFault."""
        try:
            line, response = self._open("GET", path, None)
        except (OSError, HTTPException) as error:
            raise _unreachable(error) from error
        if response.chunked:
            response.close()
            raise nonsense("chunked stream")
        return Listening(line, response)

    def _open(self, method: str, path: str, body: bytes | None) -> tuple[socket.socket, HTTPResponse]:
        line, response = self._send(method, path, body)
        if response.status == 401:
            challenge = _challenge(response)
            # A login that was refused is not repeated; one that the device has forgotten the challenge of is.
            if challenge and challenge.get("nonce") != self._challenge.get("nonce"):
                response.close()
                self._challenge = challenge
                line, response = self._send(method, path, body)
        if response.status != 200:
            status = response.status
            response.close()
            if status in (401, 403):
                self._challenge = {}
                raise Refused(status)
            raise nonsense(f"HTTP {status}")
        return line, response

    def _send(self, method: str, path: str, body: bytes | None) -> tuple[socket.socket, HTTPResponse]:
        headers = {"Connection": "close"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._challenge:
            request = Request(self._root + path, body, method=method)
            headers["Authorization"] = f"Digest {self._digest.get_authorization(request, self._challenge)}"
        connection = HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        connection.sock = line = self._dial()
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            line.close()  # the response keeps it until it is closed itself
            return line, response
        except BaseException:  # whatever it is goes on its way, without an open socket behind it
            connection.close()
            raise

    def _dial(self) -> socket.socket:
        address = ROUTES.get((self._host, self._port), (self._host, self._port))
        line = socket.create_connection(address, self._timeout_s)
        if self._context is None:
            return line
        try:
            return self._context.wrap_socket(line, server_hostname=self._host)
        except BaseException:  # the same
            line.close()
            raise


class Listening:
    """An answer under way; :meth:`hear` never waits."""

    def __init__(self, line: socket.socket, response: HTTPResponse) -> None:
        self._line, self._response = line, response
        line.settimeout(0)

    def hear(self) -> bytes:
        """What has come since. Raises DeviceFault when nothing will come any more."""
        heard = b""
        try:
            while piece := self._response.fp.read1(65536):
                heard += piece
            ended = isinstance(self._line, ssl.SSLSocket) or not self._line.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, ssl.SSLWantReadError):
            ended = False
        except OSError as error:
            raise _unreachable(error) from error
        if ended and not heard:
            raise _unreachable(ConnectionError("end of stream"))
        return heard

    def close(self) -> None:
        self._response.close()


class Refused(DeviceFault):
    """The device is there and doesn't want us."""

    def __init__(self, status: int) -> None:
        super().__init__(
            "silent",
            {
                "zh": f"设备拒绝登录：请检查用户名、密码和账户是否锁定（HTTP {status}）",
                "en": f"the device refuses our login: check user name, password and whether the account is locked "
                f"(HTTP {status})",
            },
        )


def nonsense(detail: str) -> DeviceFault:
    """It answers, but not what was asked."""
    return DeviceFault(
        "silent",
        {
            "zh": f"设备应答内容无法识别：请检查型号、固件和路径设置（{detail}）",
            "en": f"the device's answer makes no sense: check its model, firmware and the path ({detail})",
        },
    )


def _unreachable(error: Exception) -> DeviceFault:
    """Nothing of the answer goes into the detail: it may hold names."""
    return fault("unplugged", detail=type(error).__name__)


def _challenge(response: HTTPResponse) -> dict[str, str]:
    for value in response.headers.get_all("WWW-Authenticate", []):
        scheme, _, rest = value.partition(" ")
        if scheme.lower() == "digest":
            return parse_keqv_list(list(filter(None, parse_http_list(rest))))
    return {}
