"""The folder of a trial: throw-away certificates, the two configurations, stores and logs.

Everything in it but a fetched Odoo is thrown away when the next trial begins there.
"""

import fcntl
import os
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..process import free_ports
from ..say import Trouble
from . import configuration
from .configuration import TOKEN, Ports
from .programs import Programs, environment
from .service import Service
from .target import Target

AGENT = "plant-a"
_MARK = ".millrace-trial"
_THROWN_AWAY = ["pki", "agent", "relay", "*.toml", "*.log", "*.pid", "*.token", "*.key", "*.jsonl"]


@dataclass(frozen=True)
class Trial:
    """A laid-out folder with its two services, not started."""

    home: Path
    programs: Programs
    ports: Ports
    target: Target
    relay: Service
    agent: Service

    def agent_command(self, arguments: str) -> str:
        """A command line of the agent's program, to be typed."""
        return f"{shlex.join([str(self.programs.agent), '-c', str(self.home / 'agent.toml')])} {arguments}"

    def start(self) -> None:
        """The relay first: it has the broker in it."""
        self.relay.start()
        self.agent.start()

    def stop(self) -> None:
        """The agent first, so that its last receipts find the relay."""
        self.agent.stop()
        self.relay.stop()


@contextmanager
def lay_out(
    home: Path, programs: Programs, open_target: Callable[[Path, Programs], AbstractContextManager[Target]],
    separate_link: bool = False,
) -> Iterator[Trial]:
    """A fresh trial in this folder, which is ours alone until the block ends; services and target end with it. With a
    separate link the agent dials a port of its own, for something that stands between it and the broker."""
    home = home.absolute()
    with _taken(home):
        relay = Service("relay", programs.relay, home / "relay.toml", home)
        agent = Service("agent", programs.agent, home / "agent.toml", home)
        for service in (agent, relay):
            service.end_leftover()
        _empty(home)
        with open_target(home, programs) as target:
            ports = _ports(separate_link)
            _write(home, programs, ports, target)
            trial = Trial(home, programs, ports, target, relay, agent)
            try:
                yield trial
            finally:
                trial.stop()


def _ports(separate_link: bool) -> Ports:
    broker, link, *sources = free_ports(6)
    return Ports(broker, link if separate_link else broker, *sources)


def _write(home: Path, programs: Programs, ports: Ports, target: Target) -> None:
    """Everything that the services read; each checks its own configuration."""
    _run([programs.relay, "pki", home / "pki", "--agent", AGENT])
    for name, secret in {TOKEN: secrets.token_hex(16), **target.secrets}.items():
        with open(os.open(home / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(f"{secret}\n")
    (home / "relay.toml").write_text(configuration.relay(ports, target.configuration))
    (home / "agent.toml").write_text(configuration.agent(AGENT, ports))
    _run([programs.relay, "-c", home / "relay.toml", "check"])
    _run([programs.agent, "-c", home / "agent.toml", "check"])


@contextmanager
def _taken(home: Path) -> Iterator[None]:
    """Makes the folder and holds it against other trials; the kernel lets go when we die. Refuses a folder with other
    things in it, because a trial begins by emptying it."""
    if home.exists() and any(home.iterdir()) and not (home / _MARK).exists():
        raise Trouble(f"{home} holds something other than a trial", "choose another folder or empty it")
    home.mkdir(parents=True, exist_ok=True)
    with (home / _MARK).open("w") as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Trouble(f"a trial runs in {home} already", "stop it, or choose another folder with --dir") from None
        yield


def _empty(home: Path) -> None:
    for pattern in _THROWN_AWAY:
        for path in home.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _run(command: list[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env=environment())
    if done.returncode != 0:
        raise Trouble(f"{shlex.join(map(str, command))} failed:\n{done.stderr.strip()}")
