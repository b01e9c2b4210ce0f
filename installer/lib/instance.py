"""One running Odoo in one folder: PostgreSQL, Odoo, and `odoo.json`, which tells other programs where they are.

The folder is made from the template once and then kept: `start` brings up whatever is not running, with the same ports
and data, also after a process was killed. Many instances run side by side.
"""

import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from . import account, cache, template
from .postgres import PORT, ROLE, Cluster
from .process import Process, free_ports
from .say import Trouble, line, step
from .server import Server
from .software import Software

_FORMAT = 1


@dataclass(frozen=True)
class State:
    """`odoo.json`. Process numbers are those of the last start; ask `status` whether they live."""

    format: int
    url: str
    http_port: int
    gevent_port: int
    workers: int
    socket_directory: str
    postgres_port: int
    postgres_user: str
    template_database: str
    template_key: str
    seed: str
    odoo_version: str
    psql: str
    addons: list[str]
    options: dict[str, str]
    odoo_pid: int
    odoo_born: int
    postgres_pid: int


class Instance:
    """The Odoo in the folder `home`."""

    def __init__(self, software: Software, home: Path, durable: bool = False) -> None:
        self._software, self.home = software, home.absolute()
        self.cluster = Cluster(software, self.home, durable)
        self.server = Server(software, self.cluster)
        self._note = self.home / "odoo.json"
        self._lock = self.home / ".lock"

    def state(self) -> State:
        """What `odoo.json` says."""
        try:
            return State(**json.loads(self._note.read_text()))
        except FileNotFoundError:
            raise Trouble(f"there is no Odoo in {self.home}", f"installer/odoo start --dir {self.home}") from None

    def start(self, addons: list[Path], workers: int, port: int | None, options: dict[str, str]) -> State:
        """Brings up what does not run. A new folder gets its data from the template; an old one keeps what it has."""
        self._require_ours()
        account.folder(self.home)
        with cache.lock(self._lock):
            state = self._existing(addons) or self._fresh(addons, port)
            state = replace(state, postgres_pid=self.cluster.start().pid)
            if self._odoo(state):
                line(f"Odoo runs on {state.url} already; its options change when it is stopped and started")
            else:
                state = self._start_odoo(state, addons, workers, options)
            self._write(state)
        return state

    def _start_odoo(self, state: State, addons: list[Path], workers: int, options: dict[str, str]) -> State:
        readable = self._readable(addons)
        self.server.stop(state.odoo_pid)  # workers that outlived a killed main process hold the port
        self.server.configure(readable, state.http_port, state.gevent_port, workers, options)
        with step(f"starting Odoo on {state.url}"):
            running = self.server.start(state.http_port)
        return replace(state, workers=workers, addons=[str(each) for each in readable], options=options,
                       odoo_pid=running.pid, odoo_born=running.born)

    def _require_ours(self) -> None:
        """Refuses a folder with other things in it: starting changes its owner, and removing deletes it."""
        if self.home.exists() and any(self.home.iterdir()) and not self._lock.exists():
            raise Trouble(f"{self.home} holds something other than an Odoo", "choose another folder or empty it")

    def _existing(self, addons: list[Path]) -> State | None:
        if not self._note.exists():
            return None
        state = self.state()
        if state.template_key != template.current_key(self._software, addons):
            line(f"{self.home} was made from an older template; `start --fresh` makes it anew, without its databases")
        return state

    def _fresh(self, addons: list[Path], port: int | None) -> State:
        made = template.ensure(self._software, addons)
        template.lay_out(made, self.home)
        http, gevent = free_ports(2)
        http = port or http
        return State(
            format=_FORMAT, url=f"http://127.0.0.1:{http}", http_port=http, gevent_port=gevent, workers=0,
            socket_directory=str(self.home), postgres_port=PORT, postgres_user=ROLE,
            template_database=template.DATABASE, template_key=made.key, seed=str(self.home / "seed.json"),
            odoo_version=self._software.odoo_version, psql=str(self._software.psql), addons=[], options={},
            odoo_pid=0, odoo_born=0, postgres_pid=0,
        )

    def _readable(self, addons: list[Path]) -> list[Path]:
        """The folders of addons, or copies of those that the servers' account cannot reach."""
        result = []
        for number, folder in enumerate(addons):
            if account.reaches(folder):
                result.append(folder)
                continue
            copied = self.home / f"addons-{number}"
            shutil.rmtree(copied, ignore_errors=True)
            shutil.copytree(folder, copied)
            account.own(copied)
            result.append(copied)
        return result

    def _odoo(self, state: State) -> Process | None:
        process = Process(state.odoo_pid, state.odoo_born)
        return process if process.alive() else None

    def _write(self, state: State) -> None:
        unfinished = self._note.with_suffix(".json.unfinished")
        unfinished.write_text(json.dumps(asdict(state), indent=1) + "\n")
        unfinished.rename(self._note)

    def stop(self) -> None:
        """Ends Odoo, then PostgreSQL. The data stays."""
        state = self.state()
        with cache.lock(self._lock):
            self.server.stop(state.odoo_pid)
            self.cluster.stop()

    def remove(self) -> None:
        """Ends the servers and deletes the folder. Refuses a folder that is not such an instance."""
        self._require_ours()
        if self._note.exists():
            self.stop()
        if self.home.exists():
            shutil.rmtree(self.home)

    def status(self) -> dict[str, object]:
        """`odoo.json` and what lives now."""
        state = self.state()
        postgres = self.cluster.process()
        odoo = self._odoo(state)
        return asdict(state) | {
            "postgres_running": postgres is not None,
            "postgres_pid": postgres.pid if postgres else None,
            "odoo_running": odoo is not None,
            "odoo_pid": odoo.pid if odoo else None,
            "odoo_workers": self.server.workers(state.odoo_pid) if odoo else [],
            "databases": self.cluster.databases() if postgres else [],
        }
