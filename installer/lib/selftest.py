"""Proves the whole way in one go: a new instance, a database, one JSON-2 call as a plant's bot, and everything removed
again."""

import http.client
import json
import time
from pathlib import Path
from typing import Any

from . import cache, databases
from .instance import Instance
from .say import Trouble, line
from .software import Software


def run(software: Software, addons: list[Path]) -> None:
    """Raises `Trouble` at the first thing that is not as it should be."""
    instance = Instance(software, cache.root() / "instances/selftest")
    with cache.lock(cache.root() / "locks/selftest"):
        instance.remove()  # what a killed run left
        try:
            state = instance.start(addons, workers=2, port=None, options={})
            began = time.monotonic()
            name = databases.clone(instance, None, None)
            line(f"database {name} cloned in {time.monotonic() - began:.2f} s")
            plant = json.loads(Path(state.seed).read_text())["plants"]["A"]
            bot, order = plant["users"]["bot"], plant["orders"]["untracked"][0]
            call = {"ids": [order["id"]], "fields": ["name", "state", "product_qty"]}
            answer = json2(state.http_port, name, bot["key"], "mrp.production/read", call)
            if [each["name"] for each in answer] != [order["name"]]:
                raise Trouble(f"the order came back as {answer}", f"read {instance.server.log}")
            line(f"the bot of plant A reads {answer[0]}")
            databases.drop(instance, name)
        finally:
            instance.remove()
    line("all is well")


def json2(port: int, database: str, key: str, method: str, arguments: dict[str, Any]) -> Any:
    """One call of Odoo's JSON-2 interface: POST /json/2/<model>/<method>, arguments by name."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {
        "Authorization": f"bearer {key}", "X-Odoo-Database": database, "Content-Type": "application/json; charset=utf-8"
    }
    connection.request("POST", f"/json/2/{method}", json.dumps(arguments), headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    if answer.status != 200:
        raise Trouble(f"{method} answered {answer.status}: {body[:400]}", "read Odoo's log")
    return json.loads(body)
