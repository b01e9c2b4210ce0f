"""The line between plant and centre, as a TCP proxy that can be broken and silenced."""

import asyncio
import socket
import struct
import threading
from contextlib import suppress

_READ_BYTES = 16 * 1024
_END_SECONDS = 5.0
_RESET = struct.pack("ii", 1, 0)  # linger for no time at all: the other side is told so by RST, not FIN


class Cutter:
    """Forwards a loopback port to another until it is cut. Runs in a thread of its own; call it from any other."""

    def __init__(self, listen: int, target: int) -> None:
        self._listen, self._target = listen, target
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._refuses = False
        self._open: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="link", daemon=True)

    def start(self) -> None:
        """Begins to forward."""
        self._thread.start()
        self._flows.set()
        serve = asyncio.start_server(self._serve, "127.0.0.1", self._listen)
        self._server = asyncio.run_coroutine_threadsafe(serve, self._loop).result(10)

    def stop(self) -> None:
        """Ends every connection and the thread."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def break_off(self) -> None:
        """Resets every connection and refuses new ones. What was under way is gone, half a frame too."""
        self._loop.call_soon_threadsafe(self._break_off)

    def silence(self) -> None:
        """Keeps every connection and lets nothing through, as a line does whose cable was pulled."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def join(self) -> None:
        """Forwards again; what was held back comes through."""
        self._loop.call_soon_threadsafe(self._join)

    async def _end(self) -> None:
        self._break_off()
        if self._server:
            self._server.close()
        self._flows.set()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=_END_SECONDS)

    def _break_off(self) -> None:
        self._refuses = True
        for writer in self._open:
            _reset(writer)

    def _join(self) -> None:
        self._refuses = False
        self._flows.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            _reset(writer)
            return
        try:
            beyond, onward = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # the broker is down
            _reset(writer)
            return
        self._open |= {writer, onward}
        await asyncio.gather(self._pump(reader, onward), self._pump(beyond, writer))
        self._open -= {writer, onward}

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """One direction, until either end closes; then both are closed."""
        with suppress(OSError):
            while piece := await source.read(_READ_BYTES):
                await self._flows.wait()
                sink.write(piece)
                await sink.drain()
            await self._flows.wait()  # an end is no faster than what came before it
        sink.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection as a line does that breaks: what was not sent yet is gone."""
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
