"""Races, on real transactions: threads with cursors of their own that commit, replayed as Odoo replays requests."""

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from unittest.mock import patch

import psycopg2
from odoo import api, sql_db
from odoo.modules.registry import Registry
from odoo.orm.registry import DummyRLock
from odoo.service.model import retrying
from odoo.tests.common import BaseCase, get_db_name, new_test_user, tagged
from odoo.tools import mute_logger

from ..executor import limits
from .common import ALLOW

# Of this run: what a killed run committed stays behind.
RUN = uuid.uuid4().hex[:8]
PLANT, REF = f"test-race-{RUN}", f"race:{RUN}"
WAIT_SECONDS = 30


@tagged("post_install", "-at_install")
class TestConcurrency(BaseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(get_db_name())
        with cls.cursor() as cr:
            env = api.Environment(cr, api.SUPERUSER_ID, {"no_reset_password": True})
            bot = new_test_user(
                env, f"race_bot_{RUN}", groups="base.group_user,base.group_partner_manager,millrace.group_bot"
            )
            domain = env["millrace.domain"].create({"name": PLANT, "user_ids": bot.ids, "allow": json.dumps(ALLOW)})
            cls.bot_id, cls.domain_id = bot.id, domain.id
        cls.addClassCleanup(cls.clean)
        # The thread of the tests holds the registry's lock, which each replay takes. Odoo's own HTTP tests do this too.
        lock = patch.object(Registry, "_lock", DummyRLock())
        lock.start()
        cls.addClassCleanup(lock.stop)
        # Odoo waits a random time before each replay, up to seconds; here the order is what matters.
        waits = patch("odoo.service.model.random.uniform", lambda low, high: 0.01)
        waits.start()
        cls.addClassCleanup(waits.stop)

    @classmethod
    def clean(cls):
        with cls.cursor() as cr:
            for table in ("inbox", "floor", "tally"):
                cr.execute(f"DELETE FROM millrace_{table} WHERE domain_id = %s", (cls.domain_id,))
            cr.execute("DELETE FROM millrace_lock WHERE key LIKE %s", (f"{REF}:%",))
            env = api.Environment(cr, api.SUPERUSER_ID, {})
            env["res.partner"].search([("ref", "=like", f"{REF}:%")]).unlink()
            env["millrace.domain"].browse(cls.domain_id).unlink()
            user = env["res.users"].browse(cls.bot_id)
            partner = user.partner_id
            user.unlink()
            partner.unlink()

    @classmethod
    @contextmanager
    def cursor(cls):
        with sql_db.db_connect(get_db_name()).cursor() as cr:
            yield cr

    # -- calls -----------------------------------------------------------------------------------------------------

    def setUp(self):
        super().setUp()
        self.tries = 0
        self.fence = self.call("take", PLANT, 0)["number"]

    def call(self, method, *args, ready=None):
        """One request as Odoo serves it: a transaction of its own, replayed on a conflict, committed at the end.

        `ready` is called once, after the request's snapshot was taken and before it does anything.
        """
        first = [ready]

        def request(env):
            self.tries += 1
            env.cr.execute("SELECT 1")
            if first and (meet := first.pop()):
                meet()
            return getattr(env["millrace.posting"], method)(*args)

        with self.cursor() as cr:
            env = api.Environment(cr, self.bot_id, {})
            return retrying(partial(request, env), env)

    def together(self, *calls):
        """Runs calls at the same time, all of them on snapshots that do not show the others."""
        barrier = threading.Barrier(len(calls), timeout=WAIT_SECONDS)
        with ThreadPoolExecutor(len(calls)) as pool, mute_logger("odoo.sql_db", "odoo.service.model"):
            return [f.result(WAIT_SECONDS) for f in [pool.submit(self.call, *c, ready=barrier.wait) for c in calls]]

    def apply(self, *postings, fence=None):
        return "apply", PLANT, list(postings), fence or self.fence

    def posting(self, message, name, **changed):
        step = {
            "as": "new",
            "model": "res.partner",
            "method": "create",
            "kwargs": {"vals_list": [{"name": name, "ref": f"{REF}:{name}"}]},
            "expect": [{"len": 1}],
        }
        return {
            "messages": [{"id": message, "digest": message, "attempt": 1, "lane": "race", "sequence": 1}],
            "steps": [step],
            "outcomes": {message: {"model": "res.partner", "id": {"$": "new.0"}}},
            **changed,
        }

    def partners(self, name):
        with self.cursor() as cr:
            cr.execute("SELECT count(*) FROM res_partner WHERE ref = %s", (f"{REF}:{name}",))
            return cr.fetchone()[0]

    # -- races -----------------------------------------------------------------------------------------------------

    def test_of_three_duplicates_at_once_one_runs_and_two_are_answered(self):
        for round_ in range(4):
            name = f"dup{round_}"
            answers = self.together(*[self.apply(self.posting(name, name))] * 3)
            results = [answer["results"][0] for answer in answers]
            self.assertEqual(sorted(r["repeat"] for r in results), [False, True, True])
            self.assertEqual(len({r["record"] for r in results}), 1)
            self.assertEqual(self.partners(name), 1)

    def test_a_void_and_a_posting_at_once_agree_on_one_of_them(self):
        for round_ in range(4):
            name = f"void{round_}"
            posting = self.posting(name, name)
            void = {"messages": posting["messages"], "void": {"reason": "x", "by": "anna"}}
            answers = self.together(self.apply(posting), self.apply(void))
            states = {answer["results"][0]["state"] for answer in answers}
            self.assertEqual(len(states), 1, "both callers hear the same")
            self.assertEqual(self.partners(name), 1 if states == {"done"} else 0)

    def find_or_create(self, message, name, **changed):
        posting = self.posting(message, name)
        found = {
            "as": "found",
            "model": "res.partner",
            "method": "search",
            "kwargs": {"domain": [["ref", "=", f"{REF}:{name}"]], "limit": 1},
        }
        new = {**posting["steps"][0], "when": {"ref": {"$": "found"}, "empty": True}}
        use = {
            "as": "use",
            "model": "res.partner",
            "method": "write",
            "ids": [{"$": ["found.0", "new.0"]}],
            "kwargs": {"vals": {"color": 3}},
            "expect": [{"result": True}],
        }
        outcomes = {message: {"model": "res.partner", "id": {"$": ["found.0", "new.0"]}}}
        return {**posting, "steps": [found, new, use], "outcomes": outcomes, **changed}

    def test_search_or_create_at_once_makes_one_record_under_a_lock_and_two_without(self):
        bare = [self.apply(self.find_or_create(f"bare{k}", "bare")) for k in "ab"]
        locked = [self.apply(self.find_or_create(f"locked{k}", "locked", locks=[f"{REF}:locked"])) for k in "ab"]
        self.together(*bare)
        self.assertEqual(self.partners("bare"), 2, "this is what locks are for")
        answers = self.together(*locked)
        self.assertEqual({a["results"][0]["state"] for a in answers}, {"done"})
        self.assertEqual(self.partners("locked"), 1)

    def test_a_check_of_a_sum_holds_at_once_under_a_lock(self):
        def posting(message):
            made = self.posting(message, "sum", locks=[f"{REF}:sum"])
            made["steps"][0]["kwargs"]["vals_list"][0]["color"] = 6
            check = {
                "as": "sum",
                "model": "res.partner",
                "method": "formatted_read_group",
                "kwargs": {
                    "domain": [["ref", "=", f"{REF}:sum"]],
                    "groupby": ["ref"],
                    "aggregates": ["color:sum"],
                    "having": [["color:sum", ">", 10]],
                },
                "expect": [{"len": 0}],
            }
            return {**made, "steps": [*made["steps"], check]}

        answers = self.together(*[self.apply(posting(f"sum{k}")) for k in "ab"])
        self.assertEqual(sorted(a["results"][0]["state"] for a in answers), ["done", "rejected"])
        self.assertEqual(self.partners("sum"), 1)

    def test_postings_of_one_domain_run_side_by_side_without_a_replay(self):
        with self.cursor() as one, self.cursor() as two:
            slots = set()
            for cr in (one, two):
                cr.execute("SELECT pg_backend_pid() %% %s", (limits.TALLY_SLOTS,))
                slots.add(cr.fetchone()[0])
        if len(slots) < 2:
            self.skipTest("both connections share a slot of the count")
        self.tries = 0
        answers = self.together(*[self.apply(self.posting(f"side{k}", f"side{k}")) for k in "ab"])
        self.assertEqual([a["state"] for a in answers], ["ok", "ok"])
        self.assertEqual(self.tries, 2)
        count = self.call("take", PLANT, 0)["count"]
        self.assertEqual(count, max(a["count"] for a in answers) + 1, "each saw its own, together they are two")

    def test_a_take_waits_for_what_is_under_way_and_makes_the_rest_stale(self):
        running, go_on = threading.Event(), threading.Event()

        def hold(records):
            running.set()
            go_on.wait(WAIT_SECONDS)

        slow = self.posting("slow", "slow")
        slow["steps"].append(
            {
                "as": "hold",
                "model": "res.partner",
                "method": "test_one",
                "ids": {"$": "new"},
                "expect": [{"result": None}],
            }
        )
        with patch.object(self.registry["res.partner"], "test_one", hold, create=True), ThreadPoolExecutor(2) as pool:
            old = pool.submit(self.call, *self.apply(slow))
            self.assertTrue(running.wait(WAIT_SECONDS))
            taking = pool.submit(self.call, "take", PLANT, 0)
            self.until_somebody_waits_for_a_lock()
            self.assertFalse(taking.done())
            go_on.set()
            self.assertEqual(old.result(WAIT_SECONDS)["results"][0]["state"], "done")
            number = taking.result(WAIT_SECONDS)["number"]
            repeat = self.call(*self.apply(slow, fence=number))["results"][0]
            self.assertEqual((repeat["state"], repeat["repeat"]), ("done", True))
        self.assertEqual(self.call(*self.apply(self.posting("late", "late")))["state"], "stale")
        self.assertEqual((self.partners("slow"), self.partners("late")), (1, 0))

    def until_somebody_waits_for_a_lock(self):
        for _look in range(WAIT_SECONDS * 100):
            with self.cursor() as cr:
                cr.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s",
                    (get_db_name(),),
                )
                if cr.fetchone()[0]:
                    return
            threading.Event().wait(0.01)
        self.fail("nobody waits")

    def test_a_posting_that_began_before_a_take_and_comes_after_it_is_stale(self):
        taken = []
        with mute_logger("odoo.sql_db", "odoo.service.model"):
            answer = self.call(
                *self.apply(self.posting("between", "between")),
                ready=lambda: taken.append(self.call("take", PLANT, 0)["number"]),
            )
        self.assertEqual((answer["state"], answer["current"]), ("stale", taken[0]))
        self.assertEqual(self.partners("between"), 0)

    def test_a_connection_that_is_cut_in_the_middle_leaves_nothing_and_the_next_try_runs_once(self):
        def cut(records):
            records.env.cr.execute("SELECT pg_backend_pid()")
            (pid,) = records.env.cr.fetchone()
            with self.cursor() as cr:
                cr.execute("SELECT pg_terminate_backend(%s)", (pid,))
            records.search_count([])

        posting = self.posting("cut", "cut")
        posting["steps"].append(
            {"as": "cut", "model": "res.partner", "method": "test_one", "ids": {"$": "new"}, "expect": [{"len": 0}]}
        )
        with (
            patch.object(self.registry["res.partner"], "test_one", cut, create=True),
            mute_logger("odoo.sql_db", "odoo.service.model"),
            self.assertRaises((psycopg2.InterfaceError, psycopg2.OperationalError)),
        ):
            self.call(*self.apply(posting))
        self.assertEqual(self.call("ask", PLANT, posting["messages"])["results"][0]["state"], "unknown")
        self.call(*self.apply(self.posting("cut", "cut")))
        self.assertEqual(self.partners("cut"), 1)
