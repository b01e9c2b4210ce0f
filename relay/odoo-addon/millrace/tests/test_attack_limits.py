"""Attacks by size: every bound is kept, and says its number."""

from odoo.tools import mute_logger

from ..executor import limits
from .common import PostingCase


class TestAttackLimits(PostingCase):
    def refused_request(self, *postings, **kwargs):
        answer = self.apply(*postings, **kwargs)
        self.assertEqual(answer["state"], "malformed", answer)
        return answer["error"]["message"]

    def test_a_request_with_too_many_postings_runs_nothing(self):
        postings = [self.creating(f"p{k}") for k in range(limits.POSTINGS + 1)]
        self.assertIn(str(limits.POSTINGS), self.refused_request(*postings))
        self.assertEqual(self.partners("p0"), 0)

    def test_a_request_with_too_many_messages_runs_nothing(self):
        names = [f"p{k}" for k in range(limits.MESSAGES + 1)]
        self.assertIn(str(limits.MESSAGES), self.refused_request(self.creating(*names)))
        self.assertIn(
            str(limits.DRY_RUN_MESSAGES),
            self.refused_request(self.creating(*names[: limits.DRY_RUN_MESSAGES + 1]), dry_run=True),
        )

    def test_a_request_with_too_many_steps_runs_nothing_and_singles_count(self):
        step = {"as": "a", "expect": [{"model": "res.partner", "domain": [], "count": 0}]}
        many = [{**step, "as": f"a{k}"} for k in range(limits.STEPS + 1)]
        self.assertIn("steps", self.refused_request(self.creating("a", steps=many)))
        self.assertIn("steps", self.refused_request(self.creating("a", singles=[{"steps": many}])))

    def test_a_request_with_too_many_bytes_runs_nothing(self):
        posting = self.creating("a")
        posting["steps"][0]["kwargs"]["vals_list"][0]["comment"] = "x" * limits.REQUEST_BYTES
        self.assertIn("bytes", self.refused_request(posting))

    def test_a_request_that_is_nested_too_deep_is_refused_without_walking_down(self):
        deep = []
        for _level in range(100_000):
            deep = [deep]
        self.assertIn("deeper", self.refused_request(self.creating("a", context={"x": deep})))

    def test_requests_that_are_no_postings_are_refused(self):
        for postings in ([], {}, "x", None, [1], [[]], [{}]):
            answer = self.executor.apply("test-plant", postings, self.fence)
            self.assertEqual(answer["state"], "malformed", postings)

    def test_a_message_id_that_stands_twice_in_a_request_runs_nothing(self):
        twice = [self.creating("a", message=self.message("m1")), self.creating("b", message=self.message("m1"))]
        self.assertIn("twice", self.refused_request(*twice))
        self.assertEqual(self.partners("a", "b"), 0)

    def test_a_step_on_too_many_records_is_refused(self):
        posting = self.creating("a")
        ids = list(range(1, limits.IDS_PER_STEP + 2))
        posting["steps"].append(
            {"as": "r", "model": "res.partner", "method": "read", "ids": ids, "kwargs": {"fields": ["name"]}}
        )
        self.assertEqual(self.states(posting), ["malformed"])

    def test_a_search_that_finds_too_much_is_refused_and_does_not_read_the_table(self):
        self.patch(limits, "ROWS_PER_SEARCH", 2)
        self.env["res.partner"].create([{"name": "many"}] * 4)
        for limit in ({}, {"limit": 10_000}):
            posting = self.creating("a", message=self.message(f"m{limit}"))
            search = {
                "as": "s",
                "model": "res.partner",
                "method": "search",
                "kwargs": {"domain": [["name", "=", "many"]], **limit},
            }
            posting["steps"].append(search)
            (result,) = self.results(posting)
            self.assertIn("more than 2 rows", result["error"]["message"])

    def test_a_result_with_too_many_values_is_refused(self):
        self.patch(limits, "RESULT_NODES", 100)
        self.add_method("test_wizard", lambda records: {"deep": [[0] * 50] * 50})
        self.assertEqual(self.states(self.calling("a", "test_wizard")), ["malformed"])

    def test_a_result_that_contains_itself_is_refused(self):
        endless = []
        endless.append(endless)
        self.add_method("test_wizard", lambda records: endless)
        with mute_logger("odoo.addons.millrace.models.millrace_posting"):
            self.assertEqual(self.states(self.calling("a", "test_wizard")), ["malformed"])

    def test_outcome_data_beyond_the_bound_are_refused(self):
        posting = self.creating("a")
        posting["outcomes"]["a"]["data"] = "x" * limits.DATA_BYTES
        self.assertEqual(self.states(posting), ["malformed"])
        self.assertEqual(self.partners("a"), 0)

    def test_an_endless_error_is_cut(self):
        posting = self.refused("a", say="x" * limits.SAY_CHARS)
        posting["steps"][0]["kwargs"]["vals_list"][0]["ref"] = "y" * 10_000
        (result,) = self.results(posting)
        self.assertLessEqual(len(result["error"]["message"]), limits.ERROR_CHARS)

    def test_asking_and_purging_are_bounded(self):
        messages = [self.message(f"m{k}") for k in range(limits.ASK_MESSAGES + 1)]
        self.assertEqual(self.executor.ask("test-plant", messages)["state"], "malformed")
        self.assertEqual(self.executor.ask("test-plant", messages[1:])["state"], "ok")
        floors = [{"lane": f"l{k}", "below": 1} for k in range(limits.PURGE_FLOORS + 1)]
        self.assertEqual(self.executor.purge("test-plant", self.fence, floors)["state"], "malformed")
        for wrong in ([], [{}], [{"lane": "a", "below": -1}], [{"lane": 1, "below": 1}], "x"):
            self.assertEqual(self.executor.purge("test-plant", self.fence, wrong)["state"], "malformed")

    def test_text_that_postgresql_cannot_store_is_malformed_and_harms_no_neighbour(self):
        posting = self.creating("bad")
        posting["steps"][0]["kwargs"]["vals_list"][0]["comment"] = "a\x00b"
        with mute_logger("odoo.addons.millrace.models.millrace_posting", "odoo.sql_db"):
            states = self.states(self.creating("a"), posting, self.creating("b"))
        self.assertEqual(states[::2], ["done", "done"])
        number = self.creating("big")
        number["steps"][0]["kwargs"]["vals_list"][0]["color"] = 2**40
        with mute_logger("odoo.addons.millrace.models.millrace_posting", "odoo.sql_db"):
            self.assertEqual(self.states(self.creating("c"), number), ["done", "malformed"])
