"""Groups: all or nothing, only the guilty is rejected; and what a posting may not do to its transaction."""

import psycopg2
from odoo import api
from odoo.exceptions import ConcurrencyError, LockError, RedirectWarning, UserError
from odoo.tools import mute_logger

from .common import PostingCase

QUIET = "odoo.addons.millrace.models.millrace_posting"


class TestPostingGroup(PostingCase):
    def group(self, *names, **changed):
        return self.creating(*names, **changed)

    def test_a_group_takes_effect_as_one_and_each_message_gets_its_own_record(self):
        results = self.results(self.group("a", "b", "c"))
        records = self.env["res.partner"].browse([r["record"] for r in results])
        self.assertEqual(records.mapped("name"), ["a", "b", "c"])

    def test_a_group_with_a_known_message_runs_nothing_and_is_split(self):
        self.results(self.creating("b", message=self.message("b", sequence=1)))
        self.assertEqual(self.states(self.group("a", "b", "c")), ["split", "done", "split"])
        self.assertEqual(self.partners("a", "c"), 0)
        self.assertEqual(self.ask(self.message("a")), ["unknown"])

    def test_a_group_that_is_refused_without_singles_is_split_and_stores_nothing(self):
        group = self.group("a", "b")
        group["steps"][0]["expect"].append({"len": 3, "say": "wrong"})
        results = self.results(group)
        self.assertEqual([r["state"] for r in results], ["split", "split"])
        self.assertEqual(results[0]["error"]["say"], "wrong")
        self.assertEqual((self.partners("a", "b"), self.ask(self.message("a"))), (0, ["unknown"]))

    def test_a_group_that_is_refused_tries_its_singles_so_that_only_the_guilty_is_rejected(self):
        group = self.group("a", "b")
        a, b = group["messages"]
        group["singles"] = [self.creating("a", message=a), self.refused("b", message=b)]
        group["steps"][0]["expect"].append({"len": 3})
        self.assertEqual(self.states(group), ["done", "rejected"])
        self.assertEqual((self.partners("a"), self.partners("b")), (1, 0))

    def test_a_group_in_which_odoo_breaks_is_split_so_that_its_neighbours_can_go_on(self):
        self.add_method("test_raises", lambda records: {}["missing"])
        group = self.group("a", "b")
        group["steps"].append({**self.calling("x", "test_raises")["steps"][1]})
        with mute_logger(QUIET):
            self.assertEqual(self.states(group), ["split", "split"])

    def test_postings_of_one_request_are_independent(self):
        postings = [self.creating("a"), self.refused("b"), self.creating("c")]
        self.assertEqual(self.states(*postings), ["done", "rejected", "done"])
        self.assertEqual(self.partners("a", "b", "c"), 2)

    def test_fewer_records_than_rows_is_a_refusal_although_nobody_expected_anything_of_it(self):
        create = type(self.env["res.partner"]).create
        self.add_method("create", api.model_create_multi(lambda records, vals_list: create(records, vals_list)[:1]))
        results = self.results(self.group("a", "b"))
        self.assertEqual([r["state"] for r in results], ["split", "split"])
        self.assertIn("made 1 records of 2 rows", results[0]["error"]["message"])


