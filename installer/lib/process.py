"""Processes by number and time of birth, so that a number which the kernel has given to a stranger is never signalled,
and waiting with a limit."""

import os
import random
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .say import Trouble

_PORTS = range(20_000, 32_000)  # below what the kernel gives to outgoing connections, so a restart finds its port free
_TRIES = 200


@dataclass(frozen=True)
class Process:
    """A process; `born` is its start in clock ticks since boot (proc(5), stat field 22)."""

    pid: int
    born: int

    @classmethod
    def of(cls, pid: int) -> "Process | None":
        """The living process with this number, if there is one."""
        fields = _stat(pid)
        return cls(pid, int(fields[19])) if fields and fields[0] != "Z" else None

    def alive(self) -> bool:
        return Process.of(self.pid) == self

    def send(self, what: signal.Signals) -> None:
        if self.alive():
            with suppress(ProcessLookupError):
                os.kill(self.pid, what)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command's name, from the state on; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def in_session(leader: int) -> list[Process]:
    """All living processes of the session that `leader` opened, the leader included, even if it has died."""
    numbers = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]
    members = [pid for pid in numbers if (fields := _stat(pid)) and fields[3] == str(leader)]
    return [process for pid in sorted(members) if (process := Process.of(pid))]


def command_line(pid: int) -> str:
    """The command that a process was started with, for people and for telling workers apart."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def end(processes: list[Process], patience_seconds: float) -> None:
    """Asks politely, waits, then insists."""
    for process in processes:
        process.send(signal.SIGTERM)
    if not wait_until(lambda: not any(each.alive() for each in processes), patience_seconds):
        for process in processes:
            process.send(signal.SIGKILL)
        wait_until(lambda: not any(each.alive() for each in processes), patience_seconds)


def wait_until(condition: Callable[[], bool], limit_seconds: float) -> bool:
    """Looks again every twentieth of a second until the condition holds or the limit has passed."""
    until = time.monotonic() + limit_seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def free_ports(count: int) -> list[int]:
    """Ports on the loopback that nothing listens on now."""
    found: list[int] = []
    for port in random.sample(_PORTS, _TRIES):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise Trouble("no free port between 20000 and 32000", "stop what listens there")
