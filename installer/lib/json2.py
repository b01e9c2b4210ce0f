"""Odoo's JSON-2 interface, for whoever looks at a database as people would."""

import http.client
import json
from typing import Any

from .say import Trouble


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