class TestTransaction(PostingCase):
    def refusal_of(self, method, function, **step):
        self.add_method(method, function)
        with mute_logger(QUIET, "odoo.sql_db"):
            (result,) = self.results(self.calling("pump", method, **step))
        self.assertEqual(self.partners("pump"), 0, "whatever was refused left nothing behind")
        return result

    def test_a_method_that_commits_is_refused_and_its_effect_is_gone(self):
        result = self.refusal_of("test_commits", lambda records: records.env.cr.commit())
        self.assertEqual((result["state"], result["error"]["name"]), ("forbidden", "millrace.CommitForbidden"))
        self.assertEqual(self.ask(self.message("pump")), ["unknown"])

    def test_a_method_that_swallows_the_refusal_of_its_commit_is_refused_all_the_same(self):
        def quietly(records):
            try:
                records.env.cr.rollback()
            except Exception:  # noqa: BLE001
                return True

        result = self.refusal_of("test_commits_quietly", quietly)
        self.assertEqual((result["state"], result["error"]["name"]), ("forbidden", "millrace.CommitForbidden"))

    def test_the_cursor_can_commit_again_after_a_posting(self):
        before = self.env.cr.commit, self.env.cr.rollback
        self.results(self.creating("a"), self.refused("b"))
        self.apply(self.creating("c"), dry_run=True)
        self.assertEqual((self.env.cr.commit, self.env.cr.rollback), before)

    def test_hooks_of_a_refused_posting_do_not_run_and_those_of_its_neighbours_do(self):
        ran = []

        def hooks(records):
            name, hook = records.name, records.env.cr.postcommit
            hook.data.setdefault("millrace.test", []).append(name)
            hook.add(lambda: ran.append((name, list(hook.data["millrace.test"]))))

        self.add_method("test_hooks", hooks)
        self.addCleanup(self.env.cr.postcommit.clear)
        self.env.cr.postcommit.clear()
        bad = self.calling("b", "test_hooks")
        bad["steps"][1]["expect"] = [{"result": "something else"}]
        postings = self.calling("a", "test_hooks"), bad, self.calling("c", "test_hooks")
        self.assertEqual(self.states(*postings), ["done", "rejected", "done"])
        self.env.cr.postcommit.run()
        self.assertEqual(ran, [("a", ["a", "c"]), ("c", ["a", "c"])])

    def test_a_window_for_a_person_is_a_refusal_unless_it_is_welcome(self):
        window = {"type": "ir.actions.act_window", "name": "Create Backorder?"}
        result = self.refusal_of("test_wizard", lambda records: window)
        self.assertEqual((result["state"], result["error"]["name"]), ("rejected", "millrace.WizardRefused"))
        self.assertIn("Create Backorder?", result["error"]["message"])
        welcome = self.calling("pump", "test_wizard", action_ok=True)
        self.assertEqual(self.states({**welcome, "messages": [self.message("pump", attempt=2)]}), ["done"])

    def test_a_client_action_is_no_window_and_the_expectation_decides(self):
        self.add_method("test_wizard", lambda records: {"type": "ir.actions.client", "tag": "do_multi_print"})
        self.assertEqual(self.states(self.calling("pump", "test_wizard")), ["done"])

    def test_business_refusals_are_stored_and_the_rest_is_not(self):
        def raising(exc):
            def method(records):
                raise exc

            return method

        for number, (exc, state) in enumerate([
            (UserError("no"), "rejected"),
            (RedirectWarning("set it up first", 1, "go"), "rejected"),
            (ValueError("no"), "malformed"),
            (TypeError("no"), "malformed"),
            (ZeroDivisionError("no"), "malformed"),
        ]):  # fmt: skip
            with self.subTest(exc=exc), mute_logger(QUIET):
                self.add_method("test_raises", raising(exc))
                name = f"n{number}"
                (result,) = self.results(self.calling(name, "test_raises"))
                self.assertEqual((result["state"], result["error"]["step"]), (state, "called"))
                self.assertEqual(self.ask(self.message(name)), ["rejected" if state == "rejected" else "unknown"])

    def test_a_broken_constraint_is_a_business_refusal_with_odoos_own_words(self):
        self.add_method(
            "test_raises",
            lambda records: self.env.cr.execute(
                "INSERT INTO millrace_domain (name, allow) VALUES ('test-plant', '{}')"
            ),
        )
        with mute_logger("odoo.sql_db"):
            (result,) = self.results(self.calling("pump", "test_raises"))
        self.assertEqual(
            (result["state"], result["error"]["message"]), ("rejected", "There is a domain of this name already.")
        )

    def test_conflicts_are_raised_so_that_odoo_replays_the_request(self):
        for exc in (ConcurrencyError("x"), LockError("x"), psycopg2.errors.SerializationFailure("x"),
                    psycopg2.errors.LockNotAvailable("x"), psycopg2.errors.DeadlockDetected("x"),
                    psycopg2.errors.QueryCanceled("x"), psycopg2.InterfaceError("x")):  # fmt: skip

            def raising(records, exc=exc):
                raise exc

            self.add_method("test_raises", raising)
            with self.subTest(exc=exc), self.assertRaises(type(exc)):
                self.apply(self.calling("pump", "test_raises"))

    def test_statements_and_waits_for_locks_are_bounded(self):
        self.results(self.creating("a"))
        self.env.cr.execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
        self.assertEqual(self.env.cr.fetchone(), ("1min", "10s"))

    def test_locks_are_row_writes_in_one_order_and_are_let_go_when_the_posting_is_refused(self):
        self.results(self.creating("a", locks=["lot:2", "lot:1", "lot:2"]), self.refused("b", locks=["lot:3"]))
        locks = self.env["millrace.lock"].search([("key", "like", "lot:%")], order="id")
        self.assertEqual(locks.mapped("key"), ["lot:1", "lot:2"])
        self.results(self.creating("c", locks=["lot:1"]))
        locks.invalidate_recordset()
        self.assertEqual(locks.mapped("uses"), [2, 1])

    def test_locks_that_nobody_used_for_a_week_are_removed(self):
        self.results(self.creating("a", locks=["old", "young"]))
        self.env.cr.execute("UPDATE millrace_lock SET used_at = used_at - interval '8 days' WHERE key = 'old'")
        self.env["millrace.lock"]._remove_unused()
        self.assertEqual(self.env["millrace.lock"].search([("key", "in", ["old", "young"])]).mapped("key"), ["young"])

    def test_a_dry_run_says_what_would_happen_and_leaves_nothing(self):
        good, bad = self.creating("a", "b"), self.refused("c")
        answer = self.apply(good, bad, dry_run=True, fence=None)
        self.assertEqual(answer["state"], "dry")
        self.assertEqual([r["state"] for r in answer["results"]], ["done", "done", "rejected"])
        self.assertEqual(answer["changes"]["res.partner"]["created"], 3, "the refused one is counted as tried")
        self.assertEqual((self.partners("a", "b", "c"), self.ask(*good["messages"])), (0, ["unknown", "unknown"]))
        self.assertEqual(self.states(good, bad), ["done", "done", "rejected"])

    def test_a_dry_run_leaves_no_hook_behind(self):
        ran = []
        self.add_method("test_hooks", lambda records: records.env.cr.postcommit.add(lambda: ran.append(1)))
        self.apply(self.calling("a", "test_hooks"), dry_run=True)
        self.env.cr.postcommit.run()
        self.assertEqual(ran, [])

    def test_a_failing_flush_belongs_to_the_posting_that_caused_it(self):
        def late(records):
            records.env.cr.precommit.add(lambda: (_ for _ in ()).throw(UserError("too late")))

        result = self.refusal_of("test_hooks", late)
        self.assertEqual((result["state"], result["error"]["message"]), ("rejected", "too late"))

    def test_the_count_counts_what_was_stored_and_not_what_was_tried(self):
        before = self.executor.ask("test-plant", [self.message("x")])["count"]
        answer = self.apply(
            self.creating("a", "b"), self.refused("c"), self.creating("d", steps=[]), self.void(self.message("e"))
        )
        self.assertEqual(answer["count"], before + 4)
        self.assertEqual(self.executor.take("test-plant", 0)["count"], before + 4)
        self.domain.invalidate_recordset()
        self.assertEqual(self.domain.outcome_count, before + 4)
