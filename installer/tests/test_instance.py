"""A real Odoo in a folder: started, killed in every way, started again, and nothing of it left."""

import json
import os
import signal
import subprocess
import tempfile
import unittest
import warnings
from pathlib import Path
from typing import Any

from lib import cache, databases, software
from lib.instance import Instance, State
from lib.process import Process, wait_until
from lib.say import Trouble
from lib.selftest import json2

_ADDONS = [each for each in [Path(__file__).resolve().parents[2] / "relay/odoo-addon"] if each.is_dir()]


class RealOdoo(unittest.TestCase):
    instance: Instance
    state: State
    plants: dict[str, Any]
    admin: str

    @classmethod
    def setUpClass(cls) -> None:
        warnings.simplefilter("ignore", ResourceWarning)  # servers outlive the objects that started them, on purpose
        cls.instance = Instance(software.fetch(), cache.root() / f"instances/test-{os.getpid()}")
        cls.addClassCleanup(cls.instance.remove)
        cls.start()

    @classmethod
    def start(cls) -> State:
        cls.state = cls.instance.start(_ADDONS, workers=1, port=None, options={})
        seed = json.loads(Path(cls.state.seed).read_text())
        cls.plants, cls.admin = seed["plants"], seed["admin"]["key"]
        return cls.state

    def setUp(self) -> None:
        self.database = databases.clone(self.instance, None, None)
        self.addCleanup(databases.drop, self.instance, self.database)

    def _login(self, database: str | None = None) -> str:
        answer = json2(self.state.http_port, database or self.database, self.admin, "res.users/read",
                       {"ids": [2], "fields": ["login"]})
        return str(answer[0]["login"])

    def _kill(self, pid: int) -> None:
        process = Process.of(pid)
        assert process is not None
        process.send(signal.SIGKILL)
        self.assertTrue(wait_until(lambda: not process.alive(), 10))

    def test_everything_that_was_killed_comes_back_where_it_was(self) -> None:
        for victims in (["odoo_pid"], ["postgres_pid"], ["odoo_pid", "postgres_pid"]):
            with self.subTest(killed=victims):
                before = self.instance.status()
                for victim in victims:
                    self._kill(int(str(before[victim])))
                after = self.start()
                self.assertEqual((after.url, after.seed), (before["url"], before["seed"]))
                self.assertEqual(self._login(), "admin")

    def test_a_killed_worker_is_replaced_by_odoo_itself(self) -> None:
        def worker() -> int | None:
            workers = self.instance.server.workers(self.state.odoo_pid)
            return next((int(each["pid"]) for each in workers if each["kind"] == "http"), None)

        killed = worker()
        assert killed is not None
        self._kill(killed)
        self.assertTrue(wait_until(lambda: worker() not in (None, killed), 20))
        self.assertEqual(self._login(), "admin")

    def test_starting_what_runs_changes_nothing(self) -> None:
        before = self.state
        self.assertEqual(self.start(), before)

    def test_two_databases_have_identities_of_their_own_and_a_backup_has_its_original_s(self) -> None:
        other = databases.clone(self.instance, None, None)
        backup = databases.clone(self.instance, None, self.database)
        for name in (other, backup):
            self.addCleanup(databases.drop, self.instance, name)
        query = "SELECT value FROM ir_config_parameter WHERE key = 'database.uuid'"
        mine, others, backups = (self.instance.cluster.sql(query, each) for each in (self.database, other, backup))
        self.assertNotEqual(mine, others)
        self.assertEqual(mine, backups)

    def test_a_plant_s_bot_sees_its_own_orders_and_not_the_other_plant_s(self) -> None:
        order = self.plants["A"]["orders"]["untracked"][0]
        call = {"ids": [order["id"]], "fields": ["name"]}
        own, foreign, outsider = (
            self.plants[plant]["users"][role]["key"] for plant, role in (("A", "bot"), ("B", "bot"), ("A", "outsider"))
        )
        read = json2(self.state.http_port, self.database, own, "mrp.production/read", call)
        self.assertEqual(read[0]["name"], order["name"])
        for key in (foreign, outsider):
            with self.assertRaisesRegex(Trouble, "403"):
                json2(self.state.http_port, self.database, key, "mrp.production/read", call)

    def test_a_made_key_opens_the_database(self) -> None:
        key = databases.key(self.instance, self.database, "office-b", days=1)
        call = {"domain": [["company_id.name", "=", "Plant B"]]}
        count = json2(self.state.http_port, self.database, key, "mrp.production/search_count", call)
        self.assertGreater(count, 0)

    def test_the_stock_of_the_seed_agrees_with_its_movements(self) -> None:
        moved = """
            SELECT product_id, location, sum(quantity) FROM (
                SELECT product_id, location_dest_id AS location, quantity FROM stock_move_line WHERE state = 'done'
                UNION ALL
                SELECT product_id, location_id, -quantity FROM stock_move_line WHERE state = 'done') AS each
            WHERE location IN (SELECT id FROM stock_location WHERE usage = 'internal') GROUP BY 1, 2 ORDER BY 1, 2"""
        held = """SELECT product_id, location_id, sum(quantity) FROM stock_quant
            WHERE location_id IN (SELECT id FROM stock_location WHERE usage = 'internal') GROUP BY 1, 2 ORDER BY 1, 2"""
        rows = [self.instance.cluster.sql(query, self.database) for query in (moved, held)]
        self.assertTrue(rows[0])
        as_numbers = [[tuple(map(float, row.split("\t"))) for row in each] for each in rows]
        self.assertEqual(as_numbers[0], as_numbers[1])

    def test_names_that_would_need_quoting_are_refused(self) -> None:
        for name in ("x; DROP TABLE y", "../up", "Upper", ""):
            with self.subTest(name), self.assertRaises(Trouble):
                databases.checked(name)


class Folders(unittest.TestCase):
    def test_a_folder_with_other_things_in_it_is_neither_taken_nor_removed(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            (Path(place) / "letter").write_text("dear all")
            instance = Instance(software.fetch(), Path(place))
            for attempt in (instance.remove, lambda: instance.start([], 1, None, {})):
                with self.assertRaisesRegex(Trouble, "something other than an Odoo"):
                    attempt()
            self.assertEqual(Path(place).stat().st_uid, os.geteuid())

    def test_the_second_fetch_is_quick(self) -> None:
        software.fetch()
        program = Path(__file__).resolve().parents[1] / "odoo"
        # Well under the time of one question to an archive, let alone a download.
        subprocess.run([program, "fetch"], check=True, timeout=2, stdout=subprocess.DEVNULL)
