"""The broker inside ``hallgate demo``: amqtt in a thread of its own, on loopback, for nothing but showing.

It speaks MQTT 3.1.1 and keeps nothing; a branch's real broker stands at the centre (``docs/decisions/005-demo-broker.md``).
"""

import asyncio
import logging
import socket
import threading
from typing import Any


class BrokerUnavailable(Exception):
    """amqtt is not installed, or the port is taken."""


class DemoBroker:
    """``start`` returns when clients can connect; ``stop`` when the port is free again."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="demo broker", daemon=True)

    def start(self) -> None:
        """Raises BrokerUnavailable."""
        self._thread.start()
        self._ready.wait(20)
        if self._failure is not None or not self._ready.is_set():
            raise BrokerUnavailable(str(self._failure or "the broker did not start")) from self._failure

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            broker = self._build()
            self._loop.run_until_complete(broker.start())
        # Whatever keeps it from starting is told by start(), in the thread that asked.
        except Exception as error:  # noqa: BLE001
            self._failure = error
            self._ready.set()
            return
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._shut(broker))
        self._loop.close()

    async def _shut(self, broker: Any) -> None:
        await broker.shutdown()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.sleep(0)  # a connection that was closed ends in the next round

    def _build(self) -> Any:
        # Its log is about its clients; what the demo's reader wants is about the hall.
        logging.getLogger("amqtt").setLevel(logging.CRITICAL)
        logging.getLogger("transitions").setLevel(logging.CRITICAL)
        from amqtt.broker import Broker

        class Tidy(Broker):  # type: ignore[misc]  # amqtt publishes no types
            """Closes the connections that amqtt forgets: those that it refused."""

            async def stream_connected(self, reader: Any, writer: Any, listener_name: str) -> None:
                try:
                    await super().stream_connected(reader, writer, listener_name)
                finally:
                    writer.close()

        return Tidy(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}", "max_connections": 50}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            },
            self._loop,
        )


def free_port(wanted: int) -> int:
    """``wanted`` if nobody listens there on loopback, else any that is free."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise BrokerUnavailable("no free port on loopback")
