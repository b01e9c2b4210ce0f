"""What a person can type while a trial runs, line by line, each with what it does."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .configuration import Ports


@dataclass(frozen=True)
class Line:
    """A command for another terminal."""

    does: str
    command: str


@dataclass(frozen=True)
class Codes:
    """Codes of a plant: orders to finish and to issue to, a component with its lot, items and a place."""

    orders: tuple[str, str]
    open_orders: tuple[str, str]
    quantity: int  # of each order to finish
    component: str
    lot: str
    place: str
    items: tuple[str, str]


# Those of the demonstration plant; where nothing is looked up, any others would do as well.
DEMONSTRATION = Codes(
    orders=("WA1/MO/00001", "WA1/MO/00002"), open_orders=("WA1/MO/00021", "WA1/MO/00022"), quantity=10,
    component="RAW-RESIN", lot="RESIN-2601", place="LINE-A", items=("FG-BRACKET", "PART-BOLT"),
)


def demonstration(ports: Ports, token: Path, codes: Codes) -> list[Line]:
    """Each kind of message that a station makes, scanned and by HTTP."""
    finished = {"order": codes.orders[1], "quantity": {"value": str(codes.quantity)}}
    used = {"order": codes.open_orders[1], "item": codes.component, "lot": codes.lot, "quantity": {"value": "1.5"}}
    counted = {"item": codes.items[1], "location": codes.place, "quantity": {"value": "240"}}
    return [
        Line("an order is finished: three scans, the last one books",
             _scan(ports.production, f"O:{codes.orders[0]}", f"Q:{codes.quantity}", "CMD:CONFIRM")),
        Line("the last scan again, as by someone who heard no tone: nothing is booked twice",
             _scan(ports.production, "CMD:CONFIRM")),
        Line("a component goes into an order, by its lot",
             _scan(ports.consumption, f"O:{codes.open_orders[0]}", f"I:{codes.component}", f"LOT:{codes.lot}", "Q:2",
                   "CMD:CONFIRM")),
        Line("stock is counted",
             _scan(ports.count, f"L:{codes.place}", f"I:{codes.items[0]}", "Q:100", "CMD:CONFIRM")),
        Line("the same three as a manufacturing system says them; sent again they are recognised",
             _post(ports.http, token, "production.confirm", "MES-1", finished)),
        Line("", _post(ports.http, token, "material.consume", "MES-2", used)),
        Line("", _post(ports.http, token, "inventory.count", "MES-3", counted)),
    ]


def page(lines: list[Line]) -> str:
    """The lines for a terminal."""
    return "\n".join((f"  {line.does}:\n" if line.does else "") + f"    {line.command}" for line in lines)


def _scan(port: int, *codes: str) -> str:
    """Scans these codes, one after the other. `nc -q` waits for the answers; it is the same in both netcats that Debian
    has."""
    return f"printf '%s\\n' {shlex.join(codes)} | nc -q 2 127.0.0.1 {port}"


def _post(port: int, token: Path, kind: str, external_id: str, body: Mapping[str, object]) -> str:
    """Hands a message over. The token is read from its file, so that the line can be shown to anyone."""
    message = json.dumps({"kind": kind, "external_id": external_id, "body": body})
    return (f'curl -sS -H "Authorization: Bearer $(cat {shlex.quote(str(token))})" --json {shlex.quote(message)} '
            f"http://127.0.0.1:{port}/v1/messages")
