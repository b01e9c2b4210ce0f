"""Proves the whole way in one go: a new instance, a database, one JSON-2 call as a plant's bot, and everything removed
again."""

import json
import time
from pathlib import Path

from . import cache, databases
from .instance import Instance
from .json2 import json2
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
