"""Where the messages of a trial take effect: the shadow, or a real Odoo with two demonstration plants."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import databases, software, template
from ..instance import Instance, State
from ..json2 import json2
from ..say import step
from . import configuration
from .lines import DEMONSTRATION, Codes
from .programs import Programs, environment

_ADDONS = [Path(__file__).resolve().parents[3] / "relay/odoo-addon"]
_WORKERS = 2
_INBOX = "/odoo/action-millrace.millrace_inbox_action"
_BOT_KEY = "bot.key"


@dataclass(frozen=True)
class Target:
    """A target, ready to be posted to."""

    configuration: str  # its part of relay.toml
    secrets: dict[str, str]  # what that part names, by file
    codes: Codes
    about: str  # for people


@contextmanager
def shadow(_: Path, __: Programs) -> Iterator[Target]:
    """Records what would be posted, and posts nothing."""
    about = "The relay has no Odoo: it records in relay/shadow.sqlite what it would post."
    yield Target(configuration.SHADOW, {}, DEMONSTRATION, about)


@contextmanager
def odoo(home: Path, programs: Programs) -> Iterator[Target]:
    """A real Odoo 19 in the trial's folder with a new database. It is stopped when the block ends; what was fetched is
    kept."""
    instance = Instance(software.fetch(), home / "odoo")
    if (instance.home / "odoo.json").exists() and not _is_current(instance):
        instance.remove()
    try:
        state = instance.start(_ADDONS, _WORKERS, port=None, options={})
        with step("making a database with orders, lots and stock"):
            for name in instance.cluster.databases():
                if name != template.DATABASE:
                    databases.drop(instance, name)
            database = databases.clone(instance, None, None)
        seed = json.loads(Path(state.seed).read_text())
        _allow(state, database, seed, programs)
        yield _target(state, database, seed["plants"]["A"])
    finally:
        if (instance.home / "odoo.json").exists():
            with step("stopping Odoo"):
                instance.stop()


def _is_current(instance: Instance) -> bool:
    """Whether the folder was made from the addon and the seed as they are now."""
    return instance.state().template_key == template.current_key(software.fetch(), _ADDONS)


def _allow(state: State, database: str, seed: dict[str, Any], programs: Programs) -> None:
    """Pastes what the relay needs into the allow-list of plant A's domain, as an administrator would."""
    printed = subprocess.run([programs.relay, "allow-list"], check=True, capture_output=True, text=True,
                             env=environment()).stdout
    name = seed["plants"]["A"]["company"]["domain"]

    def domain(method: str, arguments: dict[str, Any]) -> Any:
        return json2(state.http_port, database, seed["admin"]["key"], f"millrace.domain/{method}", arguments)

    found = domain("search", {"domain": [["name", "=", name]]})
    domain("write", {"ids": found, "vals": {"allow": printed}})


def _target(state: State, database: str, plant: dict[str, Any]) -> Target:
    company = plant["company"]
    finished, issued = plant["orders"]["untracked"], plant["orders"]["lot"]
    component = next(iter(issued[0]["components"]))
    codes = Codes(
        orders=(finished[0]["name"], finished[1]["name"]), open_orders=(issued[0]["name"], issued[1]["name"]),
        quantity=round(finished[0]["quantity"]), component=component, lot=next(iter(plant["lots"][component])),
        place="LINE-A", items=("FG-BRACKET", "PART-BOLT"),
    )
    login = f"{state.url}/web/login?db={database}&redirect={_INBOX}"
    about = (f"Odoo's inbox of Millrace: {login}\n"
             f"  (login admin, password admin; the office of {company['name']} is {plant['users']['office']['login']}, "
             "password the same)")
    made = configuration.odoo(state.url, database, company["id"], company["domain"])
    return Target(made, {_BOT_KEY: plant["users"]["bot"]["key"]}, codes, about)
