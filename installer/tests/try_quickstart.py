#!/usr/bin/python3
"""Does what a newcomer does: starts the quick start, types the lines that it prints, looks at what became of them, and
presses Ctrl-C. `installer/tests/try_quickstart.py [--odoo]`; exit code 0 when everything is as promised.
"""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

_INSTALLER = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_INSTALLER))

from lib.json2 import json2  # noqa: E402
from lib.process import command_line, wait_until  # noqa: E402

_START_SECONDS = 1800.0  # the first time it builds and fetches
_EFFECT_SECONDS = 60.0
_STOP_SECONDS = 60.0


class QuickStart:
    """`installer/quickstart`, running; what it prints is kept and shown."""

    def __init__(self, *options: str) -> None:
        self.printed: list[str] = []
        command = [sys.executable, str(_INSTALLER / "quickstart"), *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()
        self._until(lambda: "Ctrl-C stops." in self.printed, _START_SECONDS, "it says that it runs")
        home = next(line for line in self.printed if line.startswith("Configuration, certificates"))
        self.home = Path(re.sub(r".* are in (.*)\.$", r"\1", home))

    def lines(self) -> list[str]:
        """The lines to be typed, as printed."""
        return [line.strip() for line in self.printed if line.startswith("    ")]

    def until_says(self, words: str, times: int) -> None:
        """Waits until what it prints says these words so often."""
        self._until(lambda: sum(words in line for line in self.printed) >= times, _EFFECT_SECONDS,
                    f"it says `{words}`, {times} times")

    def interrupt(self) -> None:
        """Ctrl-C, and everything ends well."""
        self._process.send_signal(signal.SIGINT)
        code = self._process.wait(_STOP_SECONDS)
        check(code == 0, f"it ends with exit code {code}")
        left = [line for each in Path("/proc").iterdir() if each.name.isdigit() and int(each.name) != os.getpid()
                and str(self.home) in (line := command_line(int(each.name)))]
        check(not left, f"nothing is left running: {left}")

    def kill(self) -> None:
        """Whatever became of the test, nothing stays behind."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(_STOP_SECONDS)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.printed.append(line.rstrip("\n"))
            print(f"  | {line}", end="", flush=True)

    def _until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        check(wait_until(lambda: condition() or self._process.poll() is not None, seconds) and condition(), what)


def check(holds: object, what: str) -> None:
    """One promise."""
    print(f"{'ok' if holds else 'NOT OK'}: {what}", flush=True)
    if not holds:
        sys.exit(1)


def type_all(lines: list[str]) -> None:
    """Types the printed lines; each must be answered as the kind of line promises."""
    answers = []
    for line in lines:
        # What is watched until it is interrupted is interrupted; `timeout` then says 124.
        line = f"timeout -s INT 3 {line} || [ $? = 124 ]" if line.endswith("--watch") else line
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60)
        check(done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}")
        answers.append(done.stdout)
    scans = [answer.splitlines()[-1].split()[0] for line, answer in zip(lines, answers, strict=True) if "nc -q" in line]
    check(scans == ["BOOKED", "ALREADY", "BOOKED", "BOOKED"], f"the scanners were told {scans}")
    watched = [answer for line, answer in zip(lines, answers, strict=True) if "--watch" in line]
    check(len(watched) == 1 and "WAITING" in watched[0], "the backlog is shown")
    check("inventory.count" in answers[-1], "the messages are listed")
    posts = [json.loads(answer) for line, answer in zip(lines, answers, strict=True) if line.startswith("curl")]
    check(len(posts) == 3 and all(is_accepted(post) for post in posts), f"the messages were accepted: {posts}")


def is_accepted(answer: Any) -> bool:
    """Whether an HTTP answer names the message that was kept."""
    return isinstance(answer, dict) and str(answer.get("id")).startswith("plant-a:")


def eventually(what: str, look: Callable[[], Any], wanted: Any) -> None:
    """An effect that takes a moment."""
    found = None

    def holds() -> bool:
        nonlocal found
        found = look()
        return bool(found == wanted)

    check(wait_until(holds, _EFFECT_SECONDS), f"{what}: {found}, wanted {wanted}")


def try_shadow() -> None:
    """The shadow records six messages, the repeated scan not among them."""
    start = QuickStart()
    try:
        type_all(start.lines())

        def titles() -> list[str]:
            with closing(sqlite3.connect(f"file:{start.home}/relay/shadow.sqlite?mode=ro", uri=True)) as record:
                return sorted(title for (title,) in record.execute("SELECT title FROM outcome"))

        eventually("the shadow's record", titles, sorted([
            "WA1/MO/00001", "WA1/MO/00002", "WA1/MO/00021", "WA1/MO/00022", "FG-BRACKET @ LINE-A",
            "PART-BOLT @ LINE-A"]))
        type_again(start)
        time.sleep(1)
        check(len(titles()) == 6, "what was sent again is recognised")
        try_kill(start)
        eventually("what was sent while the relay was away", lambda: len(titles()), 7)
        start.interrupt()
    finally:
        start.kill()


def type_again(start: QuickStart) -> None:
    """The messages of the manufacturing system once more."""
    for line in start.lines():
        if line.startswith("curl"):
            subprocess.run(["bash", "-c", line], check=True, capture_output=True, timeout=60)


def try_kill(start: QuickStart) -> None:
    """The relay dies once more, a message comes meanwhile, and the relay comes back."""
    lines = start.lines()
    kill = next(line for line in lines if line.startswith("kill"))
    count = next(line for line in lines if "MES-3" in line)
    start.until_says("runs again", 1)
    for line in (kill, count.replace("MES-3", "MES-4")):
        subprocess.run(["bash", "-c", line], check=True, capture_output=True, timeout=60)
    start.until_says("runs again", 2)


def try_odoo() -> None:
    """In Odoo: two orders done, two lots consumed, two places counted, six outcomes with their records."""
    start = QuickStart("--odoo")
    try:
        state = json.loads((start.home / "odoo/odoo.json").read_text())
        seed = json.loads(Path(state["seed"]).read_text())
        database = next(m[1] for line in start.printed if (m := re.search(r"[?&]db=(\w+)", line)))

        def ask(model: str, method: str, **arguments: Any) -> Any:
            return json2(state["http_port"], database, seed["admin"]["key"], f"{model}/{method}", arguments)

        type_all(start.lines())
        plant = seed["plants"]["A"]
        try_orders(ask, plant)
        try_consumption(ask, plant)
        try_stock(ask, plant)
        outcomes = ask("millrace.inbox", "search_read", domain=[], fields=["state", "kind", "res_model", "res_id"])
        check(sorted(each["kind"] for each in outcomes) == sorted(
            2 * ["production.confirm", "material.consume", "inventory.count"]), f"six outcomes: {outcomes}")
        check(all(each["state"] == "done" and each["res_id"] for each in outcomes), "each is done and names its record")
        type_again(start)
        time.sleep(3)
        check(ask("millrace.inbox", "search_count", domain=[]) == 6, "what was sent again is recognised")
        start.interrupt()
    finally:
        start.kill()


def try_orders(ask: Callable[..., Any], plant: dict[str, Any]) -> None:
    """Scanned and by HTTP: done, in the planned quantity, at once."""
    ids = [order["id"] for order in plant["orders"]["untracked"][:2]]

    def orders() -> Any:
        rows = ask("mrp.production", "read", ids=ids, fields=["state", "qty_produced"])
        return [(row["state"], row["qty_produced"]) for row in rows]

    eventually("both orders are done", orders, [("done", 10.0), ("done", 10.0)])


def try_consumption(ask: Callable[..., Any], plant: dict[str, Any]) -> None:
    """The lot that was scanned has gone into the orders, which stay open."""
    ids = [order["id"] for order in plant["orders"]["lot"][:2]]
    lot = plant["lots"]["RAW-RESIN"]["RESIN-2601"]

    def consumed() -> Any:
        lines = ask("stock.move.line", "search_read", domain=[
            ["move_id.raw_material_production_id", "in", ids], ["state", "=", "done"], ["lot_id", "=", lot],
        ], fields=["quantity"])
        return sorted(line["quantity"] for line in lines)

    eventually("the lot was consumed", consumed, [1.5, 2.0])
    states = [row["state"] for row in ask("mrp.production", "read", ids=ids, fields=["state"])]
    check("done" not in states and "cancel" not in states, f"the orders stay open: {states}")


def try_stock(ask: Callable[..., Any], plant: dict[str, Any]) -> None:
    """What was counted lies there."""
    place = plant["warehouses"]["one_step"]["locations"]["LINE-A"]
    items = [plant["items"][code]["id"] for code in ("FG-BRACKET", "PART-BOLT")]

    def stock() -> Any:
        domain = [["location_id", "=", place], ["product_id", "in", items]]
        rows = ask("stock.quant", "search_read", domain=domain, fields=["product_id", "quantity"])
        return {row["product_id"][0]: row["quantity"] for row in rows}

    eventually("the counts are booked", stock, {items[0]: 100.0, items[1]: 240.0})


if __name__ == "__main__":
    try_odoo() if sys.argv[1:] == ["--odoo"] else try_shadow()
