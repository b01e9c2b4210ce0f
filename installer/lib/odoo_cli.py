"""The command `installer/odoo`: reads what a person or a test asks for and hands it to the room that does it."""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from . import addon_tests, cache, databases, selftest, software, template
from .instance import Instance
from .say import Trouble
from .server import spare_ports

_REPOSITORY = Path(__file__).resolve().parent.parent.parent
_OUR_ADDONS = _REPOSITORY / "relay/odoo-addon"
_EPILOG = """\
exit codes: 0 done; 1 it did not work, and the message says what to do next; 2 the command line is wrong.
Files: the cache ($MILLRACE_CACHE, else /var/cache/millrace for root and ~/.cache/millrace for others) keeps downloads
and templates; the folder given with --dir keeps one instance, and odoo.json in it says where its servers are.
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and gives its exit code."""
    given = _parser().parse_args(arguments)
    try:
        return given.run(given) or 0
    except Trouble as trouble:
        print(f"installer/odoo: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("installer/odoo: stopped; what was fetched and built so far is kept", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="installer/odoo", description="A real Odoo 19 with PostgreSQL and a manufacturing database, in a folder.",
        epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int | None], text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        return made

    fetch = command("fetch", _fetch, "fetch the programs (PostgreSQL, mosquitto, Odoo 19); nothing is installed")
    fetch.add_argument("--refresh", action="store_true", help="ask the archives for what is there now")
    fetch.add_argument("--json", action="store_true", help="print where the programs are")
    _addons(command("template", _template, "make the template database, unless the cache has it"))
    start = command("start", _start, "start the instance in a folder, or what of it does not run")
    _addons(_directory(start))
    start.add_argument("--workers", type=int, default=2, help="HTTP workers of Odoo (2)")
    start.add_argument("--port", type=int, help="HTTP port of a new instance (a free one)")
    start.add_argument("--fresh", action="store_true", help="delete what is in the folder first")
    start.add_argument("--durable", action="store_true", help="PostgreSQL flushes each commit to disk, for measuring")
    start.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="an option for odoo.conf")
    _directory(command("stop", _stop, "stop an instance; its data stays"))
    _directory(command("remove", _remove, "stop an instance and delete its folder"))
    _directory(command("status", _status, "print odoo.json and what runs now, as JSON"))
    clone = _directory(command("clone", _clone, "make a database and print its name"))
    clone.add_argument("name", nargs="?", help="a name never used before in this instance (random)")
    clone.add_argument("--from", dest="source", metavar="NAME", help="copy this database instead of the template")
    _directory(command("drop", _drop, "drop a database")).add_argument("name")
    key = _directory(command("key", _key, "make an API key for a user and print it"))
    key.add_argument("database")
    key.add_argument("login")
    key.add_argument("--days", type=int, help="days that it is valid (for good)")
    shell = _directory(command("shell", _shell, "Odoo's Python shell on a database; reads standard input in a pipe"))
    shell.add_argument("database")
    _directory(command("psql", _psql, "psql on a database")).add_argument("rest", nargs=argparse.REMAINDER)
    run = _directory(command("run", _run, "Odoo's own command line with this configuration, after --"))
    run.add_argument("rest", nargs=argparse.REMAINDER)
    _addons(_directory(command("test", _test, "run the addons' own tests inside Odoo, in a database made for that")))
    _addons(command("selftest", _selftest, "start a new instance, read an order through JSON-2, and remove it"))
    return parser


def _directory(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    default = cache.root() / "instances" / f"{_REPOSITORY.name}-{cache.digest(str(_REPOSITORY))[:6]}"
    parser.add_argument("--dir", type=Path, default=default, help=f"the instance's folder ({default})")
    return parser


def _addons(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--addons", type=Path, action="append", metavar="PATH",
                        help="a folder of addons to install (relay/odoo-addon of this repository); may be repeated")
    return parser


def _addon_folders(given: argparse.Namespace) -> list[Path]:
    if given.addons is None:
        return [_OUR_ADDONS] if _OUR_ADDONS.is_dir() else []
    for each in given.addons:
        if not template.addon_names([each]):
            raise Trouble(f"{each} has no addons", "name the folder that holds the addon's folder")
    return [each.absolute() for each in given.addons]


def _fetch(given: argparse.Namespace) -> None:
    found = software.fetch(given.refresh)
    print(json.dumps(found.describe(), indent=1) if given.json else f"Odoo {found.odoo_version} is in {found.home}")


def _template(given: argparse.Namespace) -> None:
    made = template.ensure(software.fetch(), _addon_folders(given))
    print(f"template {made.key}; its records: {made.seed}")


def _instance(given: argparse.Namespace) -> Instance:
    return Instance(software.fetch(), given.dir)


def _start(given: argparse.Namespace) -> None:
    instance = Instance(software.fetch(), given.dir, given.durable)
    if given.fresh:
        instance.remove()
    options = {}
    for each in given.set:
        name, equals, value = each.partition("=")
        if not equals:
            raise Trouble(f"'{each}' is not NAME=VALUE", "give options as in --set limit_time_real=5")
        options[name] = value
    state = instance.start(_addon_folders(given), given.workers, given.port, options)
    print(f"{state.url}  ({instance.home}/odoo.json)")


def _stop(given: argparse.Namespace) -> None:
    _instance(given).stop()


def _remove(given: argparse.Namespace) -> None:
    _instance(given).remove()


def _status(given: argparse.Namespace) -> None:
    print(json.dumps(_instance(given).status(), indent=1))


def _clone(given: argparse.Namespace) -> None:
    print(databases.clone(_instance(given), given.name, given.source))


def _drop(given: argparse.Namespace) -> None:
    databases.drop(_instance(given), given.name)


def _key(given: argparse.Namespace) -> None:
    print(databases.key(_instance(given), given.database, given.login, given.days))


def _shell(given: argparse.Namespace) -> int:
    return _instance(given).server.run(["shell", "-d", databases.checked(given.database), "--no-http"])


def _psql(given: argparse.Namespace) -> int:
    state = _instance(given).state()
    command = [state.psql, "-h", state.socket_directory, "-U", state.postgres_user, *_after_dashes(given.rest)]
    return subprocess.run(command).returncode


def _run(given: argparse.Namespace) -> int:
    return _instance(given).server.run([*_after_dashes(given.rest), *spare_ports()])


def _after_dashes(rest: list[str]) -> list[str]:
    return rest[1:] if rest[:1] == ["--"] else rest


def _test(given: argparse.Namespace) -> None:
    instance = _instance(given)
    instance.start(_addon_folders(given), workers=2, port=None, options={})
    addon_tests.run(instance, _addon_folders(given))


def _selftest(given: argparse.Namespace) -> None:
    selftest.run(software.fetch(), _addon_folders(given))
