"""What the operators of a story do: confirmations, consumptions by lot and counts, on orders, lots and places that
several of them touch at the same time."""

import itertools
import json
import random
from collections.abc import Iterator
from typing import Any

from .scanner import Job

_ORDERS = [f"MO-{number:04}" for number in range(1, 7)]
_LOTS = ["RESIN-2601", "RESIN-2602"]
_ITEMS = ["PART-BOLT", "RAW-STEEL"]
_PLACES = ["SHELF-1", "SHELF-2"]


class Work:
    """Makes jobs, each with a quantity of its own in the whole story."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)  # `next` on it is atomic

    def production(self, seed: str) -> Iterator[Job]:
        """Finished pieces of an order."""
        dice = random.Random(seed)
        while True:
            order, number = dice.choice(_ORDERS), next(self._numbers)
            yield _job((f"O:{order}", f"Q:{number}"), {"order": order}, number)

    def consumption(self, seed: str) -> Iterator[Job]:
        """A component by lot into an order."""
        dice = random.Random(seed)
        while True:
            order, lot, number = dice.choice(_ORDERS), dice.choice(_LOTS), next(self._numbers)
            scans = (f"O:{order}", "I:RAW-RESIN", f"LOT:{lot}", f"Q:{number}")
            yield _job(scans, {"item": "RAW-RESIN", "lot": lot, "order": order}, number)

    def count(self, seed: str) -> Iterator[Job]:
        """A stock count."""
        dice = random.Random(seed)
        while True:
            item, place, number = dice.choice(_ITEMS), dice.choice(_PLACES), next(self._numbers)
            yield _job((f"L:{place}", f"I:{item}", f"Q:{number}"), {"item": item, "location": place}, number)


def _job(scans: tuple[str, ...], fields: dict[str, str], number: int) -> Job:
    body = {**fields, "quantity": {"unit": None, "value": str(number)}}
    return Job((*scans, "CMD:CONFIRM"), says(body), _keys(fields), shows=f"quantity {number}")


def says(body: dict[str, Any]) -> str:
    """A message in words that tell it from every other of the story: what its body states, fields that are empty left
    out."""
    stated = {name: value for name, value in body.items() if value and name != "completion"}
    stated["quantity"] = body["quantity"]["value"]
    return ", ".join(f"{name} {value if isinstance(value, str) else json.dumps(value)}"
                     for name, value in sorted(stated.items()))


def _keys(fields: dict[str, str]) -> tuple[str, ...]:
    """What the order of effect is promised for: an order, a lot, an item at a place."""
    keys = [f"{name} {fields[name]}" for name in ("order", "lot") if name in fields]
    if "location" in fields:
        keys.append(f"item {fields['item']} at {fields['location']}")
    return tuple(keys)
