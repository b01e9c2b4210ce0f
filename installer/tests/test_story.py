"""The parts of the story: what fails when, the line that is cut, the operator who scans again, the shadow's record."""

import json
import socket
import sqlite3
import tempfile
import threading
import unittest
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TextIO

from lib.process import free_ports, wait_until
from lib.story import plan, records
from lib.story.cutter import Cutter
from lib.story.plan import What
from lib.story.scanner import Job, Scanner
from lib.story.work import Work


class Plan(unittest.TestCase):
    def test_a_seed_tells_the_same_story_again_and_another_seed_another(self) -> None:
        self.assertEqual(plan.make(4, 60), plan.make(4, 60))
        self.assertNotEqual(plan.make(4, 60), plan.make(5, 60))

    def test_every_story_kills_both_during_the_outage_and_ends_with_the_link_back(self) -> None:
        for seed in range(200):
            blows = plan.make(seed, 60)
            cut = next(blow.at for blow in blows if blow.what in (What.BREAK, What.FREEZE))
            back = next(blow.at for blow in blows if blow.what is What.JOIN)
            during = {blow.what for blow in blows if cut < blow.at < back}
            self.assertLessEqual({What.KILL_AGENT, What.KILL_RELAY}, during)
            links = [blow.what for blow in blows if blow.what in (What.BREAK, What.FREEZE, What.JOIN)]
            self.assertIn(links, [[What.BREAK, What.JOIN, What.FREEZE, What.JOIN],
                                  [What.FREEZE, What.JOIN, What.BREAK, What.JOIN]])
            self.assertIs(blows[-1].what, What.CLOSING)


class Peer:
    """A listener that answers each line as it is told, or hangs up where the answer is none."""

    def __init__(self, answer: Callable[[str], str | None]) -> None:
        self.heard: list[str] = []
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with suppress(OSError), connection, connection.makefile("rw", newline="\n") as lines:
                self._talk(lines)

    def _talk(self, lines: TextIO) -> None:
        for line in lines:
            self.heard.append(line.strip())
            answer = self._answer(line.strip())
            if answer is None:
                return
            lines.write(answer + "\r\n")
            lines.flush()


class Link(unittest.TestCase):
    def setUp(self) -> None:
        self.peer = Peer(lambda line: f"heard {line}")
        port, = free_ports(1)
        self.link = Cutter(port, self.peer.port)
        self.link.start()
        self.addCleanup(self.peer.close)
        self.addCleanup(self.link.stop)
        self.connect = lambda: socket.create_connection(("127.0.0.1", port), timeout=5)

    def test_it_forwards_until_it_is_broken_and_again_when_it_is_joined(self) -> None:
        with self.connect() as plant:
            plant.sendall(b"one\n")
            self.assertEqual(plant.recv(100), b"heard one\r\n")
            self.link.break_off()
            self.assertRaises(ConnectionResetError, plant.recv, 100)
        with self.assertRaises(ConnectionResetError), self.connect() as plant:
            plant.recv(100)  # or the connection itself is reset already
        self.link.join()
        with self.connect() as plant:
            plant.sendall(b"two\n")
            self.assertEqual(plant.recv(100), b"heard two\r\n")

    def test_what_a_silent_line_held_back_comes_through_when_it_is_joined(self) -> None:
        with self.connect() as plant:
            plant.sendall(b"one\n")
            self.assertEqual(plant.recv(100), b"heard one\r\n")
            self.link.silence()
            plant.sendall(b"two\n")
            plant.settimeout(0.3)
            self.assertRaises(TimeoutError, plant.recv, 100)
            self.assertEqual(self.peer.heard, ["one"])
            self.link.join()
            plant.settimeout(5)
            self.assertEqual(plant.recv(100), b"heard two\r\n")


class Operator(unittest.TestCase):
    def book(self, answer: Callable[[str], str | None]) -> tuple[Scanner, list[str]]:
        """One job, booked with a device that answers so."""
        peer = Peer(answer)
        self.addCleanup(peer.close)

        def one() -> Iterator[Job]:
            yield Job(("O:A", "Q:7", "CMD:CONFIRM"), "order A, quantity 7", ("order A",), "quantity 7")

        scanner = Scanner("line-1", "127.0.0.9", peer.port, one(), "seed")
        self.addCleanup(scanner.leave)
        scanner.start()
        self.assertTrue(wait_until(lambda: bool(scanner.log and scanner.log[0].answered), 10))
        return scanner, peer.heard

    def test_a_closing_scan_without_an_answer_is_scanned_again_and_is_one_entry(self) -> None:
        closing = iter([None, None, "ALREADY already booked: order A, quantity 7"])
        scanner, heard = self.book(lambda code: next(closing) if code == "CMD:CONFIRM" else "OK")
        self.assertEqual(heard, ["O:A", "Q:7", "CMD:CONFIRM", "CMD:CONFIRM", "CMD:CONFIRM"])
        self.assertEqual([(each.says, each.repeats) for each in scanner.log], [("order A, quantity 7", 2)])

    def test_an_open_entry_without_an_answer_is_cancelled_and_begun_again(self) -> None:
        quantity = iter([None, "OK quantity 7"])
        answers = {"O:A": lambda: "OK", "Q:7": lambda: next(quantity), "CMD:CANCEL": lambda: "OK",
                   "CMD:CONFIRM": lambda: "BOOKED booked: order A, quantity 7"}
        scanner, heard = self.book(lambda code: answers[code]())
        self.assertEqual(heard, ["O:A", "Q:7", "CMD:CANCEL", "O:A", "Q:7", "CMD:CONFIRM"])
        self.assertEqual(len(scanner.log), 1)

    def test_a_display_that_shows_another_entry_is_not_taken_for_an_acknowledgement(self) -> None:
        closing = iter(["ALREADY already booked: order B, quantity 3", "BOOKED booked: order A, quantity 7"])
        scanner, heard = self.book(lambda code: next(closing) if code == "CMD:CONFIRM" else "OK")
        self.assertEqual(heard[-4:], ["CMD:CANCEL", "O:A", "Q:7", "CMD:CONFIRM"])
        self.assertEqual(len(scanner.surprises), 1)


class Record(unittest.TestCase):
    def test_the_record_is_read_in_the_order_of_effect_and_in_the_scanners_words(self) -> None:
        job = next(Work().consumption("seed"))
        fields = dict(part.split(" ", 1) for part in job.says.split(", "))
        body = {"order": fields["order"], "item": fields["item"], "lot": fields["lot"],
                "quantity": {"unit": None, "value": fields["quantity"]}, "components": [], "completion": "auto"}
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(records.effects(Path(folder)), [])
            with closing(sqlite3.connect(Path(folder) / "shadow.sqlite")) as record:
                record.execute("CREATE TABLE outcome (record INTEGER PRIMARY KEY, posting TEXT)")
                later = {**body, "quantity": {"unit": None, "value": "9999"}}
                rows = [(2, json.dumps({"body": later})), (1, json.dumps({"body": body})), (3, None)]
                record.executemany("INSERT INTO outcome VALUES (?, ?)", rows)
                record.commit()
            found = records.effects(Path(folder))
        self.assertEqual(found[0], job.says)
        self.assertIn("quantity 9999", found[1])
        self.assertEqual(len(found), 2)
