"""What a domain may do: its allow-list, and the never-list that no domain gets past.

The Odoo groups of the bot user are the wall; this is a fence before it. Reading needs no entry (the user's rights
govern it, as they do for every other way of reading), changing does. An allow-list is a JSON object:

    {"context": ["skip_backorder"],
     "models": {"stock.picking": {"button_validate": true,
                                  "create": {"origin": true, "move_ids": {"create": {"product_id": true}}}}}}

A method is allowed with ``true``; ``create`` and ``write`` only field by field. A field that holds other records is
allowed command by command (``create``, ``update``, ``delete``, ``unlink``, ``link``, ``clear``, ``set``), so that no
nested command changes what the list does not name.
"""

import json
from fnmatch import fnmatchcase

from . import limits
from .faults import Forbidden, Malformed
from .language import READS

# Never, whoever asks: a bot that can change users, rights, code or mail is no bot but an administrator.
NEVER = (
    "ir.*", "res.users*", "res.groups*", "res.config*", "res.company", "base", "base.*", "base_*", "bus.*",
    "change.password.*", "auth_*", "mail.mail", "mail.template*", "mail.alias*", "fetchmail.*", "iap.*", "sms.*",
    "millrace.*",
)  # fmt: skip
# Of the methods that every model has, these few and no other: the rest (load, copy, web_save, …) writes fields in
# ways that a list of fields does not see.
FIELDWISE = {"create": "vals_list", "write": "vals"}
COMMON = READS | FIELDWISE.keys() | {"unlink", "action_archive", "action_unarchive"}
COMMANDS = ("create", "update", "delete", "unlink", "link", "clear", "set")  # by Odoo's command number
# These say who and where, not what. `allowed_company_ids` is checked by Odoo against the user's companies.
FREE_CONTEXT = frozenset({"lang", "tz", "allowed_company_ids", "active_test"})


def parse(text):
    """The allow-list of a domain as written by a person. Raises ValueError with what is wrong."""
    document = json.loads(text or "{}")
    if not isinstance(document, dict) or document.keys() - {"context", "models"}:
        raise ValueError('an allow-list is {"context": [key, …], "models": {model: {method: …}}}')
    context, models = document.get("context", []), document.get("models", {})
    if not isinstance(context, list) or not all(isinstance(key, str) for key in context):
        raise ValueError("context is a list of keys")
    if any(key.startswith("default_") for key in context):
        raise ValueError("a default_ key of the context writes fields past the list of fields; it cannot be allowed")
    for model, methods in _map(models, "models").items():
        if is_never(model):
            raise ValueError(f"{model} is on the never-list")
        for method, spec in _map(methods, model).items():
            if method in FIELDWISE:
                _parse_fields(spec, f"{model}.{method}")
            elif spec is not True:
                raise ValueError(f"{model}.{method} is allowed with true")
    return {"context": frozenset(context), "models": models}


def is_never(model):
    return any(fnmatchcase(model, pattern) for pattern in NEVER)


def check_model(env, model):
    """A model that a step or an expectation may name at all."""
    if model not in env:
        raise Malformed(f"there is no model {model}")
    if is_never(model):
        raise Forbidden(f"{model} is on the never-list")
    return env[model]


def check_context(allowed, context):
    for key in context.keys() - FREE_CONTEXT - allowed["context"]:
        raise Forbidden(f"the domain does not allow the context key {key}")


def check_call(allowed, model, method, kwargs):
    """`model` is a recordset, `kwargs` are resolved: what is checked is what runs."""
    name = model._name
    if method in READS:
        return
    if method not in COMMON and hasattr(type(model.env["base"]), method):
        raise Forbidden(f"{method} is a method of every model and none that a posting may call")
    spec = allowed["models"].get(name, {}).get(method)
    if not spec:
        raise Forbidden(f"the domain does not allow {name}.{method}")
    if method in FIELDWISE:
        rows = kwargs.get(FIELDWISE[method])
        if kwargs.keys() != {FIELDWISE[method]}:
            raise Malformed(f"{name}.{method} takes {FIELDWISE[method]} and nothing else")
        if not isinstance(rows, list if method == "create" else dict):
            raise Malformed(f"{FIELDWISE[method]} of {name}.{method} is a {'list' if method == 'create' else 'map'}")
        for row in rows if method == "create" else [rows]:
            _check_fields(spec, model, method, row)


def _check_fields(spec, model, method, row):
    if not isinstance(row, dict):
        raise Malformed(f"{model._name}.{method} takes maps of fields")
    for name, value in row.items():
        field = model._fields.get(name)
        where = f"{model._name}.{method} {name}"
        if field is None:
            raise Malformed(f"{model._name} has no field {name}")
        if name not in spec:
            raise Forbidden(f"the domain does not allow {where}")
        if field.type in ("one2many", "many2many"):
            _check_commands(spec[name], model.env[field.comodel_name], where, value)
        elif spec[name] is not True:
            raise Forbidden(f"the domain allows {where} by commands, and it is no list of records")


def _check_commands(spec, comodel, where, commands):
    if is_never(comodel._name):
        raise Forbidden(f"{where} reaches {comodel._name}, which is on the never-list")
    if not isinstance(commands, list):
        raise Malformed(f"{where} takes a list of commands")
    for command in commands:
        if not (isinstance(command, list) and command and command[0] in range(len(COMMANDS))):
            raise Malformed(f"{where} takes commands, not {str(command)[: limits.NAME_CHARS]}")
        name = COMMANDS[command[0]]
        inner = spec.get(name) if isinstance(spec, dict) else None
        if not inner:
            raise Forbidden(f"the domain does not allow {where} the command {name}")
        if name in ("create", "update"):
            _check_fields(inner, comodel, name, command[2] if len(command) == 3 else None)


def _parse_fields(spec, where):
    for field, inner in _map(spec, where).items():
        if inner is True:
            continue
        for command, fields in _map(inner, f"{where} {field}").items():
            if command not in COMMANDS:
                raise ValueError(f"{where} {field}: commands are {', '.join(COMMANDS)}, not {command}")
            if command in ("create", "update"):
                _parse_fields(fields, f"{where} {field} {command}")
            elif fields is not True:
                raise ValueError(f"{where} {field} {command} is allowed with true")


def _map(value, where):
    if not isinstance(value, dict):
        raise ValueError(f"{where} is a map")
    return value
