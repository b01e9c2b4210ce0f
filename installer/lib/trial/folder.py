"""The folder of a trial: throw-away certificates, the two configurations, stores and logs.

Everything in it is thrown away when the next trial begins there.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .. import cache
from ..process import free_ports
from ..say import Trouble
from . import configuration
from .configuration import Ports
from .programs import Programs, environment
from .service import Service

AGENT = "plant-a"
_MARK = ".millrace-trial"


@dataclass(frozen=True)
class Trial:
    """A laid-out folder with its two services, not started."""

    home: Path
    programs: Programs
    ports: Ports
    relay: Service
    agent: Service

    def agent_command(self, arguments: str) -> str:
        """A command line of the agent's program, to be typed."""
        return f"{self.programs.agent} -c {self.home / 'agent.toml'} {arguments}"

    def start(self) -> None:
        """The relay first: it has the broker in it."""
        self.relay.start()
        self.agent.start()

    def stop(self) -> None:
        """The agent first, so that its last receipts find the relay."""
        self.agent.stop()
        self.relay.stop()


@contextmanager
def lay_out(home: Path, programs: Programs, target: str, separate_link: bool = False) -> Iterator[Trial]:
    """A fresh trial in this folder, which is ours alone until the block ends; its services end with it. `target` is the
    part of the relay's configuration that says where messages take effect, and for which plant."""
    home = home.absolute()
    _require_ours(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / _MARK).touch()
    with cache.lock(home / ".lock"):
        relay = Service("relay", programs.relay, home / "relay.toml", home)
        agent = Service("agent", programs.agent, home / "agent.toml", home)
        for service in (agent, relay):
            service.end_leftover()
        _empty(home)
        ports = _ports(separate_link)
        _run([programs.relay, "pki", home / "pki", "--agent", AGENT])
        (home / "relay.toml").write_text(configuration.relay(ports, target))
        (home / "agent.toml").write_text(configuration.agent(AGENT, ports))
        for program, name in ((programs.relay, "relay.toml"), (programs.agent, "agent.toml")):
            _run([program, "-c", home / name, "check"])
        trial = Trial(home, programs, ports, relay, agent)
        try:
            yield trial
        finally:
            trial.stop()


def _ports(separate_link: bool) -> Ports:
    broker, link, *sources = free_ports(5)
    return Ports(broker, link if separate_link else broker, *sources)


def _require_ours(home: Path) -> None:
    """Refuses a folder with other things in it, because a trial begins by emptying it."""
    if home.exists() and any(home.iterdir()) and not (home / _MARK).exists():
        raise Trouble(f"{home} holds something other than a trial", "choose another folder or empty it")


def _empty(home: Path) -> None:
    for name in ("pki", "agent", "relay"):
        shutil.rmtree(home / name, ignore_errors=True)
    for pattern in ("*.toml", "*.log", "*.pid"):
        for path in home.glob(pattern):
            path.unlink()


def _run(command: list[object]) -> None:
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, env=environment())
    if done.returncode != 0:
        raise Trouble(f"{' '.join(map(str, command))} failed:\n{done.stderr.strip()}")
