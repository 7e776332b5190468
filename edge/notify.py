"""What the board's init wants to hear: ready, alive, stopping (sd_notify(3)); silent where nobody listens."""

import os
import socket


def notify(message: str) -> None:
    """Tell systemd ``READY=1``, ``WATCHDOG=1``, ``STOPPING=1`` or ``STATUS=…``."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.connect("\0" + address[1:] if address.startswith("@") else address)
        sock.sendall(message.encode())


def watchdog_every() -> float | None:
    """Seconds between two signs of life, half of what systemd allows; None without a watchdog."""
    allowed = os.environ.get("WATCHDOG_USEC")
    return int(allowed) / 2e6 if allowed else None
