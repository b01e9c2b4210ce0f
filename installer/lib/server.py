"""Odoo over one PostgreSQL: its configuration, its server process, and its command line for everything else."""

import configparser
import http.client
import subprocess
from pathlib import Path
from typing import Any

from . import account
from .postgres import PORT, ROLE, Cluster
from .process import Process, command_line, end, free_ports, in_session, wait_until
from .say import Trouble
from .software import Software

_START_SECONDS = 90
_STOP_SECONDS = 15
_RUN_SECONDS = 900


class Server:
    """Odoo with its files in `home`. It serves every database of the cluster: the request names one in its
    X-Odoo-Database header."""

    def __init__(self, software: Software, cluster: Cluster) -> None:
        self._software, self._cluster = software, cluster
        self.home = cluster.home
        self.log = self.home / "odoo.log"
        self.configuration = self.home / "odoo.conf"

    def configure(self, addons: list[Path], http: int, gevent: int, workers: int, extra: dict[str, str]) -> None:
        """Writes Odoo's configuration file. Scheduled jobs are off: nothing moves that was not asked to."""
        options = {
            "addons_path": ",".join(map(str, [*self._software.addons, *addons])),
            "data_dir": str(self.home / "data"),
            "db_host": str(self.home),
            "db_port": str(PORT),
            "db_user": ROLE,
            "http_interface": "127.0.0.1",
            "http_port": str(http),
            "gevent_port": str(gevent),
            "workers": str(workers),
            "max_cron_threads": "0",
            "without_demo": "True",
        }
        written = configparser.RawConfigParser()
        written["options"] = options | extra
        with self.configuration.open("w") as file:
            written.write(file)
        account.own(self.configuration)

    def start(self, port: int) -> Process:
        """Starts the server in a session of its own and waits until it answers."""
        with self.log.open("ab") as log:
            child = account.spawn(self._command([]), stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._place())
        process = Process.of(child.pid)
        answers = wait_until(lambda: child.poll() is not None or _answers(port), _START_SECONDS)
        if process is None or not answers or child.poll() is not None:
            self.stop(child.pid)
            raise Trouble(f"Odoo did not answer on port {port}", f"read {self.log}")
        return process

    def stop(self, leader: int) -> None:
        """Ends the server, and whatever it left behind if it was killed."""
        own = [each for each in in_session(leader) if str(self.configuration) in command_line(each.pid)]
        main = [each for each in own if each.pid == leader]
        end(main, _STOP_SECONDS)
        end(own, _STOP_SECONDS)

    def workers(self, leader: int) -> list[dict[str, int | str]]:
        """The processes beside the main one: `http` workers and the `gevent` one."""
        return [
            {"pid": each.pid, "kind": "gevent" if " gevent " in command_line(each.pid) else "http"}
            for each in in_session(leader) if each.pid != leader
        ]

    def run(self, arguments: list[str]) -> int:
        """Runs Odoo's command line with this configuration, before a person's eyes, and gives its exit code."""
        return account.run(self._command(arguments), **self._place()).returncode

    def run_quietly(self, arguments: list[str], stdin: str = "") -> tuple[int, str]:
        """Runs Odoo's command line for the installer; gives the exit code and standard output. The rest is logged."""
        with self.log.open("ab") as log:
            done = account.run(self._command(arguments), input=stdin.encode(), stdout=subprocess.PIPE, stderr=log,
                               timeout=_RUN_SECONDS, **self._place())
        return done.returncode, done.stdout.decode(errors="replace")

    def shell(self, database: str, script: str) -> tuple[int, str]:
        """Runs Python lines in Odoo's shell on a database; gives the exit code and what they printed."""
        return self.run_quietly(["shell", "-d", database, "--no-http"], script)

    def _place(self) -> dict[str, Any]:
        return {"env": self._software.environment(self.home), "cwd": self.home}

    def _command(self, arguments: list[str]) -> list[str]:
        words = [str(self._software.python), str(self._software.odoo)]
        if arguments and not arguments[0].startswith("-"):
            words.append(arguments[0])
            arguments = arguments[1:]
        return [*words, "--config", str(self.configuration), *arguments]


def spare_ports() -> list[str]:
    """Options that keep a second Odoo command beside a running server off its ports."""
    http, gevent = free_ports(2)
    return ["--http-port", str(http), "--gevent-port", str(gevent)]


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/web/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

