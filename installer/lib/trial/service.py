"""A relay or an agent that we started: ready when it says so, ended within a bound, killed when a story wants it."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..process import Process, end
from ..say import Trouble
from .programs import environment

_READY_SECONDS = 30.0
_END_SECONDS = 8.0  # the services give themselves 5
_LAST_LINES = 15


class Service:
    """`program -c configuration run`. It has its own process group, so that Ctrl-C reaches us alone and we end the
    services in their order; the note beside its log names the process, so that the next start ends what a killed one
    of us left."""

    def __init__(self, name: str, program: Path, configuration: Path, folder: Path) -> None:
        self.name, self.log, self.note = name, folder / f"{name}.log", folder / f"{name}.pid"
        self._command = [str(program), "-c", str(configuration), "run"]
        self._running: subprocess.Popen[bytes] | None = None
        self._shown = 0

    def start(self) -> None:
        """Starts it and waits until it is ready."""
        with _ready_socket() as (address, ready), self.log.open("ab") as log:
            self._running = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0,
                env={**environment(), "NOTIFY_SOCKET": address},
            )
            self._remember(self._running.pid)
            until = time.monotonic() + _READY_SECONDS
            while not _says_ready(ready):
                if self._running.poll() is not None:
                    raise Trouble(f"the {self.name} ended at its start:\n{self.last_words()}", f"read {self.log}")
                if time.monotonic() > until:
                    raise Trouble(f"the {self.name} was not ready after {_READY_SECONDS:.0f} s", f"read {self.log}")

    def kill(self) -> None:
        """SIGKILL: it gets no chance to tidy up."""
        if self._running:
            self._running.send_signal(signal.SIGKILL)
            self._running.wait()

    def stop(self) -> int | None:
        """Asks it to end, waits, then insists. Gives its exit code; none where it did not run."""
        if not self._running:
            return None
        self._running.send_signal(signal.SIGTERM)
        try:
            return self._running.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._running.returncode

    def ended(self) -> bool:
        """Whether it was started and runs no more."""
        return self._running is not None and self._running.poll() is not None

    def was_killed(self) -> bool:
        """Whether it ended because someone sent SIGKILL."""
        return self._running is not None and self._running.poll() == -signal.SIGKILL

    def end_leftover(self) -> None:
        """Ends the one that an earlier, killed starter left running."""
        try:
            pid, born = map(int, self.note.read_text().split())
        except (FileNotFoundError, ValueError):
            return
        end([Process(pid, born)], _END_SECONDS)

    def fresh_lines(self) -> list[str]:
        """The lines that the log has gained since the last call."""
        with self.log.open("rb") as log:
            log.seek(self._shown)
            text = log.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._shown += len(whole)
        return whole.decode(errors="replace").splitlines()

    def last_words(self) -> str:
        """The end of its log, indented."""
        lines = self.log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        return "\n".join(f"    {each}" for each in lines)

    def _remember(self, pid: int) -> None:
        process = Process.of(pid)
        self.note.write_text(f"{pid} {process.born if process else 0}\n")


@contextmanager
def _ready_socket() -> Iterator[tuple[str, socket.socket]]:
    """Where a service says READY=1 (sd_notify(3)). In a short path of its own, because a socket's path is limited."""
    folder = tempfile.mkdtemp(prefix="millrace-")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            address = os.path.join(folder, "ready")
            ready.bind(address)
            ready.settimeout(0.1)
            yield address, ready
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _says_ready(ready: socket.socket) -> bool:
    try:
        return b"READY=1" in ready.recv(4096).split(b"\n")
    except TimeoutError:
        return False
