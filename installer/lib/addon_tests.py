"""Runs the tests that addons bring with them, inside Odoo, in a database made for that."""

import re
from pathlib import Path

from . import databases
from .instance import Instance
from .say import Trouble, line, step
from .server import spare_ports
from .template import addon_names

_DONE = re.compile(r" (\d+) (?:post-)?tests in ")
_WRONG = re.compile(r" (?:FAIL|ERROR): .*")


def run(instance: Instance, addons: list[Path]) -> None:
    """Raises `Trouble` if a test fails, or if there was none. The instance must run."""
    names = [name for _, name in addon_names(addons)]
    log = instance.home / "addon-tests.log"
    log.unlink(missing_ok=True)
    database = databases.clone(instance, None, None)
    try:
        with step(f"running the tests of {', '.join(names)} inside Odoo"):
            code, _ = instance.server.run_quietly([
                "--database", database, "--update", ",".join(names), "--test-tags", ",".join(f"/{name}" for name in names),
                "--stop-after-init", "--logfile", str(log), *spare_ports(),
            ])
    finally:
        databases.drop(instance, database)
    told = log.read_text(errors="replace") if log.exists() else ""
    tests = sum(map(int, _DONE.findall(told)))
    wrong = sorted({each.group().strip() for each in _WRONG.finditer(told)})
    if code != 0 or wrong:
        raise Trouble("\n".join(["the tests did not pass:", *wrong]), f"read {log}")
    if not tests:
        raise Trouble(f"{', '.join(names)} brought no tests, or Odoo ran none", f"read {log}")
    line(f"{tests} tests passed")
