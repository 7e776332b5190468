"""Takes the README's pictures of the page: a simulated hall at work, seen by headless Chromium. `make picture`."""

import base64
import itertools
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from websockets.sync.client import connect  # comes with the demo's broker

from mqtt.broker import free_port

HERE = Path(__file__).parent
_HALL = HERE.parent / "examples" / "medium.yaml"
_WAIT_S = 120.0
# The page has all it shows when the simulated hall's badge is there: that takes the stream and the status.
_IS_READY = "!document.getElementById('simulated').hidden && !!document.querySelector('.devices li, .devices .about')"


def main() -> None:
    port = free_port(8080)
    with tempfile.TemporaryDirectory() as folder:
        gateway = subprocess.Popen(
            [
                *(sys.executable, "-m", "hallgate", "run", "--hall", str(_HALL), "--state", f"{folder}/state"),
                *("--fake", "demo", "--speed", "60", "--port", str(port)),
            ],
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for_something_to_see(port)
            for name, language in (("page", "en"), ("page-zh", "zh-CN")):
                _shoot(f"http://127.0.0.1:{port}/", language, Path(folder, name), HERE / f"{name}.png")
        finally:
            gateway.terminate()
            gateway.wait(20)


def _shoot(url: str, language: str, profile: Path, target: Path) -> None:
    browser = subprocess.Popen(
        [
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *(f"--lang={language}", f"--accept-lang={language}", "--window-size=1280,900"),
            *(f"--user-data-dir={profile}", "--remote-debugging-port=0", url),
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        told = profile / "DevToolsActivePort"
        _until(lambda: told.exists() and len(told.read_text().split()) > 1)
        port = told.read_text().split()[0]
        pages = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=5))
        address = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
        with connect(address, max_size=None) as line:
            numbers = itertools.count()

            def ask(method: str, **params: Any) -> dict[str, Any]:
                number = next(numbers)
                line.send(json.dumps({"id": number, "method": method, "params": params}))
                while True:
                    answer = json.loads(line.recv(timeout=20))
                    if answer.get("id") == number:
                        result: dict[str, Any] = answer["result"]
                        return result

            ask("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
            _until(lambda: ask("Runtime.evaluate", expression=_IS_READY)["result"].get("value") is True)
            target.write_bytes(base64.b64decode(ask("Page.captureScreenshot", format="png")["data"]))
    finally:
        browser.terminate()
        browser.wait(20)


def _until(is_so: Any) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError("the page has nothing to show")
        time.sleep(0.1)


def _wait_for_something_to_see(port: int) -> None:
    """A hall with people in it and an alarm."""
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        time.sleep(0.5)
        try:
            hall, alarms = (
                json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/api/{what}", timeout=5))
                for what in ("hall", "alarms")
            )
        except (OSError, ValueError):
            continue
        if hall and hall.get("occupancy", 0) >= 8 and len(alarms) >= 2:
            return


if __name__ == "__main__":
    main()
