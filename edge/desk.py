"""What the page and the verbs see of a running gateway: its present, how it is, and somebody to ask."""

from typing import Any, Protocol

from edge.present import Present
from mqtt.messages import Done


class Desk(Protocol):
    """Thread-safe; ``edge.agent`` is one."""

    present: Present

    def status(self) -> dict[str, Any]:
        """How the gateway itself is, JSON-able.

        ``branch`` ``type`` ``version`` ``journal`` ``boot``  words.
        ``name``           ``{"zh", "en"}``.
        ``capacity``       people at once; ``counters``: how many the hall has.
        ``crowd_warn``     share of the capacity from which it is nearly full.
        ``since``          RFC 3339, when it was started.
        ``clock``          ``"synced"`` or ``"unsynced"``.
        ``wall``           RFC 3339, the hall's own time now; ``timezone``: the IANA name to show it in.
        ``simulated``      whether the hall is made up; ``speed``: how many times faster its time runs then.
        ``uplink``         ``{"address": str | None, "connected": bool, "waiting": rows, "refused": rows}``.
        ``inbox_dropped``  readings dropped because nobody took them.
        ``alive``          whether every thread makes progress.
        """

    def ask(self, name: str, args: dict[str, Any], by: str) -> Done:
        """Have a command carried out, and wait until it is on the disk. Raises TimeoutError."""
