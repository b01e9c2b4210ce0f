"""A PostgreSQL of one's own: a data folder, a server that listens on a Unix socket only, and the few commands on
databases that are needed. Whoever can enter the folder may log in, and nobody else can."""

import shlex
import subprocess
from pathlib import Path

from . import account
from .process import Process, wait_until
from .say import Trouble
from .software import Software

ROLE = "odoo"
PORT = 5432  # names the socket's file; no TCP port is opened
_START_SECONDS = 60
_STOP_SECONDS = 30
_SOCKET_PATH_LIMIT = 107  # unix(7): sun_path
_SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    "min_wal_size": "32MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Cluster:
    """PostgreSQL over `home`/cluster, with its socket and log in `home`.

    Unless `durable`, it leaves flushing to the kernel. That loses nothing when a process is killed, only when the
    machine is, and these databases are thrown away; it makes cloning and dropping them many times quicker.
    """

    def __init__(self, software: Software, home: Path, durable: bool = False) -> None:
        self._software, self.home = software, home
        self._settings = _SETTINGS | {"fsync": "on" if durable else "off"}
        self.data = home / "cluster"
        self.log = home / "postgres.log"

    def create(self) -> None:
        """Makes an empty cluster whose owner is the role that Odoo uses."""
        self._run("initdb", "--pgdata", str(self.data), "--username", ROLE, "--auth=trust", "--no-sync",
                  "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions")

    def process(self) -> Process | None:
        """The server, if it runs."""
        try:
            first = (self.data / "postmaster.pid").read_text().splitlines()[0]
        except (FileNotFoundError, IndexError):
            return None
        found = Process.of(int(first))
        try:
            ours = found is not None and Path(f"/proc/{first}/cwd").resolve() == self.data.resolve()
        except OSError:
            return None
        return found if ours else None

    def start(self) -> Process:
        """Starts the server, also after it was killed: its children may then hold the shared memory for a moment, and
        the start is tried again until they are gone."""
        if running := self.process():
            return running
        socket = self.home / f".s.PGSQL.{PORT}"
        if len(str(socket)) > _SOCKET_PATH_LIMIT:
            raise Trouble(f"the path {self.home} is too long for a Unix socket", "choose a shorter folder")
        if not wait_until(self._try_to_start, _START_SECONDS):
            raise Trouble(f"PostgreSQL did not start within {_START_SECONDS} s", f"read {self.log}")
        process = self.process()
        if process is None:
            raise Trouble("PostgreSQL stopped right after its start", f"read {self.log}")
        return process

    def _try_to_start(self) -> bool:
        settings = " ".join(f"-c {name}={value}" for name, value in self._settings.items())
        command = self._command("pg_ctl", "start", "--wait", "--silent", "--pgdata", str(self.data), "--log",
                                str(self.log), "--options", f"-k {shlex.quote(str(self.home))} {settings}")
        return self._execute(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def stop(self) -> None:
        """Stops the server and closes what is connected to it."""
        if self.process():
            self._run("pg_ctl", "stop", "--wait", "--silent", "--pgdata", str(self.data), "--mode=fast",
                      f"--timeout={_STOP_SECONDS}")

    def sql(self, statement: str, database: str = "postgres") -> list[str]:
        """Runs one statement by itself; gives its rows as lines, columns parted by tabs."""
        options = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--field-separator=\t",
                   "--set=ON_ERROR_STOP=1", "--host", str(self.home), "--username", ROLE, "--dbname", database]
        return self._run("psql", *options, "--command", statement).splitlines()

    def databases(self) -> list[str]:
        """The names of the databases that were made, templates left out."""
        return self.sql("SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1")

    def copy_database(self, source: str, target: str) -> None:
        """Copies a database. Nobody may be connected to the source, so those who are get disconnected."""
        self.disconnect(source)
        self._run("createdb", "--host", str(self.home), "--username", ROLE, "--template", source, target)
        # A copied sequence hands out numbers that are not in the log until the next checkpoint: after a crash before it
        # they would be handed out again.
        self.sql("CHECKPOINT")

    def disconnect(self, database: str) -> None:
        """Closes all connections to a database."""
        self.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {literal(database)}")

    def drop_database(self, name: str) -> None:
        """Drops a database, whoever is connected."""
        self._run("dropdb", "--host", str(self.home), "--username", ROLE, "--force", name)

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [str(self._software.postgres(program)), *arguments]

    def _execute(self, command: list[str], **streams: int) -> subprocess.CompletedProcess[str]:
        environment = self._software.environment(self.home)
        return account.run(command, env=environment, cwd=self.home, stdin=subprocess.DEVNULL, text=True, **streams)

    def _run(self, program: str, *arguments: str) -> str:
        done = self._execute(self._command(program, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise Trouble(f"{program} failed: {done.stderr.strip() or done.stdout.strip()}", f"read {self.log}")
        return done.stdout


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
