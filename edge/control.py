"""The verbs' way to a running gateway: HTTP over the socket in its state directory, which only its user may open."""

import http.client
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from devices.faults import Words
from edge.errors import HallgateError

SOCKET = "control.sock"

_SYSTEM_STATE = Path("/var/lib/hallgate")
# Longer than the gateway itself waits for a commit: its own word is better than ours.
_TIMEOUT_S = 15.0


def default_state(environment: Mapping[str, str] = os.environ) -> Path:
    """Where a gateway keeps its journal and its socket unless told: the system's place, or a person's own."""
    told = environment.get("HALLGATE_STATE")
    if told:
        return Path(told)
    if os.geteuid() == 0 or os.access(_SYSTEM_STATE, os.W_OK):
        return _SYSTEM_STATE
    return Path.home() / ".local/state/hallgate"


class ControlError(HallgateError):
    """Nothing came of it; ``text`` says why, and what would be right."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.text: Words = {"zh": zh, "en": en}


class Control:
    """Asks the gateway that runs with that state directory. Every method raises ControlError."""

    def __init__(self, state: Path) -> None:
        self._path = state / SOCKET

    def get(self, name: str) -> Any:
        """What stands at ``/api/{name}``."""
        return self._exchange("GET", f"/api/{name}")

    def do(self, command: str, args: Mapping[str, Any], by: str) -> dict[str, Any]:
        """Have it carried out; the answer is its hall.done."""
        body = json.dumps({"by": by, "args": args}).encode()
        done: dict[str, Any] = self._exchange("POST", f"/api/do/{quote(command, safe='')}", body)
        return done

    def _exchange(self, method: str, path: str, body: bytes | None = None) -> Any:
        connection = _Connection(self._path)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = json.loads(answer.read())
        except (FileNotFoundError, ConnectionRefusedError):
            raise _nobody(self._path.parent) from None
        except PermissionError:
            raise ControlError(
                f"无权访问 {self._path}：请以网关的用户或 root 运行",
                f"you may not open {self._path}: run this as the gateway's own user, or as root",
            ) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = " ".join(str(error).split()) or type(error).__name__
            raise ControlError(
                f"{self._path} 没有正常答复（{why}）：网关可能正在启动或停止",
                f"no proper answer from {self._path} ({why}): the gateway may be starting or stopping",
            ) from error
        finally:
            connection.close()
        if isinstance(said, dict) and "error" in said:
            raise ControlError(**said["error"]["text"])
        return said


def _nobody(state: Path) -> ControlError:
    zh = f"{state} 中没有运行的网关；如在别处，请用 --state DIR 指明"
    en = f"no gateway is running in {state}; if it keeps its state elsewhere, name it with --state DIR"
    if state != _SYSTEM_STATE and _SYSTEM_STATE.exists():
        zh += f"（系统服务的在 {_SYSTEM_STATE}，需 sudo）"
        en += f" (the system's own is in {_SYSTEM_STATE} and wants sudo)"
    return ControlError(zh, en)


class _Connection(http.client.HTTPConnection):
    """HTTP to a socket that has a path instead of a host."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
