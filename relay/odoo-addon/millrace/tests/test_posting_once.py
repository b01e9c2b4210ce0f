"""Exactly one effect: repeats, other content under the same id, attempts, voids, purge."""

from ..executor import limits
from .common import PostingCase


class TestPostingOnce(PostingCase):
    def test_a_posting_takes_effect_and_names_its_record(self):
        posting = self.creating("pump", message=self.message("m1", kind="test.create", station="line 1"))
        posting["outcomes"]["m1"]["data"] = {"all": {"$": "new"}, "fixed": 1.5}
        (result,) = self.results(posting)
        partner = self.env["res.partner"].browse(result["record"])
        self.assertEqual(partner.name, "pump")
        self.assertEqual(partner.create_uid, self.bot)
        expected = {"id": "m1", "state": "done", "repeat": False, "attempt": 1, "model": "res.partner"}
        self.assertEqual(result, {**expected, "record": partner.id, "data": {"all": [partner.id], "fixed": 1.5}})
        row = self.env["millrace.inbox"].search([("message_id", "=", "m1")])
        self.assertEqual((row.state, row.kind, row.station, row.user_id), ("done", "test.create", "line 1", self.bot))
        self.assertEqual(row.record_name, "pump")
        self.assertEqual(row.action_open_record()["res_id"], partner.id)

    def test_people_see_what_the_caller_calls_it_and_when_it_was_captured(self):
        posting = self.creating("pump", message=self.message("m1"))
        posting["outcomes"]["m1"]["data"] = {"name": "the pump of line 1", "captured": 1795333010122}
        self.results(posting)
        row = self.env["millrace.inbox"].search([("message_id", "=", "m1")])
        self.assertEqual((row.record_name, str(row.captured_on)[:19]), ("the pump of line 1", "2026-11-22 07:36:50"))

    def test_data_that_says_something_else_shows_nothing_and_does_no_harm(self):
        for k, data in enumerate(["text", ["list"], {"name": 7, "captured": True}, {"captured": 10**30}, {"captured": -1}]):
            posting = self.creating("pump", message=self.message(f"m{k}", sequence=k + 1))
            posting["outcomes"][f"m{k}"]["data"] = data
            self.results(posting)
            row = self.env["millrace.inbox"].search([("message_id", "=", f"m{k}")])
            self.assertEqual((row.record_name, row.captured_on), ("pump", False))

    def test_a_repeat_answers_what_was_stored_and_does_nothing(self):
        first, again = (self.results(self.creating("pump", message=self.message("m1", sequence=1)))[0] for _ in "12")
        self.assertEqual(again, {**first, "repeat": True})
        self.assertEqual(self.partners("pump"), 1)

    def test_a_repeat_is_known_even_if_its_posting_cannot_run_any_more(self):
        self.results(self.creating("pump", message=self.message("m1", sequence=1)))
        later = self.creating("pump", message=self.message("m1", sequence=1), steps=[])
        later["steps"] = [{**self.creating("x")["steps"][0], "model": "no.such.model"}]
        self.assertEqual(self.results(later)[0]["repeat"], True)

    def test_the_same_id_with_other_content_is_a_conflict_and_runs_nothing(self):
        self.results(self.creating("pump", message=self.message("m1", digest="a")))
        for posting in (
            self.creating("valve", message=self.message("m1", digest="b", attempt=9)),
            self.void(self.message("m1", digest="b")),
        ):
            (result,) = self.results(posting)
            self.assertEqual((result["state"], result["digest"]), ("conflict", "a"))
        self.assertEqual(self.partners("valve"), 0)
        self.assertEqual(self.ask(self.message("m1", digest="b")), ["conflict"])
        self.assertEqual(self.ask(self.message("m1", digest="a")), ["done"])

    def test_a_rejection_is_stored_with_its_reason_and_answered_again(self):
        (first,) = self.results(self.refused("pump", message=self.message("m1")))
        self.assertEqual((first["state"], first["repeat"]), ("rejected", False))
        self.assertEqual(first["error"]["name"], "millrace.ExpectationFailed")
        self.assertEqual(
            (first["error"]["say"], first["error"]["step"], first["error"]["expect"]), ("not today", "new", 0)
        )
        self.assertIn("not today", first["error"]["message"])
        self.assertIn("ref=millrace", first["error"]["message"])
        (again,) = self.results(self.creating("pump", message=self.message("m1")))
        self.assertEqual(again, {**first, "repeat": True})
        self.assertEqual(self.partners("pump"), 0)

    def test_a_rejection_reopens_for_a_higher_attempt_only(self):
        self.results(self.refused("pump", message=self.message("m1", attempt=3)))
        self.assertEqual(self.states(self.creating("pump", message=self.message("m1", attempt=2))), ["rejected"])
        (result,) = self.results(self.creating("pump", message=self.message("m1", attempt=4)))
        self.assertEqual((result["state"], result["repeat"]), ("done", False))
        self.assertEqual(self.partners("pump"), 1)
        row = self.env["millrace.inbox"].search([("message_id", "=", "m1")])
        self.assertEqual((row.state, row.attempt, row.error), ("done", 4, False))

    def test_a_reopened_message_that_is_rejected_again_keeps_its_new_attempt(self):
        self.results(self.refused("pump", message=self.message("m1")))
        self.results(self.refused("pump", say="nor tomorrow", message=self.message("m1", attempt=2)))
        (result,) = self.results(self.creating("pump", message=self.message("m1", attempt=2)))
        self.assertEqual((result["state"], result["error"]["say"]), ("rejected", "nor tomorrow"))

    def test_done_and_void_never_reopen(self):
        self.results(self.creating("pump", message=self.message("m1")), self.void(self.message("m2")))
        postings = [self.creating("again", message=self.message(m, attempt=99)) for m in ("m1", "m2")]
        self.assertEqual(self.states(*postings), ["done", "void"])
        self.assertEqual(self.partners("again"), 0)

    def test_a_void_claims_ids_so_that_they_never_run(self):
        (result,) = self.results(self.void(self.message("m1")))
        self.assertEqual((result["state"], result["repeat"]), ("void", False))
        (later,) = self.results(self.creating("pump", message=self.message("m1", attempt=2)))
        self.assertEqual((later["state"], later["void"]), ("void", {"reason": "scrapped by hand", "by": "anna"}))
        self.assertEqual(self.partners("pump"), 0)

    def test_where_done_stands_done_wins_over_a_void_and_the_others_become_void(self):
        self.results(self.creating("pump", message=self.message("m1")), self.refused("p", message=self.message("m2")))
        answers = self.results(self.void(*(self.message(m, attempt=1) for m in ("m1", "m2", "m3"))))
        self.assertEqual([a["state"] for a in answers], ["done", "void", "void"])
        self.assertEqual(answers[0]["model"], "res.partner")
        row = self.env["millrace.inbox"].search([("message_id", "=", "m2")])
        self.assertEqual((row.state, row.reason), ("void", "scrapped by hand (anna)"))
        self.assertTrue(row.error, "why it had been rejected stays readable")

    def test_ask_answers_outcomes_without_a_fence_and_says_what_is_unknown(self):
        self.results(self.creating("a", message=self.message("m1")), self.refused("b", message=self.message("m2")))
        asked = [self.message(m) for m in ("m1", "m2", "m3")]
        self.assertEqual(self.ask(*asked), ["done", "rejected", "unknown"])

    def test_what_lies_below_a_purge_floor_is_expired_and_never_runs(self):
        def post(name, sequence, **kwargs):
            return self.creating(name, message=self.message(name, sequence=sequence, **kwargs))

        self.results(post("a", 1), post("b", 2), post("c", 3), post("d", 1, lane="agent-1:e1:bulk"))
        lane = {"lane": "agent-1:e1:normal", "below": 3}
        self.assertEqual(
            self.executor.purge("test-plant", self.fence, [lane]), {"state": "ok", "deleted": 2, "more": False}
        )
        (result,) = self.results(post("a", 1, attempt=5))
        self.assertEqual((result["state"], result["below"]), ("expired", 3))
        self.assertEqual(self.states(post("new", 2)), ["expired"], "not even what was never seen")
        self.assertEqual(self.states(self.void(self.message("b", sequence=2))), ["expired"])
        asked = [self.message("a", sequence=1), self.message("c", sequence=3)]
        self.assertEqual(
            self.ask(*asked, self.message("d", sequence=1, lane="agent-1:e1:bulk")), ["expired", "done", "done"]
        )
        self.assertEqual(self.partners("a", "b", "c", "d", "new"), 4)

    def test_a_purge_floor_never_falls_and_needs_the_fence(self):
        lane = "agent-1:e1:normal"
        self.executor.purge("test-plant", self.fence, [{"lane": lane, "below": 9}])
        self.executor.purge("test-plant", self.fence, [{"lane": lane, "below": 2}])
        self.assertEqual(self.states(self.creating("a", message=self.message("a", sequence=8))), ["expired"])
        answer = self.executor.purge("test-plant", self.fence - 1, [{"lane": lane, "below": 99}])
        self.assertEqual(answer, {"state": "stale", "current": self.fence})
        self.assertEqual(self.domain.floor_ids.mapped("below"), [9])

    def test_a_purge_takes_a_bounded_number_and_says_that_there_is_more(self):
        self.results(*(self.creating(n, message=self.message(n, sequence=k)) for k, n in enumerate("abc")))
        self.patch(limits, "PURGE_ROWS", 2)
        floors = [{"lane": "agent-1:e1:normal", "below": 3}]
        self.assertEqual(
            self.executor.purge("test-plant", self.fence, floors), {"state": "ok", "deleted": 2, "more": True}
        )
        self.assertEqual(
            self.executor.purge("test-plant", self.fence, floors), {"state": "ok", "deleted": 1, "more": False}
        )
