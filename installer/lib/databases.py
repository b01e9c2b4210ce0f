"""Databases of a running instance: cloned from the template in a fraction of a second, dropped, and entered with an
API key."""

import re
import secrets

from .instance import Instance
from .say import Trouble
from .template import DATABASE

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")  # names that need no quoting, as long as PostgreSQL keeps them


def clone(instance: Instance, name: str | None, source: str | None) -> str:
    """Makes a database and gives its name. Without a source it is a new one from the template with an identity of its
    own (`database.uuid`); with a source it is that one's backup, identity and all."""
    name = checked(name or f"t_{secrets.token_hex(5)}")
    instance.cluster.copy_database(checked(source) if source else DATABASE, name)
    if not source:
        identity = "UPDATE ir_config_parameter SET value = gen_random_uuid() WHERE key = 'database.uuid'"
        instance.cluster.sql(identity, name)
    return name


def drop(instance: Instance, name: str) -> None:
    """Drops a database, whoever is connected. A server that has served it remembers its structure for a while, so a
    name is best not used twice."""
    instance.cluster.drop_database(checked(name))


def key(instance: Instance, database: str, login: str, days: int | None) -> str:
    """A new API key of a user, for JSON-2, valid so many days, or for good."""
    expiry = f"datetime.now() + timedelta(days={days})" if days else "None"
    script = (
        "from datetime import datetime, timedelta\n"
        f"user = env['res.users'].search([('login', '=', {login!r})])\n"
        "if not user: raise SystemExit(3)\n"
        # With rights above the user's own, else the length of life is limited by the user's groups.
        f"key = env['res.users.apikeys'].with_user(user).sudo()._generate('rpc', 'installer', {expiry})\n"
        "env.cr.commit()\n"
        "print('KEY', key)\n"
    )
    code, output = instance.server.shell(checked(database), script)
    if code == 3:
        raise Trouble(f"database '{database}' has no user '{login}'", "see the users in seed.json")
    found = re.search(r"^KEY (\S+)$", output, re.MULTILINE)
    if code != 0 or not found:
        raise Trouble(f"Odoo made no key for '{login}'", f"read {instance.server.log}")
    return found.group(1)


def checked(name: str) -> str:
    """The name, if it is one that needs no quoting anywhere."""
    if not _NAME.fullmatch(name):
        raise Trouble(f"'{name}' is no name for a database", "use small letters, digits and _, a letter first")
    return name

